# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-6.1 amd-6.12
#
# groups, devices, show and status against sysfs, read here by other means; and without privilege.
. "$LAB_DIR/lib.sh"
need iommuctl jq setpriv

gpu=0000:00:08.0
sound=0000:00:08.1
user() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

# "GROUP ADDRESS" of each device, by the kernel
kernel_groups() {
    local path
    for path in /sys/kernel/iommu_groups/*/devices/*; do
        path=${path#/sys/kernel/iommu_groups/}
        echo "${path%%/*} ${path##*/}"
    done
}
# "ADDRESS DRIVER" of each PCI device, by the kernel
kernel_drivers() {
    local dir link
    for dir in /sys/bus/pci/devices/*; do
        link=$(readlink "$dir/driver")
        echo "${dir##*/} ${link##*/}"
    done
}

is "$(user iommuctl --json groups | jq -r '.groups[] | .id as $id | .devices[] | "\($id) \(.address)"')" \
    "$(kernel_groups | sort -n -k1,1 -k2,2)" "groups: each device in its group, in order"
is "$(iommuctl --json devices | jq -r '.devices[] | select(.bus == "pci") | "\(.address) \(.driver // "")"')" \
    "$(kernel_drivers)" "devices: each PCI device and its driver"
is "$(iommuctl --json groups $gpu | jq -r '.groups[0] | "\(.type) \(.viable)"')" \
    "$(cat "/sys/kernel/iommu_groups/$(group $gpu)/type") false" "a group's type, and that native drivers hold it"
is "$(iommuctl --json show $gpu | jq -r '.device | "\(.vendor_id) \(.device_id) \(.revision) \(.class)"')" \
    "$(cd /sys/bus/pci/devices/$gpu && echo "$(cat vendor) $(cat device) $(cat revision) $(cat class)")" "show: the ids"
is "$(iommuctl --json groups $gpu | jq -r '.groups[0].reserved_regions[] | .type' | sort)" \
    "$(cut -d' ' -f3 "/sys/kernel/iommu_groups/$(group $gpu)/reserved_regions" | sort)" "the reserved regions"
is "$(iommuctl --json show drm:card0 | jq -r .device.address)" $gpu "drm:card0 is the display function"
is "$(iommuctl --json status | jq .groups)" "$(ls /sys/kernel/iommu_groups | wc -l)" "status: how many groups"
is "$(iommuctl --json status | jq -r .kernel)" "$(uname -r)" "status: the kernel"
case $LAB_IOMMU in
intel) kind=intel-vt-d ;;
amd) kind=amd-vi ;;
esac
like "$(iommuctl --json status | jq -r '.units[].kind')" "$kind" "status: whose IOMMU it is"

to_vfio $gpu $sound
is "$(iommuctl --json groups $gpu | jq -r '.groups[0] | "\(.viable) \(.devices[0].vfio_node)"')" \
    "true /dev/vfio/$(group $gpu)" "with vfio-pci the group is viable and has its node"
# 6.1 has the folder already, but no node: that is there where a number of it is
cdev=$(cd /sys/bus/pci/devices/$gpu/vfio-dev && for dev in */dev; do [ ! -e "$dev" ] || echo "${dev%/dev}"; done)
is "$(iommuctl --json show $gpu | jq -r '.device.vfio_cdev // ""')" "${cdev:+/dev/vfio/devices/$cdev}" \
    "the device's own node, where the kernel makes one"
like "$(iommuctl groups $gpu)" "\* +[0-9]+ \(2\) +$gpu.*vfio-pci" "text marks what a VFIO driver holds"
to_native $gpu $sound
done_testing
