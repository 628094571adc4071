#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What bash completes, over a made machine: completion.sh COMMAND FILE-FOR-BASH [FILE-FOR-FISH]
# A case is a command line and what readline would make of it: all lines that it could become.
set -u

command=$1 bash_file=$2 fish_file=${3:-}
n=0 failed=0
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

make_machine() {
    local sys=$root/sys name
    mkdir -p "$sys"/bus/pci/devices/{0000:00:02.0,0000:01:00.0,0000:01:00.1,10000:02:00.0} \
        "$sys"/bus/pci/drivers/{e1000e,nouveau,nvme,pcieport,vfio-pci} "$sys"/kernel/iommu_groups/{1,14,2} \
        "$sys"/class/{net/eth0,net/enp1s0,block/nvme0n1,drm/card0,drm/renderD128,drm/card0-DP-1}/device \
        "$sys"/class/net/lo "$sys"/class/block/{loop0,nvme0n1p1} "$root/captured one"
    touch "$sys/class/block/nvme0n1p1/partition" "$sys/class/drm/version"
    for name in 0000:01:00.0 0000:01:00.1; do ln -s ../../../0 "$sys/bus/pci/devices/$name/iommu_group"; done
}

# lines LINE: what it can become, one a line, in order. readline replaces what stands behind the last character that breaks words.
lines() {
    local line=$1 words=${2-$' \t\n"\'><=;|&(:'} kept candidate
    COMP_WORDBREAKS=$words COMP_LINE=$line COMP_POINT=${#line} COMP_WORDS=("$command") COMP_CWORD=1 COMPREPLY=()
    _iommuctl
    kept=${line%"${line##*["$words"]}"}
    for candidate in "${COMPREPLY[@]}"; do printf '%s\n' "$kept$candidate"; done | LC_ALL=C sort
}

# is NAME LINE RESULT…
is() {
    local name=$1 line=$2 have want
    shift 2
    n=$((n + 1))
    have=$(lines "$line" "${breaks[@]}")
    want=$(printf '%s\n' "$@" | LC_ALL=C sort)
    if [ "$have" = "$want" ]; then
        echo "ok $n - $name"
        return
    fi
    failed=1
    echo "not ok $n - $name"
    diff <(echo "$want") <(echo "$have") | sed -n "s/^</# wanted:/p; s/^>/# given: /p"
}

# long_options [VERB…]: what the command's own help lists
long_options() {
    "$command" "$@" --help | sed -n 's/^ \+\(-., \)\? *\(--[a-z0-9-]*=\?\).*/\2/p'
}

verbs() {
    "$command" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]\+\( [a-z]\+\)\?\)  .*/\1/p'
}

bash_cases() {
    local i="iommuctl --root=$root" all verb options
    mapfile -t all < <(verbs | cut -d' ' -f1 | uniq)
    is "the verbs" "$i " "${all[@]/#/$i }"
    is "verbs that begin so" "$i st" "$i status"
    is "the second word of dma" "$i dma r" "$i dma ranges"
    is "all addresses and groups" "$i bind " "$i bind "{0000:00:02.0,0000:01:00.0,0000:01:00.1,10000:02:00.0,group:1,group:14,group:2}
    is "an address behind its colons" "$i show 0000:01:0" "$i show "0000:01:00.{0,1}
    is "an address with a wide domain" "$i devices 1" "$i devices 10000:02:00.0"
    is "a second selector" "$i groups 0000:00:02.0 group:1" "$i groups 0000:00:02.0 group:1" "$i groups 0000:00:02.0 group:14"
    is "a device for dma ranges" "$i dma ranges 0000:00" "$i dma ranges 0000:00:02.0"
    is "nothing behind status" "$i status " ""
    is "the kinds of names" "$i show n" "$i show net:"
    is "network interfaces with a device" "$i show net:" "$i show net:"{enp1s0,eth0}
    is "disks and partitions" "$i show block:" "$i show block:"{nvme0n1,nvme0n1p1}
    is "nodes of cards, no connectors" "$i show drm:" "$i show drm:"{card0,renderD128}
    is "drivers" "$i bind --driver=" "$i bind --driver="{e1000e,nouveau,nvme,pcieport,vfio-pci}
    is "drivers as a word of their own" "$i bind --driver n" "$i bind --driver "{nouveau,nvme}
    is "a selector behind the driver" "$i bind --driver vfio-pci 0000:00" "$i bind --driver vfio-pci 0000:00:02.0"
    is "hazards" "$i bind --allow=default" "$i bind --allow=default-route"
    is "hazards behind others" "$i bind --allow=mounted,sw" "$i bind --allow=mounted,swap"
    is "hazards behind others, as a word of their own" "$i bind --allow mounted,sw" "$i bind --allow mounted,swap"
    is "a device behind a page size" "$i dma bench --page-size 2M 0000:00" "$i dma bench --page-size 2M 0000:00:02.0"
    is "page sizes" "$i dma bench --page-size=" "$i dma bench --page-size="{1G,2M,4K}
    is "backends" "$i dma ranges --backend=" "$i dma ranges --backend="{auto,iommufd,type1}
    is "when to colour" "$i --color=a" "$i --color="{always,auto}
    is "folders for --root" "iommuctl --root=$root/capt" "iommuctl --root=$root/captured one"
    is "the root as a word of its own" "iommuctl --root $root show 0000:00" "iommuctl --root $root show 0000:00:02.0"
    is "nothing of ours behind --" "$i dma map 0000:00:02.0 -- " ""
    mapfile -t all < <(verbs)
    for verb in "${all[@]}"; do
        # shellcheck disable=SC2086 # one word or two
        mapfile -t options < <(long_options $verb)
        is "the options of $verb" "$i $verb --" "${options[@]/#/$i $verb }"
    done
    breaks=($' \t\n"\'><;|&(')
    is "an address where colons break no words" "$i show 0000:01:0" "$i show "0000:01:00.{0,1}
    is "a driver where = breaks no words" "$i bind --driver=vf" "$i bind --driver=vfio-pci"
}

fish_cases() {
    local have want name="the same of the bash and fish completions, where fish is"
    n=$((n + 1))
    if [ -n "$fish_file" ] && command -v fish >/dev/null; then
        for line in "bind 0000:01:" "show net:" "show block:" "show drm:" "show group:" "st" "dma r" "bind --driver=n" \
            "bind --allow=mounted,sw" "--color=a"; do
            want+=$(lines "iommuctl --root=$root $line" | sed "s|^iommuctl --root=$root ||; s|.* ||")$'\n'
            # shellcheck disable=SC2016 # fish's own variables
            have+=$(fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$fish_file" "iommuctl --root=$root $line" |
                cut -f1 | LC_ALL=C sort)$'\n'
        done
        if [ "$have" != "$want" ]; then
            failed=1
            echo "not ok $n - $name"
            diff <(echo "$want") <(echo "$have") | sed -n "s/^</# bash:/p; s/^>/# fish:/p"
            return
        fi
    fi
    echo "ok $n - $name"
}

make_machine
breaks=()
# shellcheck source=/dev/null
. "$bash_file"
bash_cases
breaks=()
fish_cases
echo "1..$n"
exit "$failed"
