# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-7.2
#
# The IOMMU's own table holds one entry for each whole 2 MiB page of a buffer, wherever the buffer begins: an automatic
# IOVA is congruent to the address in memory.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"
. "$LAB_DIR/pages-lib.sh"

to_vfio $edu
for backend in $backends; do
    is "$(whole "$backend" 4K)" "1 of 4K" "$backend: 4 KiB are one entry of 4 KiB"
    is "$(whole "$backend" 2M 2M)" "1 of 2M" "$backend: a page of 2 MiB is one entry of 2 MiB"
    is "$(whole "$backend" 16M 2M)" "8 of 2M" "$backend: eight of them are eight"
    is "$(part "$backend" 2M 4 0x3000 0x5000)" "2 of 2M 1016 of 4K" \
        "$backend: a buffer that begins and ends inside such pages has the two whole ones as they are"
    is "$(part "$backend" 2M 4 0x3000 0x5000 file)" "2 of 2M 1016 of 4K" "$backend: so has one that is mapped by its file"
    is "$(part "$backend" 2M 2 0x1000 0x1000)" "1022 of 4K" "$backend: one that holds no whole page has none"
    is "$(part "$backend" 2M 1 0 0 0x40001000)" "512 of 4K" \
        "$backend: and a whole page at an IOVA asked for that is not congruent is mapped in small ones"
done
to_native $edu
done_testing
