# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-7.2 intel-6.1 amd-6.12
# timeout: 300
#
# `iommuctl dma map … -- CMD`: the program gets the device and the buffers as descriptors, needs no privilege to use
# them, and its end is the end of all.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"

to_vfio $edu
# a user that may do nothing: no node, no capability, next to no locked memory
unprivileged=(prlimit --memlock=65536 setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all
    --inh-caps=-all --no-new-privs)

for backend in $backends; do
    map=(iommuctl dma map --backend="$backend" $edu --buffer copy:8K,iova=0x100000 --buffer other:4K,access=r)
    output=$("${map[@]}" -- "${unprivileged[@]}" "$(command -v edu)" 2>&1)
    is "$output" "$edu: 2048 bytes in and back out by $backend, iova 0x100000, interrupt by MSI" \
        "$backend: without privilege, the adopted device does DMA"
    ok "$backend: afterwards the device is free again" free_again

    case $backend in
    iommufd) names=iommufd:device:buffer-copy:buffer-other ;;
    type1) names=container:group:device:buffer-copy:buffer-other ;;
    esac
    count=$(tr : '\n' <<<"$names" | wc -l)
    # $$ and not $BASHPID of a subshell: LISTEN_PID is the program itself
    output=$("${map[@]}" -- bash -c 'echo "$LISTEN_FDS $LISTEN_FDNAMES"; [ "$LISTEN_PID" = $$ ] && echo mine
        echo "$IOMMUCTL_DMA"
        for fd in {0..99}; do [ ! -e /proc/$$/fd/$fd ] || open="$open $fd"; done; echo $open' </dev/null)
    mapfile -t lines <<<"$output"
    is "${lines[0]}" "$count $names" "$backend: the descriptors are counted and named"
    is "${lines[1]}" mine "$backend: they are for this process"
    like "${lines[2]}" '^\{"schema_version":1,"address":"0000:00:04.0","backend":"'"$backend"'","buffers":\[.*"iova":"0x100000"' \
        "$backend: IOMMUCTL_DMA is the JSON line"
    is "${lines[3]}" "$(seq -s ' ' 0 $((count + 2)))" "$backend: no other descriptor is there"
done

is "$(iommuctl dma map $edu --buffer ring:8K -- edu 2>&1)" "edu: no buffer named copy was handed over: --buffer copy:8K" \
    "a buffer of another name is not what the example looks for"
map=(iommuctl dma map $edu --buffer copy:8K)
is "$("${map[@]}" -- echo words)" words "standard output is the program's alone"
is "$("${map[@]}" --json -- echo words | cut -c1-18,19- | sed 's/^{"schema_version":1,.*/JSON/')" $'JSON\nwords' \
    "with --json the line goes before"
fails 0 "its status is the program's: 0" "${map[@]}" -- true
fails 42 "its status is the program's: 42" "${map[@]}" -- sh -c 'exit 42'
fails 137 "a signal that ends the program gives 128 and its number" "${map[@]}" -- sh -c 'kill -KILL $$'
fails 127 "a program that is not there gives 127" "${map[@]}" -- /nonexistent/program
fails 126 "a program that cannot be run gives 126" "${map[@]}" -- /etc/passwd
like "$("${map[@]}" -- /nonexistent/program 2>&1)" "^iommuctl: cannot run /nonexistent/program: No such file" \
    "and a line that names it"

"${map[@]}" -- sh -c 'trap "echo told >told; exit 7" TERM; : >ready; while :; do sleep 0.1; done' &
pid=$!
wait_for 10 test -e ready
kill -TERM $pid
wait $pid
is "$?" 7 "SIGTERM is passed on, and the program has the last word"
ok "the program heard of it" test -e told

rm -f ready
"${map[@]}" -- sh -c 'echo $$ >pid; : >ready; exec sleep 100' &
pid=$!
wait_for 10 test -e ready
kill -KILL $pid
wait $pid
ok "when iommuctl is killed, the program ends too" wait_for 5 free_again
is "$("${map[@]}" -- grep -E '^Sig(Blk|Ign):' /proc/self/status | paste -sd' ')" \
    "$(grep -E '^Sig(Blk|Ign):' /proc/self/status | paste -sd' ')" "the program's signals are as ours were"
ok "the device is free again" free_again
to_native $edu
done_testing
