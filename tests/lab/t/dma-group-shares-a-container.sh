# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: edus-6.12 edus-6.1 edus-amd-6.12
#
# Two devices of one group in one container: both do DMA through one mapping, and one goes on when the other is
# closed.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"

one=0000:00:0e.0
two=0000:00:0e.1
is "$(members "$(group $one)")" "$one $two" "two edu devices share a group"

to_vfio $one $two
for backend in $backends; do
    ok "$backend: one mapping serves both" "$dma_check" shared "$backend" $one $two
done
to_native $one $two
done_testing
