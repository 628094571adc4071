# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: pages-6.12
#
# Where the IOMMU can (VT-d's capability SLLPS), a page of 1 GiB is one entry in its table, and what begins inside of one
# still gets its whole 2 MiB; and `iommuctl dma bench` measures it. Each new GiB takes seconds to be cleared: few are made.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"
. "$LAB_DIR/pages-lib.sh"

free=/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages
to_vfio $edu
# VT-d specification, 10.4.2: bits 37:34, 2 MiB and 1 GiB
is "$((0x$(cat /sys/class/iommu/dmar0/intel-iommu/cap) >> 34 & 15))" 3 "this IOMMU has pages of 2 MiB and 1 GiB"
is "$(cat $free)" 1 "this machine has a page of 1 GiB"
is "$(whole iommufd 1G 1G)" "1 of 1G" "iommufd: a page of 1 GiB is one entry of 1 GiB"
is "$(part type1 1G 1 0 0)" "1 of 1G" "type1: a page of 1 GiB is one entry of 1 GiB"
is "$(part iommufd 1G 1 0x1000 0x1000)" "510 of 2M 1022 of 4K" "a buffer that holds no whole one has all whole 2 MiB of it"
like "$(iommuctl --json dma bench --page-size=1G --rounds=3 $edu)" \
    '"results":\[\{"size":1073741824,"page_size":1073741824,"rounds":3,.*"skipped":\[\]' "iommuctl dma bench measures it"
is "$(cat $free)" 1 "the page is given back"
to_native $edu
done_testing
