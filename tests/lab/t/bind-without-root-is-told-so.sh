# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12
#
# A plain user sees what a bind would do and what a restore would give back, and changes nothing.
. "$LAB_DIR/lib.sh"
need setpriv jq

gpu=0000:00:08.0
user() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

below_run() { find /run/iommuctl -printf '%p %T@\n' 2>/dev/null | sort; }
before=$(below_run)
output=$(user iommuctl bind --group $gpu 2>&1)
is $? 5 "bind without root ends with status 5"
like "$output" "needs root" "and says what it needs"
is "$(driver $gpu)" bochs-drm "nothing was changed"
is "$(below_run)" "$before" "nothing was written below /run"
is "$(user iommuctl --json bind --group --dry-run $gpu | jq '.writes | length')" 6 "a dry run needs no privilege"

iommuctl bind --group $gpu >/dev/null
is "$(user iommuctl --json restore --all --dry-run | jq -r '.changes[0].to')" bochs-drm "what would be given back can be read"
fails 5 "restore without root ends with status 5" user iommuctl restore --all
is "$(driver $gpu)" vfio-pci "and gives nothing back"
fails 5 "also once there is a lock to open" user iommuctl unbind 0000:00:06.0
ok "what is bound already needs no root" user iommuctl bind --group $gpu
iommuctl restore --all >/dev/null
is "$(driver $gpu)" bochs-drm "root gives back"
done_testing
