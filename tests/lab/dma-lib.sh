# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For the scripts t/dma-*.sh, after lib.sh: the edu device in the hands of vfio-pci, and what they ask of it.

edu=0000:00:04.0
need iommuctl edu
dma_check=$LAB_BUILD/tests/lab/dma_check
[ -x "$dma_check" ] || skip_all "dma_check is not built"

# the ways this kernel has to VFIO
case $LAB_KERNEL in
debian-6.1) backends=type1 ;;
*) backends="iommufd type1" ;;
esac

# vfio_node: the node that a backend opens for the edu device; vfio_cdev where that is the device's own
vfio_node() {
    echo "/dev/vfio/$(group $edu)"
}

vfio_cdev() {
    local dir
    for dir in /sys/bus/pci/devices/$edu/vfio-dev/*; do
        echo "/dev/vfio/devices/${dir##*/}"
    done
}

# mark TEXT: a line in the kernel's log; since TEXT: what it says behind it
mark() {
    echo "lab: $1" >/dev/kmsg
}

since() {
    dmesg | sed "1,/lab: $1/d"
}

# holders: the processes that have a VFIO device open, as their folders in /proc, one a line
holders() {
    find /proc/[0-9]*/fd \( -lname '/dev/vfio/[0-9]*' -o -lname '/dev/vfio/devices/*' -o -lname 'anon_inode:\[vfio-device\]' \) \
        -printf '%H\n' 2>/dev/null | sort -u | sed 's,/fd$,,'
}

# free_again: nobody has it open, and it can be opened
free_again() {
    [ -z "$(holders)" ] && iommuctl -q dma ranges $edu >/dev/null
}

# start_map ARG…: `iommuctl dma map` in the background; its process is $held, its answer goes to map.out and map.err,
# and it is waited for until that has a line
start_map() {
    : >map.out
    iommuctl dma map "$@" >map.out 2>map.err &
    held=$!
    wait_for 10 test -s map.out
}

# ended WANTED TEXT: the process $held ended with this status
ended() {
    local status=0
    wait "$held" || status=$?
    is "$status" "$1" "$2"
    [ "$status" = "$1" ] || note "$(cat map.err)"
}
