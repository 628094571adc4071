# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# In an emulated machine: from the start of a program to a card that can send: e1000e-gen beside the smallest program of
# DPDK that does as much, by turns. Each says a line when its card is started, and the clock stops there: the link comes up
# later, by the card's own time.
set -euo pipefail
. "$LAB_DIR/lib.sh"

card=0000:00:06.0
eal_start=$LAB_BUILD/tests/bench/eal-start
turns=${1:-15}
what="start of a program to a card that can send"

# until LINE CMD…: milliseconds until it says a line like that
until_line() {
    local line begin=$EPOCHREALTIME end='' pattern=$1
    shift
    while IFS= read -r line; do
        [ "$end" ] || [[ $line != *$pattern* ]] || end=$EPOCHREALTIME
    done < <("$@" 2>&1)
    wait $! || true # it closes its output before it lets go of the card
    [ "$end" ] || { echo "start.sh: no line with $pattern" >&2; return 1; }
    awk "BEGIN { printf \"%.3f\", ($end - $begin) * 1e3 }"
}

ours() {
    until_line descriptors e1000e-gen $card --count 1
}

peer() {
    until_line started "$eal_start" --lcores 0@0 --iova-mode=va --in-memory --no-telemetry -a $card
}

median() {
    sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

to_vfio $card
if [ ! -x "$eal_start" ] || ! "$eal_start" --lcores 0@0 --iova-mode=va --in-memory --no-telemetry -a $card >first 2>&1; then
    printf '%s\t-\t-\t-\t-\t%s\n' "$what" "$(tail -n1 first 2>/dev/null || echo 'built without DPDK (package dpdk-dev)')"
    exit 0
fi
ours >/dev/null
for ((turn = 0; turn < turns; turn++)); do
    if ((turn % 2)); then
        x=$(ours) y=$(peer)
    else
        y=$(peer) x=$(ours)
    fi
    awk "BEGIN { print $x, $y, $x / $y }"
done >pairs
echo "# $(grep started first)"
printf '%s\t%.0f ms\t%s %.0f ms\t%.3f\t%s\t%s\n' "$what" "$(cut -d' ' -f1 pairs | median)" "DPDK's EAL and port" \
    "$(cut -d' ' -f2 pairs | median)" "$(cut -d' ' -f3 pairs | median)" "-" "median of $turns turns, in an emulated machine"
