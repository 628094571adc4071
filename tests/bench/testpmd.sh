# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# In an emulated machine: frames a second of e1000e-gen and e1000e-bridge beside those of dpdk-testpmd, by turns, on the
# same two cards; or, where the machine's clocks count instructions, instructions a frame: all that the processor runs,
# of user space and kernel, while it does nothing else.
#
# Both send and forward frames of 64 bytes from one thread that polls, with rings of 256 descriptors and their own bursts
# (testpmd's default of 32, 64 of ours), in hugepages of 2 MiB. Forwarding needs no source: both cards are on one wire, so
# the same 64 frames go round from card to card and through the program.
set -euo pipefail
. "$LAB_DIR/lib.sh"

a=0000:00:06.0
b=0000:00:07.0
ring=256
frames=64
turns=${1:-5}
case $LAB_DEVICES in
*counted*) counted=yes turns=${1:-3} samples=1 seconds=0.4 ;;
*) counted='' samples=3 seconds=3 ;;
esac

missing() {
    printf '%s\t-\t-\t-\t>= 1.0\t%s\n' "$1" "$2"
}

# peer CARDS… -- OPTION…: what testpmd tells of all its cards together, in frames a second. It tells every second, first
# of one that it has not begun with.
peer() {
    local eal=() pid told
    while [ "$1" != -- ]; do
        eal+=(-a "$1")
        shift
    done
    shift
    dpdk-testpmd --lcores '0@0,1@0' --iova-mode=va --in-memory --no-telemetry "${eal[@]}" -- --nb-cores=1 \
        --rxd=$ring --txd=$ring --txpkts=64 --total-num-mbufs=4096 --auto-start --stats-period=1 --no-lsc-interrupt \
        "$@" >testpmd.out 2>&1 </dev/null &
    pid=$!
    told=$(((samples + 1) * ${#eal[@]} / 2))
    wait_for 300 sh -c "[ \$(grep -c 'Tx-pps' testpmd.out) -ge $told ] || [ ! -e /proc/$pid ]"
    kill -INT $pid 2>/dev/null || true
    wait $pid || true
    grep -a 'Tx-pps' testpmd.out | awk -v cards=$((${#eal[@]} / 2)) -v samples=$samples '
        { sum += $2 } NR % cards == 0 { if (NR > cards) print sum; sum = 0 }' | head -n $samples | median
}

# ours PROGRAM CARD… OPTION…
ours() {
    "$@" --ring $ring --mode poll --seconds $seconds --json 2>ours.err |
        sed -nE 's/.*"packets_per_second":([0-9.]+).*/\1/p'
}

median() {
    sort -n | awk '{ v[NR] = $1 } END { if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# compare WHAT PEER-NAME: takes turns with one_ours and one_peer, the first one not counted, and prints the figure
compare() {
    local turn x y
    : >pairs
    one_ours >/dev/null
    for ((turn = 0; turn < turns; turn++)); do
        if ((turn % 2)); then
            x=$(one_ours) y=$(one_peer)
        else
            y=$(one_peer) x=$(one_ours)
        fi
        if [ -z "$x" ] || [ -z "$y" ]; then
            missing "$1" "$([ -n "$y" ] && tail -n1 ours.err || tail -n1 testpmd.out)"
            return
        fi
        echo "$x $y $(awk "BEGIN { print $x / $y }")" >>pairs
    done
    awk '{ print "# turn " NR ": " $1 " and " $2 " frames a second" }' pairs
    local mine theirs ratio
    mine=$(cut -d' ' -f1 pairs | median) theirs=$(cut -d' ' -f2 pairs | median) ratio=$(cut -d' ' -f3 pairs | median)
    if [ "$counted" ]; then
        awk -v x="$mine" -v y="$theirs" -v r="$ratio" -v what="$1" -v peer="$2" -v n="$turns" 'BEGIN {
            printf "%s, instructions a frame\t%.0f\t%s %.0f\t%.2f\t<= 1.0\tmedian of %d turns; user space and kernel\n",
                what, 1e9 / x, peer, 1e9 / y, 1 / r, n }'
    else
        awk -v x="$mine" -v y="$theirs" -v r="$ratio" -v what="$1" -v peer="$2" -v n="$turns" 'BEGIN {
            printf "%s, frames/s\t%.0f k/s\t%s %.0f k/s\t%.2f\t>= 1.0\tmedian of %d turns, emulated cards\n",
                what, x / 1e3, peer, y / 1e3, r, n }'
    fi
}

if ! command -v dpdk-testpmd >/dev/null; then
    missing "e1000e-gen" "dpdk-testpmd is not installed (package dpdk)"
    exit 0
fi
to_vfio $a $b

one_ours() { ours e1000e-gen $a; }
one_peer() { peer $a -- --forward-mode=txonly; }
compare "e1000e-gen, 64 bytes" "testpmd txonly"

one_ours() { ours e1000e-bridge $a $b --prime $frames; }
one_peer() { peer $a $b -- --forward-mode=io --tx-first; }
compare "e1000e-bridge, 64 frames of 64 bytes" "testpmd io"
