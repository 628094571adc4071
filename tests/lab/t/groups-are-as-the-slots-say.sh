# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-6.1 amd-6.12 virtio-6.12 none-6.12
#
# The machine has the groups that other tests count on: the graphics card and its sound function together, every
# other device alone, the functions of the chipset's last slot together.
. "$LAB_DIR/lib.sh"

is "$(driver 0000:00:08.0) $(driver 0000:00:08.1)" "bochs-drm snd_hda_intel" "both GPU functions have native drivers"
is "$(driver 0000:00:05.0)" nvme "the disk has its native driver"
is "$(driver 0000:00:06.0) $(driver 0000:00:07.0)" "e1000e e1000e" "the NICs have their native driver"
is "$(driver 0000:00:04.0)" none "the edu device has no driver"
ok "the disk shows as a block device" wait_for 5 test -b /dev/nvme0n1
ok "the GPU shows as a DRM card" test -e /sys/bus/pci/devices/0000:00:08.0/drm/card0

if [ "$LAB_IOMMU" = none ]; then
    is "$(ls /sys/kernel/iommu_groups)" "" "no IOMMU, no groups"
    is "$(group 0000:00:08.0)" none "no IOMMU, the GPU is in no group"
    done_testing
fi
is "$(members "$(group 0000:00:08.0)")" "0000:00:08.0 0000:00:08.1" "the GPU's two functions share a group"
for address in 0000:00:05.0 0000:00:06.0 0000:00:07.0; do
    is "$(members "$(group $address)")" "$address" "$address is alone in its group"
done
if [ "$LAB_IOMMU" = virtio ]; then
    # virtio-iommu is itself a device that is found late: Linux 6.12 asks it for a group when a driver takes a device
    is "$(group 0000:00:04.0)" none "a device that no driver has had is in no group"
    to_vfio 0000:00:04.0
    is "$(members "$(group 0000:00:04.0)")" "0000:00:04.0" "it is in a group once a driver has taken it"
    to_native 0000:00:04.0
else
    is "$(members "$(group 0000:00:04.0)")" "0000:00:04.0" "0000:00:04.0 is alone in its group"
    is "$(members "$(group 0000:00:1f.0)")" "0000:00:1f.0 0000:00:1f.2 0000:00:1f.3" \
        "the chipset's functions share a group"
fi
done_testing
