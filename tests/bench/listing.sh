#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# listing.sh BUILD-DIR: what listing costs
exec python3 "$(dirname "$0")/listing.py" "$@"
