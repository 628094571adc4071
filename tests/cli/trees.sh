# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Captured trees, as the machines that they stand for show themselves. Each function makes one in $tree.

# put PATH TEXT
put() {
    mkdir -p "$(dirname "$tree/$1")"
    printf '%s\n' "$2" >"$tree/$1"
}

# link PATH TARGET
link() {
    mkdir -p "$(dirname "$tree/$1")"
    ln -s "$2" "$tree/$1"
}

# member GROUP DEVICE-DIRECTORY: puts the device into the group
member() {
    local name=${2##*/}
    mkdir -p "$tree/sys/kernel/iommu_groups/$1/devices"
    link "sys/kernel/iommu_groups/$1/devices/$name" "../../../../${2#sys/}"
    ln -s "$(realpath -m --relative-to="$tree/$2" "$tree/sys/kernel/iommu_groups/$1")" "$tree/$2/iommu_group"
}

# pci ADDRESS GROUP|- CLASS VENDOR:DEVICE DRIVER|- [PARENT]: a PCI function; IDs in upper case, as uevent has
pci() {
    local domain=${1%%:*} dir
    dir=sys/devices/pci$domain:00/${6:+$6/}$1
    mkdir -p "$tree/$dir" "$tree/sys/bus/pci/devices"
    {
        [ "$5" = - ] || echo "DRIVER=$5"
        printf 'PCI_CLASS=%s\nPCI_ID=%s\nPCI_SUBSYS_ID=1043:88E2\nPCI_SLOT_NAME=%s\n' "$3" "$4" "$1"
        printf 'MODALIAS=pci:v0000%sd0000%s\n' "${4%:*}" "${4#*:}"
    } >"$tree/$dir/uevent"
    echo 0x01 >"$tree/$dir/revision"
    echo "(null)" >"$tree/$dir/driver_override"
    echo -1 >"$tree/$dir/numa_node"
    link "$dir/subsystem" "$(realpath -m --relative-to="$tree/$dir" "$tree/sys/bus/pci")"
    ln -s "../../../${dir#sys/}" "$tree/sys/bus/pci/devices/$1"
    [ "$2" = - ] || member "$2" "$dir"
    last=$dir
}

# other BUS NAME GROUP DRIVER: a device of another bus
other() {
    local dir=sys/devices/$1/$2
    mkdir -p "$tree/$dir" "$tree/sys/bus/$1/devices"
    printf 'DRIVER=%s\nMODALIAS=%s:%s\n' "$4" "$1" "$2" >"$tree/$dir/uevent"
    link "$dir/subsystem" "../../../bus/$1"
    ln -s "../../../${dir#sys/}" "$tree/sys/bus/$1/devices/$2"
    member "$3" "$dir"
    last=$dir
}

unit() {
    mkdir -p "$tree/sys/devices/virtual/iommu/$1" "$tree/sys/class/iommu"
    ln -s "../../devices/virtual/iommu/$1" "$tree/sys/class/iommu/$1"
}

# behind UNIT: the last device is behind it
behind() {
    ln -s "$(realpath -m --relative-to="$tree/$last" "$tree/sys/devices/virtual/iommu/$1")" "$tree/$last/iommu"
}

# A desktop: a GPU of two functions in the group of its root port, a disk in the hands of vfio-pci.
intel_desktop() {
    tree=$work/intel
    unit dmar0
    unit dmar1
    pci 0000:00:00.0 0 60000 8086:A740 -
    behind dmar1
    pci 0000:00:01.0 1 60400 8086:A70D pcieport
    behind dmar1
    pci 0000:01:00.0 1 30000 10DE:2684 nouveau 0000:00:01.0
    behind dmar1
    echo 0xa1 >"$tree/$last/revision"
    printf 'flr bus\n' >"$tree/$last/reset_method"
    echo D0 >"$tree/$last/power_state"
    echo 1 >"$tree/$last/boot_vga"
    printf '16.0 GT/s PCIe\n' | tee "$tree/$last/current_link_speed" >"$tree/$last/max_link_speed"
    echo 8 >"$tree/$last/current_link_width"
    echo 16 >"$tree/$last/max_link_width"
    {
        echo 0x00000000a0000000 0x00000000a0ffffff 0x0000000000040200
        echo 0x0000004000000000 0x00000043ffffffff 0x000000000014220c
        echo 0x0000000000000000 0x0000000000000000 0x0000000000000000
        echo 0x0000000000000000 0x0000000000000000 0x0000000000000000
        echo 0x0000000000000000 0x0000000000000000 0x0000000000000000
        echo 0x0000000000003000 0x000000000000307f 0x0000000000040101
        echo 0x00000000a1000000 0x00000000a107ffff 0x0000000000046200
    } >"$tree/$last/resource"
    pci 0000:01:00.1 1 40300 10DE:22BA snd_hda_intel 0000:00:01.0
    behind dmar1
    echo vfio-pci >"$tree/$last/driver_override"
    pci 0000:02:00.0 14 10802 144D:A80A vfio-pci
    behind dmar1
    echo 0 >"$tree/$last/numa_node"
    put "$last/vfio-dev/vfio0/dev" 511:0
    link sys/class/vfio/14 ../../devices/virtual/vfio/14
    mkdir -p "$tree/sys/devices/virtual/vfio/14"
    pci 0000:00:1f.6 8 20000 8086:1A1D e1000e
    link sys/class/net/enp0s31f6 ../../devices/pci0000:00/0000:00:1f.6/net/enp0s31f6
    for group in 0 1 8 14; do
        put "sys/kernel/iommu_groups/$group/type" DMA-FQ
        put "sys/kernel/iommu_groups/$group/reserved_regions" \
            "0x00000000fee00000 0x00000000feefffff msi"
    done
    put proc/sys/kernel/osrelease 6.12.0-test
    put proc/interrupts "           CPU0
  0:         42  IR-IO-APIC   2-edge      timer
 24:          0  DMAR-MSI   0-edge      dmar0
130:         77 IR-PCI-MSIX-0000:02:00.0   0-edge      nvme0q0
NMI:          0   Non-maskable interrupts"
    put lib/modules/6.12.0-test/modules.builtin "kernel/drivers/iommu/iommufd/iommufd.ko
kernel/drivers/vfio/vfio_iommu_type1.ko
kernel/net/core/other.ko"
    mkdir -p "$tree/sys/module/vfio_pci" "$tree/sys/module/vfio_pci_core" "$tree/sys/module/vfio" \
        "$tree/sys/module/nouveau"
    mkdir -p "$tree/run/iommuctl/devices" "$tree/dev/vfio"
    put run/iommuctl/devices/0000:02:00.0 entry
    : >"$tree/dev/iommu"
    : >"$tree/dev/vfio/vfio"
}

# A server with a VMD domain and a neighbour in two domains.
amd_vmd() {
    tree=$work/amd
    unit ivhd0
    pci 0000:c0:00.0 3 10802 144D:A80A nvme
    pci 10000:c0:00.0 9 10802 8086:0A54 nvme
    pci 10000:e1:00.0 10 10802 8086:0A54 nvme
    pci 0000:00:18.0 20 60000 1022:1660 -
    put proc/interrupts "  24: 5 PCI-MSI 0-edge AMD-Vi
  30: 1 PCI-MSIX-0000:c0:00.0 0-edge nvme0q0"
}

# An ARM board: platform devices, and network objects of DPAA2.
arm_board() {
    tree=$work/arm
    unit smmu3.0x0000000005000000
    other platform fd40000.dma 0 pl330
    other fsl-mc dprc.1 1 fsl_mc_dprc
    other fsl-mc dpni.4 2 vfio-fsl-mc
    pci 0000:01:00.0 5 20000 8086:1572 i40e
    put proc/interrupts "  20: 1 2 ITS-PCI-MSIX-0000:01:00.0 0 Edge i40e"
}

mediated() {
    tree=$work/mdev
    other mdev 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 4 vfio_mdev
    put sys/kernel/iommu_groups/4/name vfio-noiommu
    pci 0000:05:00.0 0 20000 8086:1572 vfio-pci
    put sys/kernel/iommu_groups/0/name vfio-noiommu
}

# What a collector of logs keeps: the bus, without the groups.
partial() {
    tree=$work/partial
    pci 0000:01:00.0 7 30000 10DE:2684 nouveau
    pci 0000:01:00.1 7 40300 10DE:22BA -
    pci 0000:02:00.0 - 20000 8086:1572 i40e
    rm -r "$tree/sys/kernel"
}

# Groups that point to nothing, devices that say nothing.
hollow() {
    tree=$work/hollow
    pci 0000:01:00.0 1 30000 10DE:2684 nouveau
    rm -r "$tree/sys/devices/pci0000:00/0000:01:00.0"
    pci 0000:02:00.0 1 30000 10DE:2684 -
    rm "$tree/sys/devices/pci0000:00/0000:02:00.0/uevent"
}

# Groups whose devices cannot be listed, one by its mode and one as it is no directory, and one that is empty.
closed_groups() {
    tree=$work/closed
    pci 0000:01:00.0 3 10802 144D:A80A -
    chmod 0 "$tree/sys/kernel/iommu_groups/3/devices"
    put sys/kernel/iommu_groups/4/devices text
    mkdir -p "$tree/sys/kernel/iommu_groups/5/devices"
}

hostile() {
    local esc=$'\e'
    tree=$work/hostile
    pci 0000:01:00.0 1 30000 10DE:2684 "evil${esc}[31m\"\\driver"
    pci 0000:02:00.0 2 30000 10DE:2684 $'bad\xff\xfe\xc0\xafutf'
    printf 'over\xed\xa0\x80ride\a\n' >"$tree/$last/driver_override"
    other platform "na${esc}]0;title"$'\a\n'"me" 3 $'new\x7fline'
    mkdir -p "$tree/sys/class/iommu/dm${esc}[2Jar"
}
