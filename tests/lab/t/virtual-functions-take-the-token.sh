# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: sriov-6.12 sriov-7.2
# timeout: 60
#
# A physical function that is VFIO's makes virtual functions, each in a group of its own, and the kernel opens them with
# the VF token that the library gives: the same, another, none. Devices' own nodes ask for it from Linux 6.17 on.
. "$LAB_DIR/lib.sh"

pf=0000:00:0c.0
vf=0000:00:0c.1
edu=$(devices 1234:11e8)
enable=/sys/module/vfio_pci/parameters/enable_sriov

is "$(cat /sys/bus/pci/devices/$pf/sriov_totalvfs)" 2 "the controller can have two virtual functions"
to_vfio $pf "$edu"
echo Y >$enable
# QEMU's controller loses its virtual functions for good when it is reset
echo >/sys/bus/pci/devices/$pf/reset_method
ok "two are made" sh -c "echo 2 > /sys/bus/pci/devices/$pf/sriov_numvfs"
is "$(driver $vf) $(driver 0000:00:0c.2)" "vfio-pci vfio-pci" "vfio-pci has both"
is "$(printf '%s\n' "$(group $pf)" "$(group $vf)" "$(group 0000:00:0c.2)" | sort -u | wc -l)" 3 "each is a group of its own"
is "$(basename "$(readlink /sys/bus/pci/devices/$vf/physfn)")" $pf "it is a virtual function of the controller"

run_tap "$LAB_BUILD/tests/lab/lab-open" token type1 $pf $vf "$edu"
run_tap "$LAB_BUILD/tests/lab/lab-open" token iommufd $pf $vf "$edu"

ok "they go" sh -c "echo 0 > /sys/bus/pci/devices/$pf/sriov_numvfs"
ok "and are gone" test ! -e /sys/bus/pci/devices/$vf
echo default >/sys/bus/pci/devices/$pf/reset_method
echo N >$enable
to_native $pf "$edu"
done_testing
