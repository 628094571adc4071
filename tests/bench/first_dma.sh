# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# In an emulated machine: from nothing to the first DMA, through the library and by hand: in time, in instructions (where
# the machine's clocks count these), and in system calls, with those that only one of the two makes.
set -euo pipefail
. "$LAB_DIR/lib.sh"

edu=0000:00:04.0
first_dma=$LAB_BUILD/tests/bench/first-dma

# calls BACKEND WHO: its system calls, a line each
calls() {
    strace -o trace "$first_dma" "$1" $edu "$2"
    sed '1,/^getppid/d; /^getppid/,$d' trace
}

# names: of the calls on stdin, with their counts
names() {
    sed -E 's/^ioctl\([0-9]+, ([^,]*), .*/ioctl \1/; s/\(.*//' | sort | uniq -c | sed 's/^ *//'
}

to_vfio $edu
for backend in type1 iommufd; do
    calls $backend ours >ours
    calls $backend raw >raw
    case $LAB_DEVICES in
    *counted*) change="s/ ms\t/ M instructions\t/g; s/@HOW@/instructions of user space and kernel/" ;;
    *) change="s/@HOW@/time in an emulated machine/" ;;
    esac
    "$first_dma" $backend $edu | sed "$change; s/@N@/$(wc -l <ours) and $(wc -l <raw)/"
    comm -3 <(names <ours | sort) <(names <raw | sort) | sed -E 's/^\t/# raw:  /; t; s/^/# ours: /'
done
