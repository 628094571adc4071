# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For ./run: what a person sees of a long step.

say() {
    printf '== %s\n' "$*" >&2
}

# die TEXT [STATUS]
die() {
    printf 'run: %s\n' "$1" >&2
    exit "${2:-1}"
}

# A temporary file that is gone when ./run ends, however it ends.
run_log=$(mktemp -t iommuctl-run.XXXXXX) || exit 1
trap 'rm -f "$run_log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# quietly WHAT CMD…: one line while it goes well, the end of its output where it fails
quietly() {
    local what=$1
    shift
    say "$what"
    "$@" >"$run_log" 2>&1 && return
    tail -n 30 "$run_log" >&2
    die "$what failed"
}

# progress WHAT: reads apt's status lines (dlstatus:N:PERCENT:… and pmstatus:NAME:PERCENT:…, apt's
# README.progress-reporting) and shows them: one moving line on a terminal, a plain line every 15 s elsewhere
progress() {
    local what=$1 kind percent shown=0 line
    while IFS= read -r line; do
        IFS=: read -r kind _ percent _ <<<"$line"
        case $kind in
        dlstatus) kind=downloading ;;
        pmstatus) kind=unpacking ;;
        *) continue ;;
        esac
        if [ -t 2 ]; then
            printf '\r\033[K   %s: %s, %s %%' "$what" "$kind" "${percent%%.*}" >&2
        elif [ $((SECONDS - shown)) -ge 15 ]; then
            shown=$SECONDS
            printf '   %s: %s, %s %%\n' "$what" "$kind" "${percent%%.*}" >&2
        fi
    done
    [ ! -t 2 ] || printf '\r\033[K' >&2
}
