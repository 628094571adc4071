# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12
#
# A mediated device that is a display, the kernel's sample mbochs: opened by its UUID on each backend, its planes are
# told, with dma-bufs of them.
. "$LAB_DIR/lib.sh"

uuid=8e1ac2c0-5d8b-4a0f-9c0e-3f2f6a5b7d10
ok "the sample driver is loaded" modprobe mbochs
echo $uuid >/sys/class/mdev_bus/mbochs/mdev_supported_types/mbochs-small/create
ok "a display is made" test -e /sys/bus/mdev/devices/$uuid
like "$(iommuctl devices)" "$uuid" "iommuctl lists it"
for backend in type1 iommufd; do
    output=$("$LAB_BUILD/tests/lab/gfx_check" $backend $uuid)
    is $? 0 "$backend: all checks of the display passed"
    sed "s/^\(not \)\?ok/# &/; /^1\.\./d" <<<"$output"
done
to_vfio 0000:00:04.0
fails 1 "a card that is no virtual GPU has no display" "$LAB_BUILD/tests/man/man-iommuctl_gfx" 0000:00:04.0
to_native 0000:00:04.0
echo 1 >/sys/bus/mdev/devices/$uuid/remove
ok "it is gone" test ! -e /sys/bus/mdev/devices/$uuid
rmmod mbochs
done_testing
