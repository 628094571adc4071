# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: virtio-6.12
#
# An IOMMU that does not remap interrupts: each backend refuses the device with one EPERM, and the library names this
# cause of several; once the owner accepts it, all works.
. "$LAB_DIR/lib.sh"

edu=$(devices 1234:11e8)
to_vfio "$edu"

for backend in type1 iommufd; do
    output=$("$LAB_BUILD/tests/lab/lab-core" "$backend" "$edu" 2>&1)
    module=${backend/type1/vfio_iommu_type1}
    like "$output" "does not remap interrupts.*/sys/module/$module/parameters/allow_unsafe_interrupts" \
        "$backend: the text names the cause and the way out"
done
for module in vfio_iommu_type1 iommufd; do
    echo 1 >"/sys/module/$module/parameters/allow_unsafe_interrupts"
done
for backend in type1 iommufd; do
    ok "$backend: once that is accepted, the library's core works" "$LAB_BUILD/tests/lab/lab-core" "$backend" "$edu"
done
to_native "$edu"
done_testing
