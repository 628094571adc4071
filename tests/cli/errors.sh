#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Exit statuses, error documents, and outputs that cannot be written.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/trees.sh"

intel_desktop
root=--root=$tree
fails "no such device" 4 'no device 0000:09:00\.0' "$root" groups 09:00.0
fails "a near miss names what there is" 4 'near it are 0000:01:00\.0 and 0000:01:00\.1' "$root" show 01:00.4
fails "no such group" 4 'no group 3; there are 4 groups, 0 to 14' "$root" groups group:3
fails "no such interface" 4 'no net eth9' "$root" devices net:eth9
for selector in gruop:7 NET:eth0 usb:1 01-00.0 vendor:10de 10de; do
    fails "mistyped: $selector" 2 "'$selector' is no selector.*group:7.*net:NAME" "$root" show "$selector"
done
fails "no such ids" 4 'no device 10de:ffff' "$root" devices 10de:ffff
fails "not a selector" 2 "'nonsense' is no selector" "$root" groups nonsense
fails "an address that is none" 2 'neither an address' "$root" groups 01:00.8
fails "one of several is good" 4 'no device 0000:09:00\.0' "$root" groups 01:00.0 09:00.0
fails "show takes one device" 2 'group:1 means 3 devices.*0000:00:01\.0, 0000:01:00\.0, 0000:01:00\.1' "$root" \
    show group:1
fails "show without a selector" 2 'needs a selector' "$root" show
fails "show with two" 2 'takes one selector' "$root" show 01:00.0 01:00.1
fails "status takes nothing" 2 'takes no argument' "$root" status x
fails "an unknown option" 2 'unknown option' "$root" groups --nope
fails "a root that is not there" 2 'cannot read .*/nowhere: No such file' --root="$work/nowhere" groups
mkdir "$work/empty"
fails "a root without sysfs" 1 'no sysfs in .*/empty/sys' --root="$work/empty" groups
fails "a command that changes the machine" 2 'cannot be used with --root' "$root" bind 01:00.0

fails "the first word of two" 2 "'dma' is followed by one more word: dma ranges, dma map" dma
fails "a second word that is none" 2 "'dma rang' is not a command; there are dma ranges" dma rang
fails "a typing error" 2 "'gruops' is not a command; did you mean 'groups'" gruops
run --json
same "no command under --json is a document" "$status $(jq -c .error.status <<<"$out")" "2 2"
for words in "--help" "--version" "help" "groups --help" "groups --version" "help bind"; do
    # shellcheck disable=SC2086
    "$iommuctl" $words >/dev/full 2>"$work/err"
    same "$words to a full disk is a failure" "$? $(cat "$work/err")" \
        "1 iommuctl: cannot write to standard output: No space left on device"
done
same "--version behind a verb is all that is done" "$("$iommuctl" unbind --version 01:00.0)" \
    "$("$iommuctl" --version)"

amd_vmd
fails "an address in two domains" 2 'c0:00\.0 fits 0000:c0:00\.0 and 10000:c0:00\.0' --root="$tree" show c0:00.0
run --root="$tree" show e1:00.0
same "an address in one domain needs none" "$status" 0

intel_desktop_again=$work/intel
for verb in groups devices status "show 02:00.0" "groups --json" "show 02:00.0 --json" "status --json"; do
    # shellcheck disable=SC2086
    "$iommuctl" --root="$intel_desktop_again" $verb >/dev/full 2>"$work/err"
    same "$verb to a full disk is a failure" "$? $(cat "$work/err")" \
        "1 iommuctl: cannot write to standard output: No space left on device"
    exec 8> >(exec true)
    wait $! # the reader is gone from here on
    # shellcheck disable=SC2086
    "$iommuctl" --root="$intel_desktop_again" $verb >&8 2>"$work/err"
    echo $? >"$work/status"
    exec 8>&-
    same "$verb to a reader that left is silent" "$(cat "$work/status") $(cat "$work/err")" "1 "
    # shellcheck disable=SC2086
    "$iommuctl" --root="$intel_desktop_again" $verb >&- 2>"$work/err"
    same "$verb with standard output closed is a failure" "$?" 1
done

finish
