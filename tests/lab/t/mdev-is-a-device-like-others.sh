# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-7.2
#
# A mediated device of the kernel's sample driver mtty: created through sysfs, listed by the command, opened, read and
# interrupted through the library on both backends, and removed again.
. "$LAB_DIR/lib.sh"

uuid=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
types=/sys/class/mdev_bus/mtty/mdev_supported_types
bus=/sys/bus/mdev/devices

need iommuctl
ok "mtty is loaded" modprobe mtty
ok "an mdev is created" sh -c "echo $uuid > $types/mtty-2/create"
ok "its group has a node" wait_for 5 test -e "/dev/vfio/$(basename "$(readlink "$bus/$uuid/iommu_group")")"

listed=$(iommuctl --json devices)
like "$listed" "\"address\": ?\"$uuid\"" "the command lists it"
shown=$(iommuctl --json show "$uuid" 2>&1)
like "$shown" '"bus": ?"mdev"' "it is shown as an mdev"
like "$shown" "\"group\": ?$(basename "$(readlink "$bus/$uuid/iommu_group")")" "with its group"
like "$shown" '"driver": ?"vfio_mdev|"driver": ?"mtty' "and its driver"

run_tap "$LAB_BUILD/tests/lab/lab-open" mdev type1 "$uuid"
run_tap "$LAB_BUILD/tests/lab/lab-open" mdev iommufd "$uuid"

ok "the mdev is removed" sh -c "echo 1 > $bus/$uuid/remove"
ok "and is gone" test ! -e "$bus/$uuid"
unlike "$(iommuctl --json devices)" "$uuid" "the command lists it no longer"
ok "mtty is unloaded" modprobe -r mtty
done_testing
