# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: groups-6.12
# timeout: 180
#
# A bridge is refused, and a group is taken without its bridges, which do not keep it from being given out.
. "$LAB_DIR/lib.sh"
need jq

port=0000:00:0a.0
number=$(group $port)
read -ra all <<<"$(members "$number")"
ends=()
for address in "${all[@]}"; do
    case $(cat "/sys/bus/pci/devices/$address/class") in
    0x0604*) ;;
    *) ends+=("$address") ;;
    esac
done
before=$(for address in "${all[@]}"; do driver "$address"; done)

output=$(iommuctl bind $port 2>&1)
is $? 3 "a root port is refused"
like "$output" "non-endpoint" "as what it is"
is "${#ends[@]}" 2 "the group has two endpoints among its bridges"
json=$(iommuctl --json bind "group:$number")
is $? 0 "the group is bound"
is "$(jq -r '.changes[].address' <<<"$json" | paste -sd' ')" "${ends[*]}" "that is, its endpoints"
is "$(driver "${ends[0]}") $(driver "${ends[1]}")" "vfio-pci vfio-pci" "they are with vfio-pci"
is "$(driver $port)" pcieport "the port keeps its driver"
ok "VFIO gives the group out" python3 -c "
import fcntl, os, struct
group = os.open('/dev/vfio/$number', os.O_RDWR)
status = bytearray(struct.pack('II', 8, 0))
fcntl.ioctl(group, 0x3b67, status)  # VFIO_GROUP_GET_STATUS
assert struct.unpack('II', status)[1] & 1, 'not viable'"
iommuctl restore --all >/dev/null
is "$(for address in "${all[@]}"; do driver "$address"; done)" "$before" "restore gives back"
done_testing
