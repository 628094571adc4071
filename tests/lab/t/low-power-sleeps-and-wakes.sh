# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: ports-6.12 ports-7.2 ports-6.1
#
# A NIC is put to sleep (D3hot) and woken: by use, by the user, by somebody who looks at it in sysfs.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/states-lib.sh"

nic=$(behind 0000:00:0d.0)
to_vfio "$nic"
for backend in $(backends); do
    part power "$backend" "$nic"
done
does iommuctl_power "$nic" 'undisturbed, in D3hot$'
to_native "$nic"
done_testing
