# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: gpu-vm
# timeout: 240
#
# The GPU all the way: both functions leave their native drivers, a virtual machine under KVM boots with them and its
# own drivers take them, and afterwards the native drivers and /dev/dri are back. KVM is the emulated machine's own.
. "$LAB_DIR/lib.sh"

gpu=0000:00:08.0
sound=0000:00:08.1

# With LAB_BY_HAND=1 plain sysfs writes stand in for iommuctl: is it the machine or the command that fails?
if [ "${LAB_BY_HAND:-}" = 1 ]; then
    bind() { to_vfio $gpu $sound; }
    restore() { to_native $gpu $sound; }
else
    need iommuctl
    bind() { iommuctl bind --group $gpu; }
    restore() { iommuctl restore --group $gpu; }
fi

ok "the machine has KVM" test -c /dev/kvm
is "$(driver $gpu) $(driver $sound)" "bochs-drm snd_hda_intel" "both functions start with their native drivers"
ok "the GPU's group is bound" bind
is "$(driver $gpu) $(driver $sound)" "vfio-pci vfio-pci" "both functions are with vfio-pci"
ok "the DRM card is gone" test ! -e /dev/dri/card0

"$LAB_DIR/lab" initramfs "$LAB_DIR/guest/gpu-vm-init" inner.img
# rombar=0: the card's boot ROM would be run in an emulation of an emulation
qemu-system-x86_64 -accel kvm -M q35,vmport=off -cpu host -m 256 \
    -nodefaults -no-user-config -display none -vga none -no-reboot \
    -serial file:inner.log -kernel "$LAB_VMLINUX" -initrd inner.img \
    -append "console=ttyS0 panic=-1 quiet tsc=reliable" \
    -device "vfio-pci,host=$gpu,multifunction=on,addr=5.0,rombar=0" \
    -device "vfio-pci,host=$sound,addr=5.1,rombar=0" </dev/null >qemu.out 2>&1 &
qemu=$!
# Ended by hand: its power-off needs a timer tick, which an emulation of an emulation can lose for minutes.
ok "the inner machine reached its last line" wait_for 180 grep -q 'inner: done' inner.log
kill $qemu
wait $qemu
inner=$(tr -d '\r' <inner.log | grep '^inner:')
like "$inner" 'function 0: 0x1234:0x1111 driver bochs-drm' "the inner machine's bochs-drm took the display"
like "$inner" 'function 1: 0x8086:0x2668 driver snd_hda_intel' "the inner machine's snd_hda_intel took the sound"
like "$inner" '/dev/dri/card0 is there' "the inner machine has a DRM card"
all_passed || note "$(cat qemu.out)" "$(tail -n 40 inner.log)"
cp inner.log qemu.out "$LAB_OUT/"

ok "the GPU's group is restored" restore
is "$(driver $gpu) $(driver $sound)" "bochs-drm snd_hda_intel" "the native drivers are back"
ok "the DRM card is back" wait_for 5 test -e /dev/dri/card0
done_testing
