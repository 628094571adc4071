# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-6.1
#
# A driver that runs as an ordinary user with every capability dropped does its work with what `iommuctl dma map` hands
# to it, and reaches nothing else.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"
need e1000e-echo ping setpriv

nic=0000:00:06.0
peer=0000:00:07.0
nvme=0000:00:05.0
handed_check=$LAB_BUILD/tests/lab/handed_check
unprivileged=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs)

# interface ADDRESS: the network interface of a card that the kernel drives
interface() {
    ls "/sys/bus/pci/devices/$1/net"
}

# nodes ADDRESS: the nodes of a device that VFIO has
nodes() {
    local dir
    echo "/dev/vfio/$(group "$1")"
    for dir in "/sys/bus/pci/devices/$1/vfio-dev"/*; do
        [ ! -e "/dev/vfio/devices/${dir##*/}" ] || echo "/dev/vfio/devices/${dir##*/}"
    done
}

# counted FILE: "SENT packets transmitted, RECEIVED received" of a ping
counted() {
    grep -o '^[0-9]* packets transmitted, [0-9]* received' "$1"
}

to_vfio $edu $nic $nvme
wait_for 10 test -e /sys/bus/pci/devices/$peer/net
wire=$(interface $peer)
ip address add 10.6.0.1/24 dev "$wire"
ip link set "$wire" up

# ---- it works ----
for backend in $backends; do
    iommuctl dma map --backend="$backend" $nic --buffer dma:4M -- \
        "${unprivileged[@]}" "$(command -v e1000e-echo)" --ip 10.6.0.2 >echo.out 2>&1 &
    map=$!
    ok "$backend: a driver without privilege answers a ping" wait_for 20 ping -c 1 -W 1 10.6.0.2
    echo_pid=$(pgrep -P $map)
    is "$(basename "$(readlink "/proc/$echo_pid/exe")")" e1000e-echo "$backend: it is the driver itself"
    is "$(awk '/^(Uid|Gid):/ { print $2, $3, $4, $5 }' "/proc/$echo_pid/status" | paste -sd' ')" \
        "65534 65534 65534 65534 65534 65534 65534 65534" "$backend: an ordinary user"
    is "$(awk '/^Cap/ { print $2 }' "/proc/$echo_pid/status" | sort -u)" 0000000000000000 \
        "$backend: with no capability in any set"
    is "$(awk '/^NoNewPrivs:/ { print $2 }' "/proc/$echo_pid/status")" 1 "$backend: and no way to get one"
    for size in 0 56 1472; do
        ping -c 200 -i 0.002 -s $size -W 2 10.6.0.2 >ping.out
        is "$(counted ping.out)" "200 packets transmitted, 200 received" "$backend: 200 pings of $size bytes, none lost"
    done
    kill -TERM $map
    wait $map
    is $? 0 "$backend: SIGTERM ends it in good order"
    ok "$backend: and gives the card back" iommuctl -q dma ranges $nic
done

# ---- and reaches nothing else ----
for backend in $backends; do
    mark "out of reach by $backend"
    # shellcheck disable=SC2046 # a word a node
    run_tap iommuctl dma map --backend="$backend" $edu --buffer copy:8K,iova=0x100000 \
        --buffer input:4K,iova=0x200000,access=r -- "${unprivileged[@]}" "$handed_check" 65534 /etc/shadow \
        $(nodes $nvme) $(nodes $nic) $([ ! -e /dev/iommu ] || echo /dev/iommu)
    faults=$(since "out of reach by $backend" | grep -o 'Request device \[00:04.0\] fault addr 0x[0-9a-f]*' | sort -u)
    like "$faults" 'fault addr 0x200000' "$backend: the write to what may only be read is a fault"
    like "$faults" 'fault addr 0x102000' "$backend: and so is the one behind a buffer"
    is "$(wc -l <<<"$faults")" 3 "$backend: and the one to an address of the program's"
    ok "$backend: afterwards the device is free again" free_again
done

ip address del 10.6.0.1/24 dev "$wire"
ip link set "$wire" down
to_native $edu $nic $nvme
wait_for 20 test -e /dev/nvme0n1
done_testing
