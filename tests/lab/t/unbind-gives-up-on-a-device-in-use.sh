# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: smp-6.12 amd-6.12
# timeout: 180
#
# VFIO ends an unbind only when the last user of the device is gone. That is refused; where it is wanted nevertheless, it
# is given up on in time, who is in the way is said, and a later restore ends it well.
. "$LAB_DIR/lib.sh"
need jq

gpu=0000:00:08.0
sound=0000:00:08.1
cdev=$(iommuctl --json bind --group $gpu | jq -r '.changes[0].vfio_cdev')
sleep 1000 3<>"$cdev" &
holder=$!
sleep 0.2

output=$(iommuctl unbind $gpu 2>&1)
is $? 3 "a device in use is not taken from its driver"
like "$output" "process $holder \(sleep\) has $cdev open" "who uses it is said"
fails 3 "nor is it restored" iommuctl restore --all
is "$(driver $gpu) $(driver $sound)" "vfio-pci vfio-pci" "nothing was done"

start=$SECONDS
output=$(iommuctl unbind --allow=in-use --timeout=2 $gpu 2>&1)
is $? 6 "an unbind that hangs ends in status 6"
ok "in time" test $((SECONDS - start)) -le 5
like "$output" "task [0-9]+ \(iommuctl\) is stuck in the kernel, state D" "the task that is stuck is named"
like "$output" "process $holder \(sleep\) has $cdev open" "and who keeps it there"
note "$output"

start=$SECONDS
output=$(iommuctl restore --timeout=1 --all 2>&1)
is $? 6 "a restore meanwhile ends in status 6, too"
ok "in time" test $((SECONDS - start)) -le 4
like "$output" "vfio-pci is about to let go of $gpu.*process $holder \(sleep\)" "and says what it waits for"
ok "the note is kept" test -s /run/iommuctl/devices/$gpu
ok "reading goes on meanwhile" timeout 5 iommuctl --json restore --all --dry-run

kill $holder
ok "once the user is gone, restore goes through" wait_for 15 iommuctl restore --all
is "$(driver $gpu) $(driver $sound)" "bochs-drm snd_hda_intel" "the native drivers are back"
is "$(cat /sys/bus/pci/devices/$gpu/driver_override)" "(null)" "no override is left"
is "$(ls -A /run/iommuctl/devices)" "" "no note is left"
done_testing
