# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: regions-6.12
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
    # slowly, with a ring that lasts for 0.1 s: QEMU puts new frames before those that it keeps for a card that has no room
    begin e1000e-sink $theirs --descriptors $kind --ring 512 --json --count 10000 --seconds 30
    ok "$kind: e1000e-gen sends" e1000e-gen $ours --descriptors $kind --count 10000 --rate 5000 ${checksum:-} --size 200
    finish 0 "$kind: e1000e-sink has as many as it was to wait for"
    is "$(field packets) $(field bytes) $(field numbered) $(field lost) $(field disordered) $(field bad_checksums)" \
        "10000 2000000 10000 0 0 0" "$kind: all came, in order, with right checksums"
    checksum=
done
begin e1000e-bridge $theirs $ours --prime 32 --count 10000 --mode poll --json
finish 0 "32 frames go round"
ok "again and again" test "$(field packets)" -ge 10000
is "$(field dropped)" 0 "and none is dropped"

to_native "$other"

# What cannot be driven is told so, in one line that names it.
edu=0000:00:04.0
to_vfio $edu
fails 1 "a card of another kind is refused" e1000e-gen $edu --count 1
is "$(e1000e-gen $edu --count 1 2>&1)" "e1000e-gen: $edu is 1234:11e8 and no Intel 82574L (8086:10d3)" "by its name and its ids"
to_native $edu
fails 1 "a card that another driver has" e1000e-sink "$other" --count 1
fails 4 "a card that is not there" e1000e-sink 0000:00:1e.7 --count 1
fails 5 "a card that may not be opened" setpriv --reuid=65534 --clear-groups "$(command -v e1000e-sink)" $ours --count 1
{
    e1000e-gen $ours --count 100 2>gone.err
    echo $? >gone
} | true
is "$(cat gone)" 1 "a report that nobody reads is a failure, and the card is stopped first"
like "$(cat gone.err)" "e1000e-gen: cannot write the report$" "which is told"
begin env --ignore-signal=HUP e1000e-sink $ours
kill -HUP "$begun"
ok "a SIGHUP that was ignored from the start does not end it" sh -c "sleep 0.5; kill -0 $begun"
stop "another signal does"
fails 2 "half a bridge" e1000e-bridge $ours
fails 2 "a bridge from a card to itself, by two names" e1000e-bridge $ours "${ours#0000:}"
fails 2 "nothing to answer for" e1000e-echo $ours
fails 2 "no card, and none handed over" e1000e-gen --count 1
is "$(bus_master $ours)" off "and the card was left quiet"
to_native $theirs $ours
done_testing
