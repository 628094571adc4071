# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12
# timeout: 120
#
# `iommuctl dma bench` measures each size that there is room for, says why it passed over the others, and gives all
# back, also when a signal cuts it short. How long anything took is never judged.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"
need python3 script

measuring() {
    [ -n "$(holders)" ]
}

like "$(iommuctl dma bench $edu 2>&1)" "^iommuctl: $edu .*iommuctl bind $edu$" "an unbound device: the line names the command that binds it"
mkdir json
to_vfio $edu
huge_before=$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)
for backend in $backends; do
    ok "$backend: all sizes" sh -c "iommuctl --json dma bench --backend=$backend --time=0.01 $edu >json/$backend.all"
    iommuctl --json dma bench --backend="$backend" --rounds=7 --page-size=2M --page-size=4K --min=8K --max=2M $edu >json/"$backend".some

    # as people see it
    text=$(LC_ALL=C.UTF-8 iommuctl dma bench --backend="$backend" --rounds=20 --max=32K --page-size=4K --page-size=2M --min=4K $edu)
    like "$text" "^$edu by $backend"$'\n'"MAP +PAGES +ROUNDS +MEDIAN +P90 +P99 +MAX +PER GIB"$'\n'"4 KiB +4 KiB +20 +[0-9.]+ [um]s .*"$'\n'"32 KiB +4 KiB +20 " \
        "$backend: a row a size"
    like "$text" $'\n\n'"UNMAP +PAGES .*"$'\n'"4 KiB +4 KiB +20 " "$backend: and the same for unmapping"
    like "$text" "HOW OFTEN"$'\n'"4 KiB .*[▁▂▃▄▅▆▇█]+" "$backend: and histograms"

    # a signal, while a size is measured for a minute
    names='INT TERM HUP'
    [ "$backend" = iommufd ] || names=TERM
    for name in $names; do
        # the shell has what runs behind it ignore SIGINT
        env --default-signal=$name iommuctl --json dma bench --backend="$backend" --time=60 --min=2M --max=16M --page-size=4K $edu \
            >json/"$backend.SIG$name" 2>cut.err &
        pid=$!
        wait_for 10 measuring
        sleep 0.3
        kill -$name $pid
        status=0
        wait $pid || status=$?
        is "$status" "$((128 + $(kill -l $name)))" "$backend: SIG$name ends it, and that is its status"
        is "$(cat cut.err)" "iommuctl: stopped by SIG$name: 1 of 2 sizes measured, and nothing is mapped" "$backend: with a note"
        ok "$backend: the device is free again" free_again
    done
    is "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)" "$huge_before" "$backend: huge pages are given back"
done

env --ignore-signal=HUP iommuctl --json dma bench --time=0.5 --max=4K --page-size=4K $edu >json/kept &
pid=$!
wait_for 10 measuring
kill -HUP $pid
wait $pid
is "$?" 0 "a SIGHUP that was ignored from the start does not end it"
{
    iommuctl dma bench --rounds=10 --max=4K --page-size=4K $edu 2>gone.err
    echo $? >gone
} | true
is "$(cat gone gone.err)" 1 "a reader that went away is a failure, and silent"
ok "the device is free again" free_again

# what this process may have
no_ipc_lock=(setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock)
prlimit --memlock=65536 "${no_ipc_lock[@]}" iommuctl --json dma bench --rounds=3 --max=256K --page-size=4K $edu >json/limited
is "$?" 0 "that some sizes have no room is no failure"
output=$(prlimit --memlock=65536 "${no_ipc_lock[@]}" iommuctl dma bench --min=1M --max=16M --page-size=4K $edu 2>&1)
is "$?" 1 "where no size at all has room it is a failure"
like "$output" "^iommuctl: none of 3 sizes could be measured; 1 MiB in pages of 4 KiB: .*need 1024 KiB of locked memory and 64 KiB may be locked" \
    "and the line says why"
output=$(setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all "$(command -v iommuctl)" dma bench $edu 2>&1)
is "$?" 5 "a user without the node is refused"
like "$output" "^iommuctl: .*($(vfio_node)|$(vfio_cdev)) .*user 0 .*mode 0600" "and told who owns it"

# a terminal
bar=$'\r\033\\[K\\[[#-]{24}\\] +[0-9]+ % (4|32) KiB in pages of 4 KiB'
run=(iommuctl dma bench --rounds=3 --max=32K --page-size=4K "$edu")
like "$(TERM=xterm script -qec "${run[*]}" /dev/null)" "$bar" "on a terminal it shows how far it is"
like "$(TERM=xterm script -qec "${run[*]}" /dev/null)" $'\r\033\\[K[^\r]*'"$edu" "and takes that away before the result"
unlike "$(TERM=xterm script -qec "${run[*]} -q" /dev/null)" "$bar" "not with --quiet"
unlike "$(TERM=xterm script -qec "${run[*]} --json" /dev/null)" "$bar" "not with --json"
unlike "$(TERM=dumb script -qec "${run[*]}" /dev/null)" "$bar" "not on a terminal that cannot draw over a line"
is "$("${run[@]}" 2>&1 >/dev/null)" "" "and elsewhere stderr stays empty"
unlike "$(LC_ALL=C "${run[@]}")" "[▁▂▃▄▅▆▇█]" "where the locale is not UTF-8 the bars are letters"
cd json && run_tap python3 "$LAB_DIR/dma_bench_documents.py" $edu $backends
to_native $edu
done_testing
