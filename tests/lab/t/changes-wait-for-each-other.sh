# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12
#
# Two iommuctl at once go one after the other; who waits too long says for whom.
. "$LAB_DIR/lib.sh"
need flock jq

gpu=0000:00:08.0
sound=0000:00:08.1
wrong=0
for _ in 1 2 3 4 5; do
    iommuctl bind --group $gpu >/tmp/a 2>&1 &
    first=$!
    iommuctl bind --group $sound >/tmp/b 2>&1 &
    second=$!
    wait $first || wrong=$((wrong + 1))
    wait $second || wrong=$((wrong + 1))
    [ "$(driver $gpu) $(driver $sound)" = "vfio-pci vfio-pci" ] || wrong=$((wrong + 1))
    iommuctl restore $gpu >/tmp/a 2>&1 &
    first=$!
    iommuctl restore --all >/tmp/b 2>&1 &
    second=$!
    wait $first || wrong=$((wrong + 1))
    wait $second || wrong=$((wrong + 1))
    [ "$(driver $gpu) $(driver $sound)" = "bochs-drm snd_hda_intel" ] || wrong=$((wrong + 1))
done
is $wrong 0 "two binds and two restores at once, five times, all went through"

flock /run/iommuctl/lock sh -c 'echo $$ >/run/iommuctl/lock; sleep 3' &
sleep 0.3
start=$SECONDS
output=$(iommuctl bind --timeout=0.5 --group $gpu 2>&1)
is $? 6 "a lock that is held too long ends in status 6"
like "$output" "another iommuctl, process $(cat /run/iommuctl/lock), has been changing drivers" "who holds it is named"
ok "without waiting longer than told" test $((SECONDS - start)) -le 2
is "$(driver $gpu)" bochs-drm "and nothing was done"
ok "the lock comes free, and the bind goes on" iommuctl bind --group $gpu
iommuctl restore --all >/dev/null
done_testing
