# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-7.2 intel-6.1 amd-6.12 virtio-6.12 none-6.12
#
# The kernel and the IOMMU are those the machine's name promises, and its root can be worked in. Every other test
# stands on this.
. "$LAB_DIR/lib.sh"

release=$(uname -r)
# the kernel's self-test registers an IOMMU of its own, with no devices
units=$(find /sys/class/iommu -mindepth 1 ! -name 'iommufd_selftest*' -printf '%f\n')
case $LAB_KERNEL in
debian-6.1)
    like "$release" '^6\.1\.[0-9.]+-[0-9]+-amd64$' "the kernel is Debian's own 6.1"
    ok "a kernel without iommufd has no /dev/iommu" test ! -e /dev/iommu
    modprobe -r vfio-pci 2>/dev/null # where a script before this one has loaded it
    ok "vfio-pci is a module, and not loaded" test ! -e /sys/bus/pci/drivers/vfio-pci
    ok "vfio-pci can be loaded" modprobe vfio-pci
    ;;
source-6.12)
    like "$release" '^6\.12\.' "the kernel is 6.12"
    ok "iommufd is there" test -c /dev/iommu
    ok "device cdevs are configured" grep -q CONFIG_VFIO_DEVICE_CDEV=y <(zcat /proc/config.gz)
    ok "the sample mediated device can be loaded" modprobe mtty
    ;;
esac
ok "vfio-pci is a driver" test -d /sys/bus/pci/drivers/vfio-pci
ok "the VFIO container node is there" test -c /dev/vfio/vfio

case $LAB_IOMMU in
intel) like "$units" '^dmar0' "the IOMMU is Intel's" ;;
amd) like "$units" '^ivhd0' "the IOMMU is AMD's" ;;
virtio) like "$units" '^virtio|^0000:' "the IOMMU is virtio's" ;;
none) is "$units" "" "there is no IOMMU" ;;
esac

for dir in /tmp /run /root /var /etc /usr /dev/shm; do
    ok "$dir can be written to" touch "$dir/lab-was-here"
done
ok "loopback is up" grep -q . <(ip -4 addr show dev lo up 2>/dev/null || cat /sys/class/net/lo/carrier)
is "$(cat /proc/sys/vm/nr_hugepages)" 16 "16 huge pages are set aside"
ok "debugfs is mounted" test -d /sys/kernel/debug/iommu -o -d /sys/kernel/debug/pinctrl -o -d /sys/kernel/debug/tracing
ok "no udevd answers" test ! -e /run/udev/control
done_testing
