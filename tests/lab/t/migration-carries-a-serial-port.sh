# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: ports-6.12 ports-7.2 ports-6.1
#
# The kernel's sample device mtty, a serial port: its state is saved, loaded into another one, and the bytes that were
# under way come out there. Debian's kernel has no mtty, and no device that can be migrated.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/states-lib.sh"

edu=$(devices 1234:11e8)
types=/sys/devices/virtual/mtty/mtty/mdev_supported_types
one=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
two=83b8f4f2-509f-382f-3c1e-e6bfe0fa1002

to_vfio "$edu"
for backend in $(backends); do
    part no-migration "$backend" "$edu"
done
to_native "$edu"

if [ "$LAB_KERNEL" != debian-6.1 ]; then
    ok "the driver is there" modprobe mtty
    for backend in $(backends); do
        echo "$one" >"$types/mtty-2/create"
        echo "$two" >"$types/mtty-2/create"
        part migration "$backend" "$one" "$two"
        does iommuctl_migration "$one" '[1-9][0-9]* bytes$'
        does iommuctl_dma_log "$one" 'written to: 0x0000000000000000$'
        echo 1 >"/sys/bus/mdev/devices/$one/remove"
        echo 1 >"/sys/bus/mdev/devices/$two/remove"
    done
    rmmod mtty
fi
done_testing
