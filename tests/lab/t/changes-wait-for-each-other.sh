# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: smp-6.12
#
# Two iommuctl at once go one after the other; who waits too long says for whom.
. "$LAB_DIR/lib.sh"
need flock

one=0000:00:06.0
other=0000:00:07.0
wrong=0

# two CMD… CMD…, parted by "--", at once; both go through
two() {
    local first=() job
    while [ "$1" != -- ]; do
        first+=("$1")
        shift
    done
    shift
    "${first[@]}" >/tmp/a 2>&1 &
    job=$!
    "$@" >/tmp/b 2>&1 || wrong_is "$* ended with status $?: $(cat /tmp/b)"
    wait $job || wrong_is "${first[*]} ended with status $?: $(cat /tmp/a)"
}
wrong_is() {
    wrong=$((wrong + 1))
    note "round $round: $1"
}
both_are() {
    [ "$(driver $one) $(driver $other)" = "$1 $1" ] || wrong_is "$1 wanted: $(driver $one) $(driver $other)"
}
for round in $(seq 10); do
    two iommuctl bind $one $other -- iommuctl bind $other $one
    both_are vfio-pci
    two iommuctl restore $one -- iommuctl restore --all
    both_are e1000e
done
is $wrong 0 "two binds and two restores at once, ten times, all went through"

flock /run/iommuctl/lock sh -c 'echo $$ >/run/iommuctl/lock; sleep 3' &
sleep 0.3
start=$SECONDS
output=$(iommuctl bind --timeout=0.5 $one 2>&1)
is $? 6 "a lock that is held too long ends in status 6"
like "$output" "another iommuctl, process $(cat /run/iommuctl/lock), has been changing drivers" "who holds it is named"
ok "without waiting longer than told" test $((SECONDS - start)) -le 2
is "$(driver $one)" e1000e "and nothing was done"
ok "the lock comes free, and the bind goes on" iommuctl bind $one
iommuctl restore --all >/dev/null
done_testing
