# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-6.1 amd-6.12
#
# With plain sysfs writes: both functions of the GPU go to vfio-pci, the nodes appear, and the native drivers come
# back. What iommuctl does better has to be possible at all.
. "$LAB_DIR/lib.sh"

gpu=0000:00:08.0
sound=0000:00:08.1
number=$(group $gpu)

to_vfio $gpu $sound
is "$(driver $gpu) $(driver $sound)" "vfio-pci vfio-pci" "both functions are with vfio-pci"
ok "the group's node appeared" test -c "/dev/vfio/$number"
if [ "$LAB_KERNEL" = debian-6.1 ]; then
    ok "a kernel without iommufd makes no device cdevs" test ! -e /dev/vfio/devices
else
    for cdev in /sys/bus/pci/devices/{$gpu,$sound}/vfio-dev/*; do
        ok "a function has a device cdev" test -c "/dev/vfio/devices/${cdev##*/}"
    done
fi
ok "the DRM card is gone" test ! -e /dev/dri/card0

to_native $gpu $sound
is "$(driver $gpu) $(driver $sound)" "bochs-drm snd_hda_intel" "the native drivers are back"
ok "the DRM card is back" test -e /dev/dri/card0
ok "the group's node is gone" test ! -e "/dev/vfio/$number"
done_testing
