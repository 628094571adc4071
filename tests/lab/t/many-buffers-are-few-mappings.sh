# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-6.1
#
# Buffers mapped as sets, and large ones that are populated first, against the kernel itself: lab-limits (limits/).
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"

limits=$LAB_BUILD/tests/lab/lab-limits
limit=/sys/module/vfio_iommu_type1/parameters/dma_entry_limit
to_vfio $edu
mappings=$(cat $limit)
echo 100 >$limit # a container takes it when it is made; 65535 take a while
for backend in $backends; do
    run_tap "$limits" sets "$backend" $edu
    run_tap "$limits" populate "$backend" $edu
done
echo "$mappings" >$limit
to_native $edu
done_testing
