# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12
# timeout: 120
#
# `iommuctl dma bench` measures each size that there is room for, says why it passed over the others, and gives all
# back, also when a signal cuts it short. How long anything took is never judged.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"
need jq script

# what must be true of every document
consistent='def near(a; b): a >= b * 0.99 - 1 and a <= b * 1.01 + 1;
def good($r): .min_ns > 0 and .min_ns <= .median_ns and .median_ns <= .p90_ns and .p90_ns <= .p99_ns and .p99_ns <= .max_ns
  and near(.per_gib_ns; .median_ns * 1073741824 / $r.size)
  and ([.histogram[].count] | add) == $r.rounds
  and .histogram[0].from_ns <= .min_ns and .histogram[0].to_ns > .min_ns and .histogram[0].count > 0
  and .histogram[-1].from_ns <= .max_ns and .histogram[-1].to_ns > .max_ns and .histogram[-1].count > 0
  and ([.histogram[].to_ns][:-1] == [.histogram[].from_ns][1:]);
all(.results[]; . as $r | .rounds > 0 and (.map | good($r)) and (.unmap | good($r))) and all(.skipped[]; .reason | length > 0)'
keys='"schema_version address backend stopped_by results skipped"'

# sizes FILTER FILE: size/page size of each, in order of page size and size
sizes() {
    jq -r "[$1] | sort_by(.page_size, .size) | map(\"\(.size)/\(.page_size)\") | join(\" \")" "$2"
}

measuring() {
    [ -n "$(holders)" ]
}

like "$(iommuctl dma bench $edu 2>&1)" "^iommuctl: $edu .*iommuctl bind $edu$" "an unbound device: the line names the command that binds it"
to_vfio $edu
huge_before=$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)
for backend in $backends; do
    ok "$backend: all sizes" sh -c "iommuctl --json dma bench --backend=$backend --time=0.01 $edu >all.json"
    is "$(jq -c 'keys_unsorted | join(" ")' all.json)" "$keys" "$backend: the document's keys"
    is "$(jq -c '[.schema_version, .address, .backend, .stopped_by]' all.json)" "[1,\"$edu\",\"$backend\",null]" "$backend: what and how"
    is "$(sizes '.results[], .skipped[]' all.json)" \
        "4096/4096 32768/4096 262144/4096 2097152/4096 16777216/4096 134217728/4096 1073741824/4096 2097152/2097152 16777216/2097152 134217728/2097152 1073741824/2097152 1073741824/1073741824" \
        "$backend: each size from 4 KiB to 1 GiB is measured or passed over"
    is "$(sizes '.results[]' all.json)" \
        "4096/4096 32768/4096 262144/4096 2097152/4096 16777216/4096 134217728/4096 2097152/2097152 16777216/2097152" \
        "$backend: what this machine's memory has room for is measured"
    is "$(jq "$consistent" all.json)" true "$backend: percentiles rise, and histograms hold each round"
    like "$(jq -r '.skipped[] | select(.size == 134217728).reason' all.json)" "need 64 hugepages of 2048 KiB and 16 are free" \
        "$backend: too few huge pages is the reason"
    like "$(jq -r '.skipped[] | select(.page_size == 4096).reason' all.json)" "KiB of memory and [0-9]+ KiB are available" \
        "$backend: and so is too little memory"

    iommuctl --json dma bench --backend="$backend" --rounds=7 --page-size=2M --page-size=4K --min=8K --max=2M $edu >some.json
    is "$(jq -c '[.results[] | [.size, .page_size, .rounds]]' some.json)" \
        "[[8192,4096,7],[65536,4096,7],[524288,4096,7],[2097152,4096,7],[2097152,2097152,7]]" "$backend: just these sizes, pages and rounds"
    is "$(jq -c "($consistent) and .skipped == []" some.json)" true "$backend: and nothing else"

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
        env --default-signal=$name iommuctl --json dma bench --backend="$backend" --time=60 --max=32K --page-size=4K $edu \
            >cut.json 2>cut.err &
        pid=$!
        wait_for 10 measuring
        sleep 0.5
        kill -$name $pid
        status=0
        wait $pid || status=$?
        is "$status $(jq -r .stopped_by cut.json)" "$((128 + $(kill -l $name))) SIG$name" "$backend: SIG$name ends it, and that is its status"
        is "$(sizes '.results[], .skipped[]' cut.json) $(jq "$consistent" cut.json)" "4096/4096 32768/4096 true" \
            "$backend: each size is there"
        is "$(jq -c '[.results[].size, .skipped[].reason]' cut.json)" "[4096,\"stopped by SIG$name\"]" \
            "$backend: with what was measured, and what was not"
        is "$(cat cut.err)" "iommuctl: stopped by SIG$name: 1 of 2 sizes measured, and nothing is mapped" "$backend: and a note"
        ok "$backend: the device is free again" free_again
    done
    is "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)" "$huge_before" "$backend: huge pages are given back"
done

env --ignore-signal=HUP iommuctl --json dma bench --time=1 --max=4K --page-size=4K $edu >kept.json &
pid=$!
wait_for 10 measuring
kill -HUP $pid
wait $pid
is "$? $(jq -c .stopped_by kept.json)" "0 null" "a SIGHUP that was ignored from the start cuts nothing short"
{
    iommuctl dma bench --rounds=10 --max=4K --page-size=4K $edu 2>gone.err
    echo $? >gone
} | true
is "$(cat gone gone.err)" 1 "a reader that went away is a failure, and silent"
ok "the device is free again" free_again

# what this process may have
no_ipc_lock=(setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock)
prlimit --memlock=65536 "${no_ipc_lock[@]}" iommuctl --json dma bench --rounds=3 --max=256K --page-size=4K $edu >limited.json
is "$? $(sizes '.results[]' limited.json)" "0 4096/4096 32768/4096" "with little locked memory the small sizes are measured"
like "$(jq -r '.skipped[].reason' limited.json)" "need 256 KiB of locked memory and 64 KiB may be locked" "and the limit is the reason for the rest"
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
to_native $edu
done_testing
