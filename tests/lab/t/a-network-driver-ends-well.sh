# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: regions-6.12 regions-6.1
# timeout: 120
#
# What happens to e1000e-echo: the link goes and comes, it is given a card and a buffer without any privilege, a signal
# ends it, the kernel wants the card back, the card is pulled.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/region-lib.sh"
. "$LAB_DIR/e1000e-lib.sh"

link_loss=$LAB_BUILD/tests/lab/link_loss
to_vfio $ours
up $theirs 192.0.2.1

for backend in $backends; do
    # The card's PHY negotiates anew three times while there are pings.
    begin "$link_loss" $ours "$backend" 3 e1000e-echo --ip 192.0.2.2 --json
    (
        while [ ! -e stop ]; do "$ping_check" 192.0.2.2 50 0 1472 4 || echo bad; done
    ) >pings &
    pinger=$!
    ok "$backend: the link goes and comes three times" \
        wait_for 20 sh -c 'test "$(grep -c "link up" begun.err)" -ge 4 && test "$(grep -c "link down" begun.err)" -ge 3'
    touch stop
    wait $pinger
    rm stop
    is "$(sort pings | uniq -c | wc -l)" 1 "$backend: no ping was lost"
    [ "$(sort pings | uniq -c | wc -l)" = 1 ] || note "$(sort pings | uniq -c)"
    is "$("$ping_check" 192.0.2.2 300)" "300 sent, 300 equal, 0 different, 0 lost, 0 twice" "$backend: it goes on"
    # link_loss still has the card open when the driver has ended: what quieted it was the driver
    kill -TERM "$(cat child.pid)"
    wait_for 10 test -s begun.out
    wait_for 5 test "$(bus_master $ours)" = off
    is "$(bus_master $ours)" off "$backend: after a signal the card is quiet, while it is open elsewhere"
    kill -TERM "$begun"
    finish 0 "$backend: and all ended well"

    begin e1000e-echo $ours --ip 192.0.2.2 --backend "$backend"
    ok "$backend: it answers" "$ping_check" 192.0.2.2 10
    ok "$backend: the kernel's removal of the card comes through" \
        timeout 20 sh -c "echo 1 >/sys/bus/pci/devices/$ours/remove"
    finish 1 "$backend: its driver ended"
    like "$(cat begun.err)" "e1000e-echo: $ours is wanted back by the kernel" "$backend: and said why"
    like "$(cat begun.out)" '^[0-9]+ packets, ' "$backend: with its report"
    echo 1 >/sys/bus/pci/rescan
    wait_for 5 test -e "/sys/bus/pci/devices/$ours"
    to_vfio $ours
done
down $theirs
to_native $ours

# Once is all there is: nothing puts it back.
card=$(basename "$(dirname "$(echo /sys/bus/pci/devices/0000:00:0f.0/*:*/vendor)")")
to_vfio "$card"
binding_before=$(grep -v "^$card " <<<"$binding_before")
begin e1000e-echo "$card" --ip 192.0.2.2
pull 0000:00:0f.0
finish 1 "its card is pulled: the driver ended"
like "$(cat begun.err)" "e1000e-echo: $card is (gone|wanted back)" "and said why"
like "$(cat begun.out)" '^[0-9]+ packets, ' "with its report"
ok "the kernel forgot the card" wait_for 20 test ! -e "/sys/bus/pci/devices/$card"
done_testing
