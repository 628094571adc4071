# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-6.1 amd-6.12
# timeout: 300
#
# What cannot be mapped is refused in one line with the number needed and the number there, before the device is
# opened where that can be known, and nothing is left behind.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"

# refused STATUS REGEX TEXT CMD…: ends with STATUS and says just one line, which matches
refused() {
    local wanted=$1 regex=$2 text=$3 output status=0
    shift 3
    output=$("$@" 2>&1 </dev/null) || status=$?
    if [ "$status" = "$wanted" ] && [[ $output =~ $regex ]] && [ "$(wc -l <<<"$output")" = 1 ]; then
        pass "$text"
    else
        fail "$text"
        note "status $status, wanted $wanted and $regex:" "$output"
    fi
}

map=(timeout 20 iommuctl dma map --until-eof)
no_ipc_lock=(setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock)
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all)

# before it is bound
refused 1 "$edu .*iommuctl bind $edu" "an unbound device: the line names the command that binds it" \
    "${map[@]}" $edu --buffer a:4K
refused 1 "$edu .*iommuctl bind $edu" "for dma ranges too" iommuctl dma ranges $edu
refused 4 "0000:00:1e.7" "a device that is not there" "${map[@]}" 0000:00:1e.7 --buffer a:4K
refused 2 "0000:00:08.0, 0000:00:08.1" "a selector of two devices: both are named" \
    "${map[@]}" "group:$(group 0000:00:08.0)" --buffer a:4K

to_vfio $edu
for backend in $backends; do
    # locked memory
    refused 1 "need 1024 KiB of locked memory and 64 KiB may be" "$backend: too little locked memory" \
        prlimit --memlock=65536 "${no_ipc_lock[@]}" "${map[@]}" --backend="$backend" $edu --buffer a:512K --buffer b:512K
    ok "$backend: enough of it is enough" \
        prlimit --memlock=1048576 "${no_ipc_lock[@]}" "${map[@]}" --backend="$backend" $edu --buffer a:512K --buffer b:512K
    ok "$backend: with CAP_IPC_LOCK the limit does not count" \
        prlimit --memlock=65536 "${map[@]}" --backend="$backend" $edu --buffer a:1M

    # huge pages
    echo 2 >/proc/sys/vm/nr_hugepages
    refused 1 "need 3 hugepages of 2048 KiB and 2 are free" "$backend: too few huge pages" \
        "${map[@]}" --backend="$backend" $edu --buffer a:4M,hugepage=2M --buffer b:2M,hugepage=2M
    start_map --json --backend="$backend" $edu --buffer a:4M,hugepage=2M
    like "$(cat map.out)" '"size":4194304,"page_size":2097152' "$backend: with enough of them they are used"
    is "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)" 0 "$backend: both are taken"
    kill $held
    ended 0 "$backend: it ends well"
    is "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)" 2 "$backend: both are given back"
    refused 1 "need 1 hugepages of 1048576 KiB and 0 are free" "$backend: none of 1 GiB" \
        "${map[@]}" --backend="$backend" $edu --buffer a:1G,hugepage=1G
    echo 16 >/proc/sys/vm/nr_hugepages

    # addresses
    refused 1 "0xfee00000-0xfeefffff \(msi\)" "$backend: the interrupt window is named" \
        "${map[@]}" --backend="$backend" $edu --buffer a:4K,iova=0xfee00000
    refused 1 "0xfee00000-0xfeefffff" "$backend: also where a buffer only reaches into it" \
        "${map[@]}" --backend="$backend" $edu --buffer a:2M,iova=0xfed00000
    case $LAB_IOMMU in
    intel)
        refused 1 "0x8000000000-0x8000000fff is beyond 0x7fffffffff, .* dmar0" "$backend: beyond the IOMMU's 39 bits" \
            "${map[@]}" --backend="$backend" $edu --buffer a:4K,iova=0x8000000000
        ;;
    amd)
        refused 1 "0xfd00000000-0xffffffffff \(reserved\)" "$backend: where AMD keeps HyperTransport's addresses" \
            "${map[@]}" --backend="$backend" $edu --buffer a:4K,iova=0xfd00000000
        ;;
    esac
    refused 2 "buffer b at iova 0x1000-0x1fff overlaps buffer a at 0x0-0x1fff" "$backend: two fixed IOVAs that overlap" \
        "${map[@]}" --backend="$backend" $edu --buffer a:8K,iova=0 --buffer b:4K,iova=0x1000
    ok "$backend: an automatic IOVA makes way for a fixed one" \
        "${map[@]}" --backend="$backend" $edu --buffer auto:2M --buffer fixed:4K,iova=0 --buffer more:4K,iova=0x200000
    refused 1 "need [0-9]+ KiB of memory and [0-9]+ KiB are available" "$backend: more than the machine's memory" \
        "${map[@]}" --backend="$backend" $edu --buffer a:64G
    ok "$backend: the device is free again" free_again
done

# who may
refused 5 "($(vfio_node)|$(vfio_cdev)) .*user 0 .*mode 0600" "a user without the node: owner and mode are named" \
    "${nobody[@]}" "$(command -v iommuctl)" dma map $edu --buffer a:4K
start_map $edu --buffer a:4K
refused 1 "(in use|busy|held).*process $held|process $held.*(in use|busy|held)|$(vfio_cdev).*process $held|$(vfio_node).*process $held" \
    "a device that another process has open: which" "${map[@]}" $edu --buffer a:4K
kill $held
ended 0 "which did not notice"
ok "the device is free again" free_again
to_native $edu
done_testing
