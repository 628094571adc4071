# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For scripts in t/ that run lab-region (region/).

LAB_RELEASE=$(uname -r)
export LAB_RELEASE

# backends: those of this kernel
backends() {
    echo type1
    [ ! -e /dev/iommu ] || echo iommufd
}

# take_over FILE: the tests of a program's output, with numbers of our own
take_over() {
    grep -v '^1\.\.' "$1" | sed -E "s/^(not )?ok [0-9]+ - /\1ok - /"
    tests=$((tests + $(grep -cE '^(not )?ok ' "$1")))
    failures=$((failures + $(grep -c '^not ok ' "$1")))
}

# check BACKEND CHECK DEVICE
check() {
    local status=0
    echo "# $1: $2"
    "$LAB_BUILD/tests/lab/lab-region" "$1" "$2" "$3" >/tmp/check.out 2>&1 || status=$?
    take_over /tmp/check.out
    is "$status" 0 "$1: $2 ended well"
}

# start BACKEND CHECK DEVICE: in the background, until it says "take it"; its process is $started
start() {
    echo "# $1: $2"
    "$LAB_BUILD/tests/lab/lab-region" "$1" "$2" "$3" >/tmp/started.out 2>&1 &
    started=$!
    wait_for 20 grep -q '^# take it' /tmp/started.out
}

# finish TEXT: its end
finish() {
    local status=0
    wait "$started" || status=$?
    take_over /tmp/started.out
    is "$status" 0 "$1"
}

# pull PORT: QEMU takes a card out when the slot's power and its indicator go off (Slot Control, PCI Express Base
# Specification, 7.5.3.10: bits 10 and 9:8). The kernel is to learn that it is out with the power on: signals (bit 5) are
# off meanwhile, then on, with the one for presence (bit 3).
pull() {
    setpci -s "$1" CAP_EXP+18.w=0000:0020
    setpci -s "$1" CAP_EXP+18.w=0700:0700
    setpci -s "$1" CAP_EXP+18.w=0000:0400
    setpci -s "$1" CAP_EXP+18.w=0028:0028
}
