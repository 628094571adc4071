# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: ports-6.12 ports-7.2
# timeout: 60
#
# A controller and its two virtual functions share a bus, each in a group of its own: of which a reset of one says what is
# open, what is a stranger's, what its native driver holds, and what is ours in vain: none takes virtual functions with others.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/states-lib.sh"

pf=$(behind 0000:00:0e.0)
one=${pf%.0}.1
two=${pf%.0}.2
is "$(driver "$pf")" nvme "the controller has its own driver"
echo 0 >"/sys/bus/pci/devices/$pf/sriov_drivers_autoprobe"
ok "two functions are made" sh -c "echo 2 >/sys/bus/pci/devices/$pf/sriov_numvfs"
to_vfio "$one" "$two"
is "$(printf '%s\n' "$(group "$pf")" "$(group "$one")" "$(group "$two")" | sort -u | wc -l)" 3 "each is a group of its own"
for backend in $(backends); do
    part claims "$backend" "$one" "$pf" "$two" "$(group "$two")"
done
ok "they go" sh -c "echo 0 >/sys/bus/pci/devices/$pf/sriov_numvfs"
echo 1 >"/sys/bus/pci/devices/$pf/sriov_drivers_autoprobe"
done_testing
