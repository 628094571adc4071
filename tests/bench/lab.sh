#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# lab.sh BUILD-DIR MACHINE SCRIPT [ARG…]: runs a script of this folder in an emulated machine, where it prints its
# figures. Both sides of a ratio must come from the same run.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1 machine=$2 script=$3
shift 3
exec "$here/../lab/lab" run "$machine" --build "$build" --timeout 900 "$here/$script" "$@"
