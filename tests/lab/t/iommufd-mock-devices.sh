# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: none-6.12 intel-7.2
#
# Page tables made by hand, nested ones, fault queues, what an IOMMU says of itself and guests' shares of an IOMMU, on the
# kernel's mock devices: what lab-iommufd (iommufd/) checks, it checks against the kernel itself. Linux 6.12 finds its mock
# IOMMU only where the machine has no other without a firmware node (drivers/iommu/iommu.c, iommu_ops_from_fwnode()).
. "$LAB_DIR/lib.sh"

run_tap "$LAB_BUILD/tests/lab/lab-iommufd" mock
done_testing
