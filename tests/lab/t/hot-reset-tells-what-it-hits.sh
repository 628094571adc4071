# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: ports-6.12 ports-6.1
#
# Two functions behind one port: the scope of a hot reset, the reset itself, and its refusal where one of them has no
# VFIO driver; each backend of the kernel in turn.
. "$LAB_DIR/lib.sh"

edu=$(devices 1234:11e8)

# behind PORT: the addresses of the functions behind a port, on one line
behind() {
    local found=("/sys/bus/pci/devices/$1/"????:??:??.?)
    echo "${found[@]##*/}"
}
read -r first second <<<"$(behind 0000:00:0c.0)"
deaf=$(behind 0000:00:0d.0)

backends=type1
[ ! -e /dev/iommu ] || backends="type1 iommufd"

# part WHAT BACKEND DEVICE…: what the program says, numbered on
part() {
    local status=0
    "$LAB_BUILD/tests/lab/lab-states" "$@" >/tmp/states.out || status=$?
    grep -v '^1\.\.' /tmp/states.out | sed -E "s/^(not )?ok [0-9]+ - /\1ok - $1: /"
    tests=$((tests + $(grep -cE '^(not )?ok ' /tmp/states.out)))
    failures=$((failures + $(grep -c '^not ok ' /tmp/states.out)))
    is "$status" 0 "$1 on $2: the program ended well"
}

to_vfio "$first" "$second" "$deaf" "$edu"
for backend in $backends; do
    part hot-reset "$backend" "$first" "$second"
    part no-hot-reset "$backend" "$edu"
    part deaf-link "$backend" "$deaf"
done

# what it says is in sysfs for all to see; the machine is as it was afterwards
before=$(cat "/sys/bus/pci/devices/$deaf/reset_method")
part reset-methods type1 "$deaf"
is "$(cat "/sys/bus/pci/devices/$deaf/reset_method")" "$before" "the reset methods are as they were"

# a group stays viable with a device that has no driver, but a reset of that is nobody's to allow
echo "$second" >"/sys/bus/pci/devices/$second/driver/unbind"
for backend in $backends; do
    part hot-reset-refused "$backend" "$first" "$second"
done
to_native "$first" "$second" "$deaf" "$edu"
done_testing
