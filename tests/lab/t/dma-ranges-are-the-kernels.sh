# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-6.1 amd-6.12
#
# `iommuctl dma ranges` gives what the kernel gives: all the IOMMU translates without the reserved regions that sysfs
# names, page sizes, and how many mappings are left.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"
need python3

to_vfio $edu
for backend in $backends; do
    ok "$backend: JSON" iommuctl --json dma ranges --backend="$backend" $edu
    iommuctl --json dma ranges --backend="$backend" $edu >ranges.json
    is "$(python3 - ranges.json "/sys/kernel/iommu_groups/$(group $edu)/reserved_regions" <<'PY'
import json, sys
doc = json.load(open(sys.argv[1]))
print(" ".join(doc))
ranges = [(int(r["start"], 16), int(r["end"], 16)) for r in doc["ranges"]]
print("from 0" if ranges[0][0] == 0 else ranges[0])
print("rising" if all(a[1] + 1 < b[0] for a, b in zip(ranges, ranges[1:])) else ranges)
holes = [(a[1] + 1, b[0] - 1) for a, b in zip(ranges, ranges[1:])]
reserved = []
for line in open(sys.argv[2]):
    start, end, kind = line.split()
    if kind != "direct-relaxable" and int(start, 16) < ranges[-1][1]:
        reserved.append((int(start, 16), int(end, 16)))
print("holes are the reserved regions" if holes == sorted(reserved) else (holes, reserved))
PY
)" "schema_version address backend page_sizes ranges max_mappings available_mappings
from 0
rising
holes are the reserved regions" "$backend: keys, and ranges without what is reserved"
    like "$(cat ranges.json)" '"page_sizes":\["0x1000"' "$backend: pages of 4 KiB"
    if [ "$LAB_IOMMU" = intel ]; then
        like "$(cat ranges.json)" '"end":"0x(7f|3f)ffffffff"\}\]' "$backend: up to the 39 bits of this machine's IOMMU"
    fi
    case $backend in
    type1) like "$(cat ranges.json)" '"max_mappings":65535,"available_mappings":65535' "type1: the limit and what is left" ;;
    iommufd) like "$(cat ranges.json)" '"max_mappings":null,"available_mappings":null' "iommufd: no limit" ;;
    esac
    like "$(iommuctl dma ranges --backend="$backend" $edu)" "by $backend"$'\n'".*4 KiB.*0x0-0xfedfffff" "$backend: as text"
done
ok "the device is free again" free_again
to_native $edu
done_testing
