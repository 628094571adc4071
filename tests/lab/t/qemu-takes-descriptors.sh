# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: gpu-vm
# timeout: 240
#
# A virtual machine under KVM whose QEMU opens nothing itself: it gets an iommufd and the nodes of both functions of the
# GPU as descriptors that the library opened, and the inner machine's own drivers take them.
. "$LAB_DIR/lib.sh"

[ -n "$LAB_INNER_QEMU" ] || skip_all "no QEMU of 9.0 or later is there: tests/lab/lab qemu fetches one"
gpu=0000:00:08.0
sound=0000:00:08.1
need iommuctl

ok "the machine has KVM" test -c /dev/kvm
ok "the GPU's group is bound" iommuctl bind --group $gpu
"$LAB_DIR/lab" initramfs "$LAB_DIR/guest/gpu-vm-init" inner.img
# rombar=0: the card's boot ROM would be run in an emulation of an emulation
"$LAB_BUILD/tests/lab/give_nodes" $gpu $sound -- "$LAB_INNER_QEMU" -L /usr/share/qemu -L /usr/share/seabios \
    -accel kvm -M q35,vmport=off -cpu host -m 256 \
    -nodefaults -no-user-config -display none -vga none -no-reboot \
    -serial file:inner.log -kernel "$LAB_VMLINUX" -initrd inner.img \
    -append "console=ttyS0 panic=-1 quiet tsc=reliable" \
    -object iommufd,id=iommufd0,fd=@iommufd@ \
    -device "vfio-pci,iommufd=iommufd0,fd=@0@,multifunction=on,addr=5.0,rombar=0" \
    -device "vfio-pci,iommufd=iommufd0,fd=@1@,addr=5.1,rombar=0" </dev/null >qemu.out 2>&1 &
qemu=$!
# Ended by hand: its power-off needs a timer tick, which an emulation of an emulation can lose for minutes.
ok "the inner machine reached its last line" wait_for 180 grep -q 'inner: done' inner.log
is "$(readlink /proc/$qemu/exe)" "$(readlink -f "$LAB_INNER_QEMU")" "it is this QEMU"
is "$(readlink /proc/$qemu/fd/* | grep -c '^/dev/vfio/devices/')" 2 "which has both nodes"
unlike "$(readlink /proc/$qemu/fd/*)" '/dev/vfio/(vfio|[0-9]+)' "and neither a container nor a group"
kill $qemu
wait $qemu
inner=$(tr -d '\r' <inner.log | grep '^inner:')
like "$inner" 'function 0: 0x1234:0x1111 driver bochs-drm' "the inner machine's bochs-drm took the display"
like "$inner" 'function 1: 0x8086:0x2668 driver snd_hda_intel' "the inner machine's snd_hda_intel took the sound"
like "$inner" '/dev/dri/card0 is there' "the inner machine has a DRM card"
all_passed || note "$(cat qemu.out)" "$(tail -n 40 inner.log)"
cp inner.log qemu.out "$LAB_OUT/"

ok "the GPU's group is restored" iommuctl restore --group $gpu
ok "the DRM card is back" wait_for 5 test -e /dev/dri/card0
done_testing
