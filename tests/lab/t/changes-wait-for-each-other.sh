# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12
#
# Two iommuctl at once go one after the other; who waits too long says for whom.
. "$LAB_DIR/lib.sh"
need flock

one=0000:00:06.0
other=0000:00:07.0
wrong=0
for _ in 1 2 3 4 5; do
    iommuctl bind $one $other >/tmp/a 2>&1 &
    first=$!
    iommuctl bind $other $one >/tmp/b 2>&1 &
    second=$!
    wait $first || wrong=$((wrong + 1))
    wait $second || wrong=$((wrong + 1))
    [ "$(driver $one) $(driver $other)" = "vfio-pci vfio-pci" ] || wrong=$((wrong + 1))
    iommuctl restore $one >/tmp/a 2>&1 &
    first=$!
    iommuctl restore --all >/tmp/b 2>&1 &
    second=$!
    wait $first || wrong=$((wrong + 1))
    wait $second || wrong=$((wrong + 1))
    [ "$(driver $one) $(driver $other)" = "e1000e e1000e" ] || wrong=$((wrong + 1))
done
is $wrong 0 "two binds and two restores at once, five times, all went through"

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
