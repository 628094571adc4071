# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-6.1 amd-6.12
# timeout: 300
#
# `iommuctl dma map` says where the buffers are the moment they are mapped, tells a service manager, holds them until
# it is told to go, and leaves nothing behind.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"
need python3

to_vfio $edu
for backend in $backends; do
    start_map --json --backend="$backend" $edu --buffer rx:64K,iova=0x100000,access=w --buffer tx:1M
    wanted='{"schema_version":1,"address":"0000:00:04.0","backend":"'$backend'","buffers":['
    wanted+='{"name":"rx","iova":"0x100000","size":65536,"page_size":4096,"access":"w"},'
    like "$(cat map.out)" "^$(sed 's/[][{}]/\\&/g' <<<"$wanted")" "$backend: the JSON line is there while it holds"
    is "$(python3 -c 'import json; b = json.load(open("map.out"))["buffers"][1]
print(b["name"], b["size"], b["access"], int(b["iova"], 16) % 4096)')" "tx 1048576 rw 0" "$backend: with both buffers"
    is "$(holders)" "/proc/$held" "$backend: it has the device open"
    kill -TERM $held
    ended 0 "$backend: SIGTERM ends it well"
    ok "$backend: the device is free again" free_again

    start_map --backend="$backend" $edu --buffer rx:64K,iova=0x100000
    like "$(cat map.out)" "rx +0x100000 +64 KiB +4 KiB +rw" "$backend: the text names buffer, IOVA, size, page and access"
    kill -INT $held
    ended 0 "$backend: SIGINT ends it well"
done

# its output is a pipe, and the reader goes on as soon as the line is there
mkfifo input
iommuctl --json dma map $edu --buffer a:4K --until-eof <input | head -n 1 >line &
exec 3>input
ok "through a pipe the line comes at once" wait_for 10 grep -q '"name":"a"' line
ok "it holds while its input is open" test -n "$(holders)"
exec 3>&-
ok "the end of the input ends it" wait_for 10 free_again
wait

iommuctl dma map $edu --buffer a:4K --until-eof </dev/null >map.out 2>map.err
is "$?" 0 "with no input at all it ends at once, and well"
start_map $edu --buffer a:4K </dev/null
ok "without --until-eof the end of the input does not end it" kill -0 $held
kill -KILL $held
wait $held 2>/dev/null
ok "killed, it leaves nothing open" wait_for 5 free_again

for socket in "$PWD/notify" "@iommuctl-lab-notify"; do
    rm -f notified
    python3 - "$socket" >notified <<'PY' &
import socket, sys
name = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\0" + name[1:] if name[0] == "@" else name)
s.settimeout(60)
for _ in range(2):
    print(s.recv(4096).decode(), flush=True)
PY
    listener=$!
    wait_for 30 grep -q "${socket#"$PWD"}" /proc/net/unix
    NOTIFY_SOCKET=$socket start_map $edu --buffer a:4K
    ok "NOTIFY_SOCKET=$socket is told when all is mapped" wait_for 10 grep -qx READY=1 notified
    like "$(cat notified)" "STATUS=1 buffer.*$edu" "with a status line"
    kill $held
    wait $held
    wait $listener
    ok "and that it ends" grep -qx STOPPING=1 notified
done
NOTIFY_SOCKET=$PWD/nobody start_map $edu --buffer a:4K
ok "a manager that is gone is no reason to go" kill -0 $held
kill $held
ended 0 "it ends well all the same"
like "$(cat map.err)" "NOTIFY_SOCKET=.*nobody" "and said that nobody was told"
ok "the device is free again" free_again
to_native $edu
done_testing
