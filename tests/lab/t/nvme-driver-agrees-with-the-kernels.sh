# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-6.1
#
# examples/nvme-identify says of a controller what the kernel's own driver says, each reads what the other wrote, and
# what goes wrong is told by name.
. "$LAB_DIR/lib.sh"
need iommuctl nvme-identify python3 strace

nvme=0000:00:05.0
case $LAB_KERNEL in
debian-6.1) backends=type1 ;;
*) backends="iommufd type1" ;;
esac

# attribute NAME: what the kernel's driver says
attribute() {
    sed 's/ *$//' "/sys/bus/pci/devices/$nvme/nvme/"nvme*"/$1"
}

# said NAME: what ours said
said() {
    sed -n "s/^$1  *//p" out
}

# free_again: nobody has it open
free_again() {
    iommuctl -q dma ranges $nvme >/dev/null
}

modprobe vfio-pci 2>/dev/null
wait_for 20 test -e /dev/nvme0n1
model=$(attribute model) serial=$(attribute serial) firmware=$(attribute firmware_rev)
blocks=$(cat /sys/block/nvme0n1/size)
head -c 512 /dev/urandom >theirs
dd if=theirs of=/dev/nvme0n1 bs=512 seek=11 oflag=direct status=none
fails 1 "a controller that the kernel drives is not taken" nvme-identify $nvme
like "$(nvme-identify $nvme 2>&1)" "^nvme-identify: $nvme is bound to nvme" "and its driver is named"

ok "bind" iommuctl bind $nvme
for backend in $backends; do
    nvme-identify $nvme --backend="$backend" >out 2>&1
    is "$?" 0 "$backend: identified"
    is "$(said controller)" "$nvme, NVMe 1.4, by $backend, interrupt by MSI-X" "$backend: as it was asked to"
    is "$(said model)/$(said serial)/$(said firmware)" "$model/$serial/$firmware" \
        "$backend: model, serial number and firmware are those that the kernel's driver told"
    is "$(said 'namespace 1')" "64 MiB: $blocks blocks of 512 bytes" "$backend: and so are the blocks"

    for way in "" --poll; do
        nvme-identify $nvme --backend="$backend" $way --read=11 >ours
        ok "$backend: reads what the kernel wrote $way" cmp theirs ours
        is "$(nvme-identify $nvme --backend="$backend" $way --write-test=11 2>&1)" \
            "block 11 of namespace 1: 512 bytes written and read back; what was there before is there again" \
            "$backend: the write test passes $way"
        nvme-identify $nvme --backend="$backend" $way --read=11 >ours
        ok "$backend: and left the block as it was $way" cmp theirs ours
    done
    head -c 512 /dev/urandom >"written.$backend"
    at=21
    [ "$backend" = type1 ] || at=22
    ok "$backend: writes a block" sh -c "nvme-identify $nvme --backend=$backend --write=$at <written.$backend"
    ok "$backend: the first and the last block can be read" sh -c "nvme-identify $nvme --backend=$backend --read=0 >/dev/null &&
        nvme-identify $nvme --backend=$backend --read=$((blocks - 1)) >/dev/null"
    ok "$backend: afterwards the device is free again" free_again
done

# what is mapped is unmapped, by calls of our own and not by the end of the process
strace -o trace -e trace=ioctl nvme-identify $nvme --backend=type1 >/dev/null
is "$(grep -c 'VFIO_IOMMU_MAP_DMA.* = 0$' trace)/$(grep -c 'VFIO_IOMMU_UNMAP_DMA.* = 0$' trace)" 1/1 "type1: one mapping, unmapped again"

# ---- without privilege ----
unprivileged=(setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs)
fails 5 "who may not open its node is told so" "${unprivileged[@]}" "$(command -v nvme-identify)" $nvme
for backend in $backends; do
    map=(iommuctl dma map --backend="$backend" "$nvme")
    "${map[@]}" --buffer memory:20K -- "${unprivileged[@]}" "$(command -v nvme-identify)" --write-test=11 >out 2>&1
    is "$?" 0 "$backend: without privilege, the adopted controller takes commands"
    like "$(cat out)" "written and read back" "$backend: and moves data"
    fails 1 "$backend: too small a buffer is refused" "${map[@]}" --buffer memory:16K -- nvme-identify

    # the device may only read: its first answer ends in a fault, and the controller says that it failed
    timeout 20 "${map[@]}" --buffer memory:20K,access=r -- nvme-identify >out 2>&1
    is "$?" 1 "$backend: a controller that fails ends it"
    like "$(cat out)" "^nvme-identify: $nvme: it failed: its status is 0x[0-9a-f]*, controller fatal status" \
        "$backend: and it says so"
