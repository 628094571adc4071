#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Without an IOMMU, groups says why and what to do, and that is no failure.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/trees.sh"

# case NAME TEXT PATTERN: on $tree
step() {
    run --root="$tree" groups
    same "$1: no failure" "$status $err" "0 "
    has "$1: the next step" "$out" "$2"
    run --root="$tree" groups --json
    same "$1: JSON" "$out" '{"schema_version":1,"groups":[]}'
}

machine() {
    tree=$work/$1
    pci 0000:00:02.0 - 30000 8086:A780 i915
    put proc/cpuinfo "processor	: 0
vendor_id	: $2
flags		: fpu vme $3
"
    mkdir -p "$tree/sys/firmware/acpi/tables" "$tree/sys/kernel/iommu_groups"
}

machine intel-off GenuineIntel vmx
step "off in the firmware, Intel" 'turn on VT-d in the firmware'
machine amd-off AuthenticAMD svm
step "off in the firmware, AMD" 'turn on IOMMU or AMD-Vi in the firmware'
machine intel-unused GenuineIntel vmx
put sys/firmware/acpi/tables/DMAR table
step "not used by the kernel, Intel" 'intel_iommu=on'
machine amd-unused AuthenticAMD svm
put sys/firmware/acpi/tables/IVRS table
step "not used by the kernel, AMD" 'amd_iommu=off'
machine guest GenuineIntel hypervisor
step "a virtual machine" 'This is a virtual machine without one'
machine guest-unused GenuineIntel hypervisor
put sys/firmware/acpi/tables/DMAR table
step "a virtual machine whose kernel leaves it" 'intel_iommu=on'
tree=$work/arm-guest
put sys/class/dmi/id/sys_vendor QEMU
put sys/firmware/acpi/tables/APIC table
step "a virtual machine of another kind" 'This is a virtual machine without one'
tree=$work/nothing-known
mkdir -p "$tree/sys/bus" "$tree/sys/kernel/iommu_groups"
step "nothing known" 'Why is not known'

run --root="$tree" devices
same "devices of nothing are none" "$status" 0
fails "a selector still finds nothing" 4 'there are no IOMMU groups' --root="$tree" groups group:0

tree=$work/no-groups-captured
pci 0000:00:02.0 - 30000 8086:A780 i915
put sys/firmware/acpi/tables/DMAR table
step "nothing captured of groups" 'This capture holds no group information'
run --root="$tree" show 00:02.0
has "show does not say that there is no IOMMU" "$out" 'group +unknown: this capture holds no information'
run --root="$tree" devices
has "devices: not known" "$out" '0000:00:02\.0 +\? '
run --root="$tree" status --json
has "status: not known" "$out" '"groups":null'
fails "nor the device's group" 4 'which IOMMU group 0000:00:02\.0 is in is not known' --root="$tree" groups 00:02.0
fails "nor a group" 4 'numbers of groups are unknown' --root="$tree" groups group:0

tree=$work/copied
for address in 0000:01:00.0 0000:01:00.1 0000:02:00.0; do
    put "sys/bus/pci/devices/$address/uevent" PCI_CLASS=10802
    mkdir -p "$tree/sys/bus/pci/devices/$address/iommu_group/devices"/{"$address","${address%.*}.0"}
done
mkdir -p "$tree/sys/bus/pci/devices/0000:01:00.0/iommu_group/devices/0000:01:00.1"
step "groups copied as directories" 'groups without their numbers'
run --root="$tree" groups
same "who is together" "$(grep '^  ' <<<"$out")" "  0000:01:00.0, 0000:01:00.1
  0000:02:00.0"
run --root="$tree" show 01:00.1
has "show: the number is not known" "$out" 'group +number unknown: '
has "show: with whom it is" "$out" 'with +0000:01:00\.0$'
run --root="$tree" show 01:00.1 --json
has "no number is made up" "$out" '"group":null'

finish
