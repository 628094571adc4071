# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: regions-6.12 intel-6.1 amd-6.12 intel-7.2
# timeout: 200
#
# The kernel's own e1000e driver on one card pings the driver of examples/e1000e/ on the other one: echo requests of all
# sizes, each answer equal byte for byte; what went over the wire is well-formed; and the card goes back to the kernel.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/e1000e-lib.sh"

capture=$LAB_OUT/wire1.pcap
[[ $LAB_DEVICES != *nics-captured* ]] || before=$(stat -c %s "$capture") # what others had on the wire
ok "iommuctl binds the card" iommuctl bind $ours
up $theirs 192.0.2.1

# ping COUNT: as many requests, sizes from 0 to 1472 bytes in turn
ping() {
    "$ping_check" 192.0.2.2 "$1" 2>&1
}

all_equal() {
    echo "$1 sent, $1 equal, 0 different, 0 lost, 0 twice"
}

# 10000 where the wire is captured
case $LAB_MACHINE in
regions-*) many=10000 ;;
*) many=1473 ;;
esac
begin e1000e-echo $ours --ip 192.0.2.2 --json
is "$(ping $many)" "$(all_equal $many)" "$many echo requests of all sizes: none lost, each answer equal"
is "$(bus_master $ours)" on "the card does DMA meanwhile"
stop "SIGTERM ends the driver"
is "$(bus_master $ours)" off "and the card is quiet"
like "$(cat begun.out)" "^\{\"schema_version\":1,\"program\":\"e1000e-echo\",\"packets\":[0-9]+,.*\"dropped\":0," \
    "its report is JSON, and nothing was dropped"
ok "it answered them, and ARP" test "$(field packets)" -gt "$many"
ok "fewer interrupts than frames" test "$(field interrupts)" -lt "$many"

for backend in $backends; do
    for kind in extended legacy; do
        for mode in adaptive interrupt poll; do
            begin e1000e-echo $ours --ip 192.0.2.2 --backend "$backend" --descriptors $kind --mode $mode
            is "$(ping 300)" "$(all_equal 300)" "$backend, $kind descriptors, $mode: 300 answers"
            stop "$backend, $kind descriptors, $mode: it ends well"
        done
    done
done

# A line a frame of the capture, the last of them written a moment ago: what tshark thinks of it.
if [[ $LAB_DEVICES == *nics-captured* ]]; then
    need tshark
    # a pcap file is a header of 24 bytes and frames, one behind the other
    { head -c 24 "$capture" && tail -c +$((before > 24 ? before + 1 : 25)) "$capture"; } >wire.pcap
    tshark -n -r wire.pcap -o ip.check_checksum:TRUE -Y 'eth.addr == 52:54:00:00:00:07' -T fields \
        -e eth.src -e eth.type -e frame.len -e ip.checksum.status -e icmp.checksum.status -e icmp.type -e arp.opcode \
        -e _ws.expert.severity -e _ws.malformed >frames 2>tshark.err
    from=$(grep -c '^52:54:00:00:00:07' frames)
    ok "tshark decodes what the card sent: $from frames" test "$from" -gt $many
    # 0x0800, both checksums good, an echo reply; or 0x0806, an ARP reply; at least 60 bytes, nothing to remark
    good=$(awk -F'\t' '$1 == "52:54:00:00:00:07" && $3 >= 60 && $3 <= 1514 && $8 == "" && $9 == "" &&
        ($2 == "0x0800" && $4 == 1 && $5 == 1 && $6 == 0 || $2 == "0x0806" && $7 == 2)' frames | wc -l)
    is "$good" "$from" "each of them is a well-formed answer"
    [ "$good" = "$from" ] || note "$(head -3 frames tshark.err)"
    ok "ARP was answered" grep -qP '^52:54:00:00:00:07\t0x0806\t.*\t2\t' frames
    rm frames wire.pcap
fi

# The kernel's driver, in a network of its own so that the packets go by the wire.
ok "iommuctl restores the card" iommuctl restore $ours
is "$(driver $ours)" e1000e "the kernel's driver has it"
name=$(nic $ours)
ip netns add far
ip link set "$name" netns far
ip netns exec far ip addr add 192.0.2.2/24 dev "$name"
ip netns exec far ip link set "$name" up
ok "and has a link" wait_for 10 ip netns exec far grep -qx 1 "/sys/class/net/$name/carrier"
is "$(ping 300)" "$(all_equal 300)" "the kernel's driver answers through the card"
ip netns exec far ip link set "$name" down
ip netns exec far ip addr flush dev "$name"
ip netns exec far ip link set "$name" netns 1
ip netns del far
down $theirs
done_testing
