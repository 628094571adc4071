#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Our numbers and structs of the kernel's interface are those of newer kernels than the build machine's headers know.
# Without network and cache a skip, and with CI=true a failure. TAP.
#
#     kernel-headers.sh LAB SOURCE-ROOT CC…
lab=$1 root=$2
shift 2

compile() { # HEADERS FILE
    local headers=$1
    shift
    # as they are in the kernel's tree: marks for its own checkers, which installing them takes out
    "${cc[@]}" -std=gnu11 -Werror -fsyntax-only -D__user= '-D__counted_by(x)=' -D_GNU_SOURCE -isystem "$headers" -I"$root/lib/include" \
        "$@" 2>&1
}

cc=("$@")
number=0
failed=0
result() { # STATUS TEXT OUTPUT
    number=$((number + 1))
    if [ "$1" = 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        sed 's/^/# /' <<<"$3"
        failed=1
    fi
}

unchecked=$(grep -ohE '\b(struct uapi_\w+|UAPI_[A-Z0-9_]+)\b' "$root"/src/uapi.h | sort -u |
    while read -r name; do grep -qE "\b${name#struct }\b" "$root/src/uapi_check.c" || echo "$name"; done)
[ -z "$unchecked" ]
result $? "uapi_check.c looks at all that there is" "$unchecked"

wrong=$(mktemp -d)
trap 'rm -rf "$wrong"' EXIT
cp "$root"/src/uapi.h "$root"/src/uapi_check.c "$wrong"
sed -i "s/_IO(';', 0x85)/_IO(';', 0x95)/" "$wrong/uapi.h"

for lane in 6.12 7.2; do
    if ! headers=$("$lab" headers "$lane" 2>/dev/null); then
        reason="the headers of Linux $lane are not there: $("$lab" headers "$lane" 2>&1 | tail -n 1)"
        if [ "${CI:-}" = true ]; then
            result 1 "$reason" ""
        else
            number=$((number + 1))
            echo "ok $number # SKIP $reason"
        fi
        continue
    fi
    output=$(compile "$headers" "$root/src/uapi_check.c")
    result $? "Linux $lane has the structs and numbers that the library uses" "$output"
    # that a wrong one would be seen
    output=$(compile "$headers" "$wrong/uapi_check.c")
    [ $? != 0 ]
    result $? "a number that is not Linux $lane's is noticed" "it compiled"
done
echo "1..$number"
exit $failed
