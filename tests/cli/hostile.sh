#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Whatever a captured tree holds, a terminal gets no orders from it, JSON is JSON, and nothing needs root.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/trees.sh"

hostile
for verb in groups devices status "show 0000:01:00.0" "show 0000:02:00.0" "groups group:3"; do
    # shellcheck disable=SC2086
    run --root="$tree" $verb
    if [ "$status" = 0 ] && ! LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f\x9b]' "$work/out" &&
        iconv -f UTF-8 -t UTF-8 "$work/out" >/dev/null 2>&1; then
        result 0 "$verb: nothing that a terminal obeys"
    else
        result 1 "$verb: nothing that a terminal obeys"
        cat -v "$work/out" | sed 's/^/# /'
    fi
    # shellcheck disable=SC2086
    run --json --root="$tree" $verb
    valid_json "$out"
    result $? "$verb: valid JSON in UTF-8"
done
run --root="$tree" show $'\e[31mnone'
same "errors are made fit for a terminal" "$(LC_ALL=C grep -c $'\e' <<<"$err")" 0
run --root="$tree" groups --json
has "what is valid in JSON stays as it is" "$out" '"driver":"evil\\u001b\[31m\\"\\\\driver"'
golden_json "what is not UTF-8 is replaced" hostile-groups.json --root="$tree" groups

# Files that the caller may not read, as someone who is not root.
closed_groups
intel_desktop
chmod 0 "$tree/sys/devices/pci0000:00/0000:02:00.0/uevent" \
    "$tree/sys/devices/pci0000:00/0000:00:1f.6/driver_override" \
    "$tree/sys/kernel/iommu_groups/8/reserved_regions"
if [ "$(id -u)" = 0 ]; then
    if command -v setpriv >/dev/null && setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$iommuctl"; then
        wrapper=$work/as-nobody
        printf '#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups "%s" "$@"\n' "$iommuctl" >"$wrapper"
        chmod 755 "$wrapper"
        iommuctl=$wrapper
    else
        skip "unreadable files" "no way to be another user than root here"
        finish
    fi
fi
golden_json "unreadable files are null" unreadable-groups.json --root="$tree" groups
run --root="$tree" groups
has "and unreadable in text" "$out" '0000:02:00\.0 .* unreadable$'
tree=$work/closed
same "a group whose devices cannot be read is listed, and not called viable" \
    "$("$iommuctl" --json --root="$tree" groups | python3 -c 'import json, sys
print([(g["id"], g["viable"], len(g["devices"])) for g in json.load(sys.stdin)["groups"]])')" \
    "[(3, None, 0), (4, None, 0), (5, True, 0)]"
run --root="$tree" groups
has "it is unreadable in text" "$out" '^ *3 +unreadable$'
has "an empty one has no devices" "$out" '^ *5 +\(no devices\)$'
fails "nor is it called empty" 5 'devices of group 3 cannot be read: Permission denied' --root="$tree" show group:3
fails "nor where a file stands for them" 4 'devices of group 4 cannot be read' --root="$tree" groups group:4
fails "an empty one is" 4 'group 5 holds no devices' --root="$tree" groups group:5
run --root="$tree" show 01:00.0
has "its device is still in it" "$out" 'group +3, viability unreadable$'
has "with others perhaps" "$out" 'with +others unreadable$'
chmod 755 "$tree/sys/kernel/iommu_groups/3/devices" 2>/dev/null # so that it can be removed
expected="0 "
[ -d /sys/bus ] || expected="1 iommuctl: no sysfs in /sys" # a bare root folder to build in
for verb in groups devices status; do
    run $verb
    same "$verb of the machine itself without root" "$status $err" "$expected"
done
finish