done

# ---- a controller that goes away, and signals ----
# start_waiting BACKEND: a driver that waits for a block from standard input with its controller enabled; its process
# is $pid
start_waiting() {
    rm -f input
    mkfifo input
    nvme-identify $nvme --backend="$1" --write=30 <input >out 2>&1 &
    pid=$!
    exec 9>input
    wait_for 10 grep -q '^0 0x0 ' /proc/$pid/syscall # read(0, …)
}

for backend in $backends; do
    start_waiting "$backend"
    kill -TERM $pid
    wait $pid
    is "$?/$(cat out)" 143/ "$backend: SIGTERM ends it by that signal, with nothing to complain of"
    exec 9>&-
    ok "$backend: and the device is free again" free_again

    start_waiting "$backend"
    # its memory decoding goes off by its own descriptor: all that is mapped of its registers is taken away
    python3 - $pid <<'END'
import ctypes, os, sys
pid = int(sys.argv[1])
names = {int(fd): os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
theirs = [fd for fd, name in names.items() if "vfio-device" in name or name.startswith("/dev/vfio/devices/")]
fd = ctypes.CDLL(None).syscall(438, os.pidfd_open(pid), theirs[0], 0)  # pidfd_getfd
os.pwrite(fd, bytes(2), (7 << 40) + 4)  # the command register, in VFIO's configuration region
END
    cat theirs >&9
    exec 9>&-
    wait $pid
    is "$?" 1 "$backend: a controller that goes away ends it"
    like "$(cat out)" "^nvme-identify: $nvme: its registers read as all ones" "$backend: in a line that says so"
    ok "$backend: and the device is free again" free_again
done

# ---- what is refused ----
fails 1 "a block behind the end is refused" nvme-identify $nvme --read="$blocks"
like "$(nvme-identify $nvme --read="$blocks" 2>&1)" "block $blocks is not in namespace 1, which has $blocks" "with the numbers"
fails 1 "a namespace that is not there is refused" nvme-identify $nvme --namespace=3 --read=0
fails 1 "a block that is cut off is not written" sh -c "echo short | nvme-identify $nvme --write=11"
nvme-identify $nvme --read=11 >ours
ok "the block is as it was" cmp theirs ours
fails 2 "two jobs are a wrong command line" nvme-identify $nvme --read=1 --write=1
fails 2 "a number that is none is a wrong command line" nvme-identify $nvme --write-test=x
fails 2 "no device, and none handed over" nvme-identify
is "$(nvme-identify 2>&1)" "nvme-identify: no ADDRESS, and 'iommuctl dma map' has handed nothing over" "which is told"
fails 4 "a device that is not there" nvme-identify 00:1e.7
to_vfio 0000:00:04.0
fails 1 "another device is refused" nvme-identify 00:04.0
like "$(nvme-identify 00:04.0 2>&1)" "0000:00:04.0: this is no NVMe controller: its class is 0x00ff00, 1234:11e8" "by name"
to_native 0000:00:04.0

# ---- output that nobody takes ----
fails 1 "a block that cannot be written out is a failure" sh -c "nvme-identify $nvme --read=11 >/dev/full"
fails 1 "also where only the last write is one that works" sh -c "stdbuf -o0 nvme-identify $nvme --read=11 >/dev/full"
fails 1 "and so is help" sh -c "nvme-identify --help >/dev/full"
{
    nvme-identify $nvme 2>gone.err
    echo $? >gone
} | true
is "$(cat gone)" 1 "a reader that went away is a failure, and the controller is shut down first"
like "$(cat gone.err)" "^nvme-identify: $nvme: cannot write to standard output: Broken pipe$" "which is told"
ok "the device is free again" free_again

# ---- given back ----
ok "restore" iommuctl restore $nvme
ok "the kernel's driver has it again" wait_for 20 test -e /dev/nvme0n1
for backend in $backends; do
    at=21
    [ "$backend" = type1 ] || at=22
    dd if=/dev/nvme0n1 of=theirs.now bs=512 skip=$at count=1 iflag=direct status=none
    ok "$backend: it reads what ours wrote" cmp "written.$backend" theirs.now
done
dd if=/dev/nvme0n1 of=theirs.now bs=512 skip=11 count=1 iflag=direct status=none
ok "and what it wrote itself" cmp theirs theirs.now
done_testing
