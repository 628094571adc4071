# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: regions-6.12 regions-6.1 regions-amd-6.12 regions-7.2
# timeout: 200
#
# Devices are taken away while the library has them open: by an administrator, who waits until the library let go; and
# out of their slot, with no question asked.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/region-lib.sh"

edu=$(devices 1234:11e8)
port=0000:00:0d.0

rescan() {
    echo 1 >/sys/bus/pci/rescan
}

for backend in $(backends); do
    to_vfio "$edu"
    rm -f /tmp/removed
    start "$backend" let-go "$edu"
    (
        echo 1 >"/sys/bus/pci/devices/$edu/remove"
        touch /tmp/removed
    ) &
    remover=$!
    wait_for 5 grep -q '^ok.*there is time' /tmp/started.out
    is "$([ -e /tmp/removed ] && echo done)" "" "$backend: the removal waits"
    finish "$backend: its owner let go, and ended well"
    wait "$remover"
    ok "$backend: the device is gone" test ! -e "/sys/bus/pci/devices/$edu"
    rescan
    ok "$backend: and can be found again" wait_for 5 test -e "/sys/bus/pci/devices/$edu"
done

# Once is all there is: nothing puts it back.
card=$(basename "$(dirname "$(echo "/sys/bus/pci/devices/$port"/*:*/vendor)")")
backend=$(backends | tail -1)
to_vfio "$card"
binding_before=$(grep -v "^$card " <<<"$binding_before")
start "$backend" pulled "$card"
pull "$port"
finish "$backend: its owner saw it go, and ended well"
ok "and then the kernel forgot it" wait_for 20 test ! -e "/sys/bus/pci/devices/$card"
done_testing
