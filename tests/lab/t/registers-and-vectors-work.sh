# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: regions-6.12 regions-6.1 regions-amd-6.12 regions-7.2
# timeout: 200
#
# Regions and interrupts of the library on real devices, each backend of the kernel in turn: accesses of every width,
# doorbells, INTx unmasked by eventfd, MSI-X vectors one by one, registers that do not answer, large pages for large BARs,
# ROM and legacy VGA.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/region-lib.sh"

edu=$(devices 1234:11e8)
nic=0000:00:06.0
memory=$(devices 1af4:1110)
nothing=$(devices 1b36:0005)
gpu=$(devices 1234:1111)
sound=0000:00:08.1
to_vfio "$edu" "$nic" "$memory" "$nothing" "$gpu" "$sound"

for backend in $(backends); do
    check "$backend" bus-master "$edu"
    check "$backend" widths "$edu"
    check "$backend" resample "$edu"
    check "$backend" guard "$edu"
    check "$backend" msix "$nic"
    check "$backend" large "$memory"
    check "$backend" large "$nothing"
    check "$backend" vga "$gpu"
done

# The same function on bytes of sysfs as on a device, against lspci.
for device in "$edu" "$nic" 0000:00:0d.0; do
    theirs=$(lspci -vv -s "$device" 2>/dev/null | sed -nE 's/.*Capabilities: \[([0-9a-f]+)( v[0-9]+)?\].*/\1/p')
    ours=$("$LAB_BUILD/tests/lab/lab-region" caps "/sys/bus/pci/devices/$device/config" | cut -d' ' -f1)
    is "$ours" "$theirs" "the capabilities of $device are where lspci sees them"
done

to_native "$edu" "$nic" "$memory" "$nothing" "$gpu" "$sound"
done_testing
