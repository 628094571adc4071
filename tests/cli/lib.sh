# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For the scripts beside it: tests in TAP of the command, which meson names in $IOMMUCTL.
set -u
export LC_ALL=C.UTF-8
unset NO_COLOR

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
iommuctl=${IOMMUCTL:?the command to test}
tests=0
failures=0
work=$(mktemp -d "${TMPDIR:-/tmp}/iommuctl-cli-XXXXXX")
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT

# note TEXT…: each line as a TAP comment
note() {
    printf '%s\n' "$@" | sed 's/^/# /'
}

# result STATUS TEXT: one test
result() {
    tests=$((tests + 1))
    if [ "$1" = 0 ]; then
        echo "ok $tests - $2"
    else
        failures=$((failures + 1))
        echo "not ok $tests - $2"
    fi
    return "$1"
}

skip() {
    tests=$((tests + 1))
    echo "ok $tests - $1 # SKIP $2"
}

# run ARG…: the command, with its exit status in $status, its output in $out and what it said in $err
run() {
    "$iommuctl" "$@" >"$work/out" 2>"$work/err"
    status=$?
    out=$(cat "$work/out")
    err=$(cat "$work/err")
}

# same TEXT GOT WANTED
same() {
    if [ "$2" = "$3" ]; then
        result 0 "$1"
    else
        result 1 "$1"
        note "got:" "$2" "wanted:" "$3"
    fi
}

# has TEXT GOT PATTERN: an extended regular expression
has() {
    if grep -Eq -- "$3" <<<"$2"; then
        result 0 "$1"
    else
        result 1 "$1"
        note "no match for '$3' in:" "$2"
    fi
}

# fails TEXT STATUS PATTERN ARG…: the command ends in STATUS, says PATTERN, and under --json as a document
fails() {
    local text=$1 wanted=$2 pattern=$3
    shift 3
    run "$@"
    if [ "$status" != "$wanted" ] || ! grep -Eq -- "$pattern" <<<"$err"; then
        result 1 "$text"
        note "ended in $status, wanted $wanted; said:" "$err" "wanted: $pattern"
        return
    fi
    run --json "$@"
    if [ "$status" = "$wanted" ] && valid_json "$out" &&
        grep -Eq "^\{\"schema_version\":1,\"error\":\{\"code\":\"E[A-Z]+\",\"status\":$wanted,\"message\":" \
            <<<"$out"; then
        result 0 "$text"
    else
        result 1 "$text"
        note "under --json it ended in $status with:" "$out" "$err"
    fi
}

valid_json() {
    python3 -c 'import json, sys; [json.loads(l) for l in sys.stdin.buffer.read().decode("utf-8").splitlines()]' <<<"$1"
}

# Names come from the machine's databases, which differ: "*" stands for any, or for none.
without_names() {
    sed -E 's/"(class|vendor|device)_name":(null|"([^"\\]|\\.)*")/"\1_name":*/g'
}

# golden TEXT GOT NAME: compares with a file in golden/; UPDATE_GOLDEN=1 writes it anew
golden() {
    local file=$here/golden/$3
    if [ "${UPDATE_GOLDEN:-0}" = 1 ]; then
        printf '%s\n' "$2" >"$file"
    fi
    if diff -u "$file" <(printf '%s\n' "$2") >"$work/diff" 2>&1; then
        result 0 "$1"
    else
        result 1 "$1"
        sed 's/^/# /' "$work/diff"
    fi
}

# golden_json TEXT NAME ARG…: the command's document, but for names
golden_json() {
    local text=$1 name=$2
    shift 2
    run --json "$@"
    if [ "$status" != 0 ] || ! valid_json "$out"; then
        result 1 "$text"
        note "ended in $status:" "$out" "$err"
        return
    fi
    golden "$text" "$(without_names <<<"$out")" "$name"
}

finish() {
    echo "1..$tests"
    [ "$failures" = 0 ]
    exit
}
