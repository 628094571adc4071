# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# In an emulated machine: what 4096 adjacent buffers cost as one set and by hand.
set -euo pipefail
. "$LAB_DIR/lib.sh"

edu=0000:00:04.0
to_vfio $edu
for backend in type1 iommufd; do
    "$LAB_BUILD/tests/bench/bench-coalesce" $backend $edu
done
