# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-7.2 amd-6.12
#
# A device that moves between address spaces and page tables while it does DMA, and what its IOMMU says of itself, on
# QEMU's teaching device: what lab-iommufd (iommufd/) checks, it checks against the kernel itself.
. "$LAB_DIR/lib.sh"

edu=$(devices 1234:11e8)
to_vfio "$edu"
run_tap "$LAB_BUILD/tests/lab/lab-iommufd" device "$edu"
to_native "$edu"
done_testing
