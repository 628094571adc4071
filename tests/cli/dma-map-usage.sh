#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What `iommuctl dma map` and `dma ranges` say to calls that cannot work on any machine: one line, and status 2; and
# to buffers that this machine or process has no room for: one line with both numbers, and status 1. No device is
# needed: none of it gets so far.
. "${0%/*}/../lab/lib.sh"

. "${0%/*}/says.sh"
# spec STATUS REGEX SPEC…
spec() {
    local wanted=$1 regex=$2 specs=() lines_wanted=1
    shift 2
    while [ $# -gt 0 ]; do
        specs+=(--buffer "$1")
        shift
    done
    says "$wanted" "$regex" dma map $absent "${specs[@]}"
}
cd "$(mktemp -d)" || exit
trap 'rm -rf "$PWD"' EXIT

# well formed: only the device is missing
for good in a:4096 a:0x1000 a:4K a:4k A.b_c-9:8K,access=r a:4K,access=w a:4K,access=rw,iova=0x1000 a:4K,iova=0 \
    a:4K,iova=0xfffffffffffff000 a:4K,iova=4G "$(printf 'n%.0s' {1..64}):4K"; do
    spec $none "$nowhere" "$good"
done
spec $none "$nowhere" a:4K,iova=0x1000 b:4K,iova=0x2000 c:4K

# names
spec 2 "^iommuctl: buffer 'a' has no size: NAME:SIZE is wanted$" a
spec 2 "^iommuctl: buffer ':4K' has no name" :4K
spec 2 "^iommuctl: buffer '' has no size" ""
spec 2 "^iommuctl: buffer name 'a b' may only hold letters, digits" "a b:4K"
spec 2 "^iommuctl: buffer name 'a/b' may only hold" a/b:4K
spec 2 "^iommuctl: buffer name 'ä' may only hold" ä:4K
spec 2 "^iommuctl: buffer name 'n+' has 65 characters; 64 are allowed$" "$(printf 'n%.0s' {1..65}):4K"
spec 2 "^iommuctl: two buffers have the name a$" a:4K b:4K a:8K

# sizes
for bad in a: a:K a:x a:-1 a:+4K a:4Q a:4KB a:4K4 "a: 4K" a:0x a:4.5K a:b:4K; do
    spec 2 "^iommuctl: buffer a: '.*' is not a size: digits or 0x" "$bad"
done
spec 2 "^iommuctl: buffer a: size 0 holds nothing$" a:0
spec 2 "^iommuctl: buffer a: size 0K holds nothing$" a:0K
spec 2 "^iommuctl: buffer a: size 1 is no multiple of its page size 4096; use 4096$" a:1
spec 2 "^iommuctl: buffer a: size 5000 is no multiple of its page size 4096; use 8192$" a:5000
spec 2 "^iommuctl: buffer a: size 4096 is no multiple of its page size 2097152; use 2097152$" a:4K,hugepage=2M
spec 2 "^iommuctl: buffer a: size 3145728 is no multiple of its page size 2097152; use 4194304$" a:3M,hugepage=2M
spec 2 "^iommuctl: buffer a: size 2097152 is no multiple of its page size 1073741824; use 1073741824$" a:2M,hugepage=1G
spec 2 "^iommuctl: buffer a: size 18446744073709551616 does not fit into 64 bits$" a:18446744073709551616
spec 2 "^iommuctl: buffer a: size 0x10000000000000000 does not fit into 64 bits$" a:0x10000000000000000
spec 2 "^iommuctl: buffer a: size 16777216T does not fit into 64 bits$" a:16777216T
spec 2 "^iommuctl: buffer a: size 18446744073709551615 is no multiple of its page size 4096$" a:18446744073709551615
spec 2 "^iommuctl: the sizes of the buffers together pass 2\^64$" a:8388608T b:8388608T

# the rest of the words
spec 2 "^iommuctl: buffer a: hugepage takes 2M or 1G, not '4M'$" a:4K,hugepage=4M
spec 2 "^iommuctl: buffer a: hugepage needs a value$" a:4K,hugepage
spec 2 "^iommuctl: buffer a: iova needs a value$" a:4K,iova=
spec 2 "^iommuctl: buffer a: iova takes an address \(0x…\), not 'here'$" a:4K,iova=here
spec 2 "^iommuctl: buffer a: iova 0x1ffffffffffffffff does not fit into 64 bits$" a:4K,iova=0x1ffffffffffffffff
spec 2 "^iommuctl: buffer a: iova 0x1001 is no multiple of its page size 4096; 0x1000 is$" a:4K,iova=0x1001
spec 2 "^iommuctl: buffer a: iova 0x201000 is no multiple of its page size 2097152; 0x200000 is$" a:2M,hugepage=2M,iova=0x201000
spec 2 "^iommuctl: buffer a: iova 0xfffffffffffff000 and size 8192 pass 2\^64$" a:8K,iova=0xfffffffffffff000
spec 2 "^iommuctl: buffer a: access takes r, w or rw, not 'x'$" a:4K,access=x
spec 2 "^iommuctl: buffer a: access takes r, w or rw, not 'wr'$" a:4K,access=wr
spec 2 "^iommuctl: buffer a: access is given twice$" a:4K,access=r,access=r
spec 2 "^iommuctl: buffer a: 'colour' is none of hugepage, iova and access$" a:4K,colour=red
spec 2 "^iommuctl: buffer a: '' is none of" a:4K,
spec 2 "^iommuctl: buffer b at iova 0x1000-0x1fff overlaps buffer a at 0x0-0x1fff$" a:8K,iova=0 b:4K,iova=0x1000
spec 2 "^iommuctl: buffer c at iova 0x0-0x2fff overlaps buffer a at 0x1000-0x1fff$" a:4K,iova=4K b:4K c:12K,iova=0

# the call as a whole
says 2 "^iommuctl: which device\?$" dma map --buffer a:4K
says 2 "^iommuctl: no --buffer is given$" dma map $absent
says 2 "^iommuctl: 'true' is one too many: a program to run stands behind '--'$" dma map $absent true --buffer a:4K
says 2 "^iommuctl: 'true' is one too many" dma map $absent true --buffer a:4K -- true
says 2 "^iommuctl: which program" dma map $absent --buffer a:4K --
says 2 "^iommuctl: --until-eof does not go with a program" dma map $absent --buffer a:4K --until-eof -- true
says 2 "^iommuctl: --backend takes auto, iommufd or type1, not 'vfio'$" dma map $absent --buffer a:4K --backend=vfio
says 2 "^iommuctl: option '--buffer' needs a value$" dma map $absent --buffer
says 2 "^iommuctl: 'dma map' works on the machine itself" --root=/ dma map $absent --buffer a:4K
says $none "$nowhere" dma map $absent --buffer a:4K -- true
says 2 "^iommuctl: which device\?$" dma ranges
says 2 "^iommuctl: one SELECTOR is wanted$" dma ranges $absent $absent
says 2 "^iommuctl: --backend takes" dma ranges --backend=type3 $absent
says $none "$nowhere" dma ranges $absent

# an error is a document too
is "$("$IOMMUCTL" --json dma map $absent --buffer a:1 2>/dev/null)" \
    '{"schema_version":1,"error":{"code":"EINVAL","status":2,"message":"buffer a: size 1 is no multiple of its page size 4096; use 4096","address":null}}' \
    "under --json the error is a document"

# what this process and this machine have: asked before the device is looked for
limited=(prlimit --memlock=65536)
[ "$(id -u)" != 0 ] || limited+=(setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock)
output=$("${limited[@]}" "$IOMMUCTL" dma map $absent --buffer a:64K --buffer b:4K 2>&1)
is "$?" 1 "too little locked memory fails"
like "$output" "^iommuctl: the buffers need 68 KiB of locked memory and 64 KiB may be locked \(RLIMIT_MEMLOCK is 64 KiB, 0 KiB are in use, no CAP_IPC_LOCK\)" \
    "and says how much is needed and how much there is"
output=$("${limited[@]}" "$IOMMUCTL" dma map $absent --buffer a:64K 2>&1)
is "$?" "$none" "just enough is enough"
spec 1 "^iommuctl: the buffers need 524289 hugepages of 2048 KiB and [0-9]+ are free: raise /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages by [0-9]+$" \
    a:1T,hugepage=2M b:2M,hugepage=2M
done_testing
