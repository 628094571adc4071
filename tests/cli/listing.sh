#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# groups, devices, show and status on captured trees of several kinds of machine.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/trees.sh"

intel_desktop
golden_json "desktop: groups" intel-groups.json --root="$tree" groups
golden_json "desktop: devices" intel-devices.json --root="$tree" devices
golden_json "desktop: show" intel-show.json --root="$tree" show 01:00.0
golden_json "desktop: status" intel-status.json --root="$tree" status
golden_json "a selector leaves its group" intel-group-1.json groups net:enp0s31f6 --root="$tree"
golden_json "devices of a group" intel-devices-1.json --root "$tree" devices group:1 0000:02:00.0 01:00.1
run --root="$tree" status
golden "desktop: status as text" "$out" intel-status.txt
run --root="$tree" groups
has "a group of several devices shows how many" "$out" '^ *1 \(3\) +0000:01:00\.1 .* snd_hda_intel$'
has "a VFIO driver is marked" "$out" '^\* +14 +0000:02:00\.0 .* vfio-pci$'
has "an unbound device shows a dash" "$out" '^ *0 +0000:00:00\.0 .* 8086:a740 +-$'
same "no colour in a pipe" "$(grep -c $'\e' <<<"$out")" 0
run --root="$tree" groups --color=always
has "colour where it is asked for" "$out" $'\e\\[1;36mvfio-pci\e\\[0m'
run --root="$tree" show 0000:01:00.0
has "show: who stands in the way" "$out" \
    'not viable: 0000:01:00\.0 is bound to nouveau, 0000:01:00\.1 is bound to snd_hda_intel$'
has "show: neighbours" "$out" 'with +0000:01:00\.1, snd_hda_intel'
has "show: a BAR" "$out" 'BAR 1 +0x4000000000-0x43ffffffff, 16 GiB, memory64, prefetchable'
has "show: how it can be reset" "$out" 'reset +flr bus'
run --root="$tree" devices
if grep -q 'NVIDIA Corporation' <<<"$out" || [ ! -e /usr/share/misc/pci.ids ]; then
    result 0 "names of vendors"
else
    result 1 "names of vendors"
fi

amd_vmd
golden_json "domains of more than four digits come last" amd-devices.json --root="$tree" devices
golden_json "AMD-Vi, no interrupt remapping" amd-status.json --root="$tree" status

arm_board
golden_json "devices that are not PCI" arm-groups.json --root="$tree" groups
golden_json "SMMUv3 and ITS" arm-status.json --root="$tree" status

mediated
golden_json "a mediated device and a noiommu group" mdev-groups.json --root="$tree" groups

partial
golden_json "groups from links alone" partial-groups.json --root="$tree" groups
golden_json "devices in no group" partial-devices.json --root="$tree" devices

hollow
golden_json "what cannot be read is null" hollow-groups.json --root="$tree" groups
run --root="$tree" groups
has "and unreadable in text" "$out" '0000:01:00\.0 +unreadable +- +- +unreadable$'

tree=$work/machine
mkdir -p "$tree/sys/bus"
backends() {
    run --root="$tree" status
    has "$1, as text" "$out" "^backends +$3\$"
    run --root="$tree" status --json
    has "$1, in JSON" "$out" "\"backends\":\\[$2\\]"
}
backends "no backend" "" "none: VFIO is not loaded"
mkdir -p "$tree/sys/module/iommufd"
backends "iommufd by its module" '"iommufd"' iommufd
mkdir -p "$tree/sys/module/vfio_iommu_type1"
backends "type1 by its module" '"iommufd","type1"' "iommufd, type1"
rm -r "$tree/sys/module"
mkdir -p "$tree/dev"
: >"$tree/dev/iommu"
backends "iommufd by its node" '"iommufd"' iommufd

make_sysfs=$here/../bench/make-sysfs.py
made=$(cd "$work" && mkdir sysfs && cd sysfs && python3 "$make_sysfs" --help >/dev/null &&
    ! python3 "$make_sysfs" -x 2>/dev/null && ls -A)
same "options of make-sysfs.py are no directories to make" "$? $made" "0 "

finish
