# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: groups-6.12 edus-6.1 edus-amd-6.12
#
# Two devices of one group in one container: both do DMA through one mapping, and one goes on when the other is
# closed.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"

# the first group with two edu devices
found=
for one in $(devices 1234:11e8); do
    for two in $(devices 1234:11e8); do
        if [ "$one" \< "$two" ] && [ "$(group "$one")" = "$(group "$two")" ]; then
            found=${found:-$one $two}
        fi
    done
done
read -r one two <<<"$found"
ok "two edu devices share a group" test -n "$two"

to_vfio "$one" "$two"
for backend in $backends; do
    ok "$backend: one mapping serves both" "$dma_check" shared "$backend" "$one" "$two"
done
to_native "$one" "$two"
done_testing
