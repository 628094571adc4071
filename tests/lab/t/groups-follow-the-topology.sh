# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: groups-6.12
#
# Each reason for a shared group that QEMU can show, and the one that keeps devices apart: the kernel's own
# grouping, which `iommuctl explain` has to give the right reason for.
. "$LAB_DIR/lib.sh"

# below SLOT.FUNCTION: every device behind this port or bridge, on one line
below() {
    local dir
    for dir in $(find "/sys/devices/pci0000:00/0000:00:$1/" -mindepth 1 -name '????:??:??.?' | sort); do
        printf '%s ' "${dir##*/}"
    done
}

read -ra shared <<<"$(below 09.0)"
is "${#shared[@]}" 2 "two devices stand behind the conventional PCI bridge"
is "$(members "$(group "${shared[0]}")")" "0000:00:09.0 ${shared[*]}" "the bridge and both devices share a group"

read -ra open <<<"$(below 0a.0) $(below 0a.1)"
is "$(group "${open[0]}")" "$(group "${open[-1]}")" "devices below ports of one slot without ACS share a group"
is "$(members "$(group 0000:00:0a.0)")" \
    "$(printf '%s\n' 0000:00:0a.0 0000:00:0a.1 "${open[@]}" | sort | paste -sd' ')" "the ports are in it as well"

for port in 0b.0 0b.1; do
    read -ra alone <<<"$(below $port)"
    is "$(members "$(group "${alone[0]}")")" "${alone[0]}" "the device below port $port with ACS is alone"
done
done_testing
