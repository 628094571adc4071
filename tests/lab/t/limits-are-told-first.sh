# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-6.1
#
# What a control group, or the other processes of the same user, leave of memory: a request that cannot fit is refused
# with the number needed and the number there, and nothing has been allocated. What the numbers let through, the kernel
# does, too.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"

nic=0000:00:06.0
limits=$LAB_BUILD/tests/lab/lab-limits
no_ipc_lock=(setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock)
to_vfio $edu $nic

# ---- a control group ----
cgroups=/sys/fs/cgroup
mountpoint -q $cgroups && mounted=true || mounted=false
$mounted || mount -t cgroup2 none $cgroups
echo +memory >$cgroups/cgroup.subtree_control
mkdir -p $cgroups/lab/job
echo +memory >$cgroups/lab/cgroup.subtree_control
echo $((32 << 20)) >$cgroups/lab/memory.max

# in_group CMD…
in_group() {
    (
        echo $BASHPID >$cgroups/lab/job/cgroup.procs
        exec "$@"
    )
}

# allocated: KiB that were ever in use there (memory.peak is Linux 5.19's)
allocated() {
    echo $(($(cat $cgroups/lab/memory.peak) >> 10))
}

for backend in $backends; do
    status=0
    output=$(in_group timeout 20 iommuctl dma map --until-eof --backend="$backend" $edu --buffer a:64M 2>&1 </dev/null) || status=$?
    is "$status" 1 "$backend: 64 MiB in a group of 32 are refused"
    like "$output" "need 65536 KiB of memory and the cgroup $cgroups/lab has room for [0-9]+ KiB \(memory.max is 32768 KiB" \
        "$backend: with both numbers"
    note "$output"
    is "$(wc -l <<<"$output")" 1 "$backend: in one line"
    is "$(grep -c '^oom_kill 0' $cgroups/lab/memory.events)" 1 "$backend: nothing was killed"
    ok "$backend: 16 MiB fit" in_group timeout 20 iommuctl dma map --until-eof --backend="$backend" $edu --buffer a:16M </dev/null
done
ok "never were there more than the 16 MiB and a program in it" [ "$(allocated)" -lt $((30 << 10)) ]
note "$(allocated) KiB at the most"
echo max >$cgroups/lab/memory.max
echo $((16 << 20)) >$cgroups/lab/memory.high
fails 1 "more than memory.high is refused, not waited for" \
    in_group timeout 20 iommuctl dma map --until-eof $edu --buffer a:64M
rmdir $cgroups/lab/job $cgroups/lab
$mounted || umount $cgroups

# ---- another process of the same user ----
for backend in $backends; do
    run_tap prlimit --memlock=$((6 << 20)) "${no_ipc_lock[@]}" "$limits" charged "$backend" $edu $nic
done

if [ -e /dev/iommu ]; then
    : >map.out
    prlimit --memlock=$((8 << 20)) "${no_ipc_lock[@]}" iommuctl dma map --backend=iommufd $edu --buffer a:5M >map.out 2>map.err &
    held=$!
    wait_for 10 test -s map.out
    map=(prlimit --memlock=$((8 << 20)) "${no_ipc_lock[@]}" timeout 20 iommuctl dma map --until-eof "$nic")
    status=0
    output=$("${map[@]}" --backend=iommufd --buffer b:4M 2>&1 </dev/null) || status=$?
    is "$status" 1 "what another process of the user has pinned counts with iommufd"
    like "$output" "need 4096 KiB of locked memory and 3072 KiB may be locked \(RLIMIT_MEMLOCK is 8192 KiB, 5120 KiB are in use by the processes of user 0 together" \
        "with the right numbers"
    note "$output"
    ok "what they leave is mapped" "${map[@]}" --backend=iommufd --buffer b:3M </dev/null
    ok "with type1 each process counts for itself" "${map[@]}" --backend=type1 --buffer b:8M </dev/null
    kill $held
    ended 0 "the other one ends well"
    ok "and then it is all there again" "${map[@]}" --backend=iommufd --buffer b:8M </dev/null
fi
to_native $edu $nic
done_testing
