# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: regions-6.12 regions-6.1
# timeout: 120
#
# e1000e-bridge of examples/e1000e/ between two wires, with a card of the kernel's at the end of each; e1000e-gen, whose
# frames e1000e-sink counts; and frames that go round between two cards on one wire.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/e1000e-lib.sh"

# card PORT: what is behind it
card() {
    basename "$(dirname "$(echo "/sys/bus/pci/devices/$1"/*:*/vendor)")"
}

far=$(card 0000:00:0d.0)   # the kernel's, on the other wire
other=$(card 0000:00:0f.0) # ours, on that wire

to_vfio $ours "$other"
name=$(nic "$far")
ip netns add far
ip link set "$name" netns far
ip netns exec far ip addr add 192.0.2.3/24 dev "$name"
ip netns exec far ip link set "$name" up
up $theirs 192.0.2.1
ok "the far card has a link" wait_for 10 ip netns exec far grep -qx 1 "/sys/class/net/$name/carrier"

for backend in $backends; do
    begin e1000e-bridge $ours "$other" --backend "$backend" --json
    wait_for 10 test "$(grep -c 'link up' begun.err)" -ge 2
    is "$("$ping_check" 192.0.2.3 1473)" "1473 sent, 1473 equal, 0 different, 0 lost, 0 twice" \
        "$backend: pings of all sizes go through the bridge and back"
    stop "$backend: SIGTERM ends the bridge"
    ok "$backend: it forwarded both ways" test "$(field packets)" -ge 2946
    is "$(bus_master $ours) $(bus_master "$other")" "off off" "$backend: both cards are quiet"
done
ip netns exec far ip link set "$name" down
ip netns exec far ip addr flush dev "$name"
ip netns exec far ip link set "$name" netns 1
ip netns del far
down $theirs

to_vfio $theirs
for kind in extended legacy; do
    [ $kind = legacy ] || checksum=--checksum
    begin e1000e-sink $theirs --descriptors $kind --json --count 20000 --seconds 20
    ok "$kind: e1000e-gen sends" e1000e-gen $ours --descriptors $kind --count 20000 --rate 20000 ${checksum:-} --size 200
    finish 0 "$kind: e1000e-sink has as many as it was to wait for"
    is "$(field packets) $(field bytes) $(field numbered) $(field lost) $(field disordered) $(field bad_checksums)" \
        "20000 4000000 20000 0 0 0" "$kind: all came, in order, with right checksums"
    checksum=
done
begin e1000e-bridge $theirs $ours --prime 32 --count 10000 --mode poll --json
finish 0 "32 frames go round"
ok "again and again" test "$(field packets)" -ge 10000
is "$(field dropped)" 0 "and none is dropped"

to_native $theirs $ours "$other"
done_testing
