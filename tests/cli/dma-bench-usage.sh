#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What `iommuctl dma bench` says to calls that cannot work on any machine: one line, how to call it, and status 2. No
# device is needed: none of it gets so far.
. "${0%/*}/../lab/lib.sh"
. "${0%/*}/says.sh"
cd "$(mktemp -d)" || exit
trap 'rm -rf "$PWD"' EXIT

# bench STATUS REGEX ARG…
bench() {
    says "$1" "^iommuctl: $2" dma bench "${@:3}"
}

# well formed: only the device is missing
for good in --min=4K --max=1G --min=0x1000 "--min=8K --max=8K" --page-size=4K --page-size=2m --page-size=1G \
    "--page-size=2M --page-size=4096 --page-size=2M" --rounds=1 --rounds=1000000 --time=0.001 --time=3600 --time=1 \
    "--backend=type1 --max=4K" --backend=auto "--min=12K --max=20K" "--min=1T --max=4T"; do
    # shellcheck disable=SC2086 # one option or more
    says $none "$nowhere" dma bench $good $absent
done

bench 2 "which device\?$"
bench 2 "one SELECTOR is wanted$" $absent $absent
bench 2 "--backend takes auto, iommufd or type1, not 'vfio'$" --backend=vfio $absent
bench 2 "'dma bench' works on the machine itself" --root=/ $absent
bench 2 "unknown option '--nope'$" --nope $absent

for bad in x -1 4Q 4KB "" 4.5K 0x; do
    bench 2 "--min: '$bad' is not a size: digits or 0x" --min="$bad" $absent
done
bench 2 "--min: size 0 is no multiple of the page size 4096$" --min=0 $absent
bench 2 "--min: size 1000 is no multiple of the page size 4096$" --min=1000 $absent
bench 2 "--max: size 4097 is no multiple of the page size 4096$" --max=4097 $absent
bench 2 "--max: size 16777216T is more than this program can address$" --max=16777216T $absent
bench 2 "option '--max' needs a value$" $absent --max
bench 2 "--min is more than --max$" --min=8K --max=4K $absent
bench 2 "--min is more than --max$" --min=2G $absent
bench 2 "--page-size takes 4K, 2M or 1G, not '8K'$" --page-size=8K $absent
bench 2 "--page-size takes 4K, 2M or 1G, not ''$" --page-size= $absent
bench 2 "from --min to --max there is no whole number of such pages$" --page-size=1G --max=512M $absent
bench 2 "from --min to --max there is no whole number of such pages$" --page-size=2M --min=3M --max=3M $absent
for bad in 0 -1 1000001 x 1.5 ""; do
    bench 2 "--rounds: '$bad' is not a number from 1 to 1000000$" --rounds="$bad" $absent
done
for bad in 0 0.0001 -1 3601 x nan inf ""; do
    bench 2 "--time: '$bad' is not a number of seconds from 0.001 to 3600$" --time="$bad" $absent
done
bench 2 "--rounds and --time: one of them says how often$" --rounds=1 --time=1 $absent

is "$("$IOMMUCTL" --json dma bench $absent --min=1 2>/dev/null)" \
    '{"schema_version":1,"error":{"code":"EINVAL","status":2,"message":"--min: size 1 is no multiple of the page size 4096","address":null}}' \
    "under --json the error is a document"
done_testing
