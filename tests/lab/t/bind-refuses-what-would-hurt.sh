# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-6.1 amd-6.12
# timeout: 180
#
# A disk in use, the network that a default route leaves by, a bridge's port: refused, each by its name, and let
# through one by one.
. "$LAB_DIR/lib.sh"
need jq mkfs.ext4 mkswap swapon ip dmsetup

modprobe -q loop # a module of Debian's kernel

disk=0000:00:05.0
nic=0000:00:06.0
mkdir -p /tmp/mnt

hazards() { iommuctl --json bind --dry-run "$@" 2>/dev/null | jq -r '.hazards[] | .hazard + (if .allowed then "+" else "" end)' | paste -sd' '; }
details() { iommuctl --json bind --dry-run "$@" 2>/dev/null | jq -r '.hazards[].detail'; }
refused() { # TEXT SELECTOR
    local native
    native=$(driver "$2")
    fails 3 "$1" iommuctl bind "$2"
    is "$(driver "$2")" "$native" "… and nothing was done"
}

is "$(hazards $disk)" "" "a disk that nothing uses stands in nobody's way"

mkfs.ext4 -q -F /dev/nvme0n1 16M
mount /dev/nvme0n1 /tmp/mnt
refused "a mounted disk is refused" $disk
is "$(hazards $disk)" mounted "the hazard is named"
is "$(details $disk)" "nvme0n1 is mounted at /tmp/mnt" "with the place"
is "$(hazards --allow=mounted $disk)" mounted+ "it can be allowed"
fails 3 "what is allowed must be the hazard that is there" iommuctl bind --allow=swap $disk
truncate -s 8M /tmp/mnt/image
mkfs.ext4 -q -F /tmp/mnt/image
if mount -o loop /tmp/mnt/image /mnt 2>/dev/null; then
    is "$(details $disk)" "nvme0n1 is mounted at /tmp/mnt" "a loop device on it comes with the mount it is on"
    umount /mnt
else
    skip 1 "this kernel has no loop devices"
fi
umount /tmp/mnt

mkswap -q /dev/nvme0n1
swapon /dev/nvme0n1
refused "a disk with swap is refused" $disk
is "$(hazards $disk)" swap "the hazard is named"
swapoff /dev/nvme0n1

if echo "0 32768 linear /dev/nvme0n1 0" | dmsetup create --noudevsync lab-root 2>/dev/null; then
    refused "a disk with a device mapper's volume on it is refused" $disk
    is "$(details $disk)" "nvme0n1 is held by dm-0 (lab-root)" "the volume is named"
    dmsetup mknodes
    mkfs.ext4 -q -F /dev/mapper/lab-root
    mount /dev/mapper/lab-root /tmp/mnt
    is "$(hazards $disk)" "holder mounted" "what is mounted on the volume is found, too"
    is "$(details $disk | tail -n 1)" "dm-0 (lab-root) is mounted at /tmp/mnt" "with its place"
    is "$(hazards --allow=holder $disk)" "holder+ mounted" "one is allowed without the other"
    umount /tmp/mnt
    dmsetup remove --noudevsync lab-root
else
    skip 6 "this kernel has no device mapper"
fi
is "$(hazards $disk)" "" "the disk is free again"

name=$(ls /sys/bus/pci/devices/$nic/net)
is "$(hazards $nic)" "" "a network device without a route stands in nobody's way"
ip addr add 192.0.2.1/24 dev "$name"
ip link set "$name" up
ip route add default via 192.0.2.2 dev "$name"
refused "the network device of the default route is refused" $nic
is "$(details $nic)" "$name carries the IPv4 default route" "the interface is named"
ip route del default
ip -6 addr add 2001:db8::1/64 dev "$name" nodad
ip -6 route add default via 2001:db8::2 dev "$name"
is "$(details $nic)" "$name carries the IPv6 default route" "so it is with IPv6"
ip -6 route del default
if ip link add br0 type bridge 2>/dev/null; then
    ip link set "$name" master br0
    refused "a port of a bridge is refused" $nic
    is "$(hazards $nic)" net-master "the hazard is named"
    ip addr add 198.51.100.1/24 dev br0
    ip link set br0 up
    ip route add default via 198.51.100.2 dev br0
    is "$(details $nic | tail -n 1)" "br0, on top of $name, carries the IPv4 default route" \
        "the default route of the bridge is its ports'"
    fails 3 "each hazard is allowed by itself" iommuctl bind --allow=net-master $nic
    ok "all that are there can be allowed" iommuctl bind --allow=net-master,default-route $nic
    is "$(driver $nic)" vfio-pci "and then it is done"
    ok "and undone" iommuctl restore $nic
    is "$(driver $nic)" e1000e "with the native driver back"
    ip link del br0
else
    skip 8 "this kernel has no bridges"
fi

# Two network cards are alike: by their ids, bind would take whichever, or both.
fails 2 "ids that fit two devices take neither" iommuctl bind 8086:10d3
like "$(iommuctl bind 8086:10d3 2>&1)" "means 2 devices.*0000:00:06.0, 0000:00:07.0" "and both are named"
done_testing
