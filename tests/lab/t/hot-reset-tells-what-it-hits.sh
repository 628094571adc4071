# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: ports-6.12 ports-7.2 ports-6.1
#
# Two functions behind one port: the scope of a hot reset, the reset itself, and its refusal where one of them has no
# VFIO driver; each backend of the kernel in turn.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/states-lib.sh"

edu=$(devices 1234:11e8)
read -r first second <<<"$(behind 0000:00:0c.0)"
deaf=$(behind 0000:00:0d.0)

to_vfio "$first" "$second" "$deaf" "$edu"
for backend in $(backends); do
    part hot-reset "$backend" "$first" "$second"
    part no-hot-reset "$backend" "$edu"
    part deaf-link "$backend" "$deaf"
done

does iommuctl_reset "$first" "$first vfio-pci open.$second vfio-pci group.reset\$"

# what it says is in sysfs for all to see; the machine is as it was afterwards
before=$(cat "/sys/bus/pci/devices/$deaf/reset_method")
part reset-methods type1 "$deaf"
is "$(cat "/sys/bus/pci/devices/$deaf/reset_method")" "$before" "the reset methods are as they were"

# a group stays viable with a device that has no driver, but a reset of that is nobody's to allow
echo "$second" >"/sys/bus/pci/devices/$second/driver/unbind"
for backend in $(backends); do
    part hot-reset-refused "$backend" "$first" "$second"
done
to_native "$first" "$second" "$deaf" "$edu"
done_testing
