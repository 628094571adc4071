# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For scripts in t/ that run the programs of examples/e1000e/, after lib.sh: two cards on one wire, of which the first
# one stays the kernel's.

theirs=0000:00:06.0
ours=0000:00:07.0
ping_check=$LAB_BUILD/tests/lab/ping_check
need e1000e-echo iommuctl setpci ip
[ -x "$ping_check" ] || skip_all "ping_check is not built"

# the ways this kernel has to VFIO
case $LAB_KERNEL in
debian-6.1) backends=type1 ;;
*) backends="iommufd type1" ;;
esac

# nic ADDRESS: its interface, once the kernel's driver has made it
nic() {
    wait_for 10 test -d "/sys/bus/pci/devices/$1/net"
    ls "/sys/bus/pci/devices/$1/net"
}

# up ADDRESS IP: the kernel's driver on the card has this address, and a link
up() {
    local name
    name=$(nic "$1")
    ip link set "$name" up
    ip addr replace "$2/24" dev "$name"
    wait_for 10 grep -qx 1 "/sys/class/net/$name/carrier"
}

down() {
    ip addr flush dev "$(nic "$1")"
    ip link set "$(nic "$1")" down
}

# bus_master ADDRESS: "on" or "off", as configuration space says
bus_master() {
    (($(setpci -s "$1" COMMAND | sed 's/^/0x/') & 4)) && echo on || echo off
}

# begin CMD…: in the background, until its link is up; its process is $begun, its words are in begun.out and begun.err
begin() {
    : >begun.err
    "$@" >begun.out 2>begun.err &
    begun=$!
    wait_for 20 grep -q 'link up' begun.err
}

# finish STATUS TEXT: it ended by itself with this status
finish() {
    local status=0
    wait "$begun" || status=$?
    is "$status" "$1" "$2"
    [ "$status" = "$1" ] || note "$(cat begun.out begun.err)"
}

# stop TEXT: SIGTERM ends it well
stop() {
    kill -TERM "$begun"
    finish 0 "$1"
}

# field NAME: a number of the report, which is JSON
field() {
    sed -nE "s/.*\"$1\":([0-9.]+).*/\1/p" begun.out
}
