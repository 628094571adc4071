# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-6.1
#
# A driver that runs as an ordinary user with every capability dropped does its work with what `iommuctl dma map` hands
# to it, and reaches nothing else.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"
. "$LAB_DIR/e1000e-lib.sh"

nvme=0000:00:05.0
handed_check=$LAB_BUILD/tests/lab/handed_check
unprivileged=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs)

# nodes ADDRESS: the nodes of a device that VFIO has
nodes() {
    local dir
    echo "/dev/vfio/$(group "$1")"
    for dir in "/sys/bus/pci/devices/$1/vfio-dev"/*; do
        [ ! -e "/dev/vfio/devices/${dir##*/}" ] || echo "/dev/vfio/devices/${dir##*/}"
    done
}

# of FIELD: of the driver's process, its words on one line
of() {
    sed -n "s/^$1:[ \t]*//p" "/proc/$driver/status" | tr -s '[:space:]' ' ' | sed 's/ $//'
}

to_vfio $edu $ours $nvme
up $theirs 192.0.2.1

# ---- it works ----
for backend in $backends; do
    begin iommuctl dma map --backend="$backend" $ours --buffer dma:4M -- \
        "${unprivileged[@]}" "$(command -v e1000e-echo)" --ip 192.0.2.2 --json
    driver=$(pgrep -P "$begun")
    is "$(basename "$(readlink "/proc/$driver/exe")")" e1000e-echo "$backend: the driver runs"
    is "$(of Uid)/$(of Gid)/$(of Groups)" "65534 65534 65534 65534/65534 65534 65534 65534/" "$backend: as an ordinary user"
    for set in CapInh CapPrm CapEff CapBnd CapAmb; do
        is "$(of $set)" 0000000000000000 "$backend: with no capability in $set"
    done
    is "$(of NoNewPrivs)" 1 "$backend: and no way to get one"
    is "$("$ping_check" 192.0.2.2 1000 2>&1)" "1000 sent, 1000 equal, 0 different, 0 lost, 0 twice" \
        "$backend: it answers 1000 pings of all sizes"
    is "$(find "/proc/$driver/fd" -lname '/dev/vfio/*' -o -lname '/dev/iommu' -o -lname '*vfio-device*' | wc -l)" \
        "$([ "$backend" = type1 ] && echo 3 || echo 2)" "$backend: with the descriptors that it was handed"
    stop "$backend: SIGTERM ends it in good order"
    is "$(bus_master $ours)" off "$backend: the card is quiet"
    ok "$backend: and free again" iommuctl -q dma ranges $ours
done
down $theirs

# ---- and reaches nothing else ----
for backend in $backends; do
    mark "out of reach by $backend"
    # shellcheck disable=SC2046 # a word a node
    run_tap iommuctl dma map --backend="$backend" $edu --buffer copy:8K,iova=0x100000 \
        --buffer input:4K,iova=0x200000,access=r -- "${unprivileged[@]}" "$handed_check" 65534 /etc/shadow \
        $(nodes $nvme) $(nodes $ours) $([ ! -e /dev/iommu ] || echo /dev/iommu)
    # the kernel's log says no more than a few lines in five seconds; that nothing was written the program has seen
    like "$(since "out of reach by $backend")" 'DMAR: (DRHD: handling fault status|\[DMA Write .*\[00:04.0\] fault addr)' \
        "$backend: and what the device tried was a fault"
    ok "$backend: afterwards the device is free again" free_again
done

to_native $edu $ours $nvme
wait_for 20 test -e /dev/nvme0n1
done_testing
