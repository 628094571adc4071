# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-7.2 intel-6.1 amd-6.12
#
# The programs in the man pages of section 3 do what their pages say, on the edu device.
. "$LAB_DIR/lib.sh"

edu=$(devices 1234:11e8)
nic=0000:00:06.0
to_vfio "$edu"

# does NAME ARGUMENT REGEX TEXT: the program of that page ends well, and what it prints matches
does() {
    local output status=0
    output=$("$LAB_BUILD/tests/man/man-$1" "$2" 2>&1) || status=$?
    like "$status $output" "^0 $3" "$4"
}

does libiommuctl "$edu" '0x[0-9a-f]+: through the IOMMU$' "libiommuctl(3): the device copies memory in and out"
does iommuctl_container "$edu" '0x0-0x[0-9a-f]+' "iommuctl_container(3): the ranges"
does iommuctl_device "$edu" "$edu over (iommufd|type1): 9 regions" "iommuctl_device(3): a device is opened and reset"
does iommuctl_dma "$edu" '65536 bytes at 0x[0-9a-f]+, for the device at 0x' "iommuctl_dma(3): a buffer is mapped"
does iommuctl_pool "$edu" 'a descriptor for 0x[0-9a-f]{16}' "iommuctl_pool(3): a packet's address"
does iommuctl_dma_set "$edu" '4096 buffers in 1 mappings; the last is at 0x' "iommuctl_dma_set(3): adjacent buffers are one mapping"
does iommuctl_populate "$edu" '.*128 of 128 MiB$' "iommuctl_populate(3): a buffer is populated, with progress"
does iommuctl_irq "$edu" 'fired 1 times' "iommuctl_irq(3): an interrupt is waited for"
does iommuctl_region "$edu" '1234:11e8.register 0: 0x010000ed' "iommuctl_region(3): registers are read"
does iommuctl_region_guard "$edu" 'the device does not answer' "iommuctl_region_guard(3): no SIGBUS"
does iommuctl_pci "$edu" '0x[0-9a-f]+: MSI' "iommuctl_pci(3): capabilities are found"
does iommuctl_unplug "$edu" 'nobody wants it back' "iommuctl_unplug(3): a request is waited for"
does iommuctl_group "$(group "$edu")" "group $(group "$edu") is ours" "iommuctl_group(3): a group is opened"
if [ -e /dev/vfio/devices ]; then
    does iommuctl_hw_info "$edu" 'kind (intel-vt-d|amd-vi|none), dirty tracking: ' "iommuctl_hw_info(3): what the IOMMU is"
    does iommuctl_fault_queue "$edu" 'nothing is waited for' "iommuctl_fault_queue(3): nobody asks for a page"
fi
missing=$((32 - $(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)))
like "$("$LAB_BUILD/tests/man/man-iommuctl_budget" 2>/dev/null)" "^$missing huge pages are missing$" "iommuctl_budget(3): what is missing is told"
does iommuctl_topology "" "group.* $edu vfio-pci" "iommuctl_topology(3): groups and drivers are listed"
does iommuctl_machine "" "Linux $(uname -r), iommufd: (yes|no), type1: yes" "iommuctl_machine(3): what the kernel offers"

does iommuctl_change "$nic" "$nic" "iommuctl_change(3): a device is bound"
is "$(driver "$nic")" vfio-pci "the kernel agrees"
ok "and given back" "$LAB_BUILD/cli/iommuctl" restore "$nic"

output=$("$LAB_BUILD/cli/iommuctl" -q dma map "$edu" --buffer rx:64K -- "$LAB_BUILD/tests/man/man-iommuctl_adopt" 2>&1)
like "$output" 'rx is at IOVA 0x' "iommuctl_adopt(3): a device that was handed over is taken"
to_native "$edu"
done_testing
