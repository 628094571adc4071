# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: smp-6.12 intel-6.1
# timeout: 180
#
# A bind that is killed at any moment leaves what another process needs to give everything back.
. "$LAB_DIR/lib.sh"

one=0000:00:06.0
other=0000:00:07.0
state() {
    local address
    for address in $one $other; do
        echo "$(driver $address) $(cat /sys/bus/pci/devices/$address/driver_override)"
    done
}
modprobe vfio-pci 2>/dev/null
before=$(state)
err=$(mktemp)
between=0
wrong=0
for ms in 05 10 15 20 30 40 50 60 70 80 90 11 13 16 25 35 45 55 65 75 85 95; do
    iommuctl bind $one $other >/dev/null 2>&1 &
    sleep "0.0$ms"
    kill -9 $! 2>/dev/null
    wait $! 2>/dev/null
    case "$(driver $one) $(driver $other)" in
    "e1000e e1000e" | "vfio-pci vfio-pci") ;;
    *) between=$((between + 1)) ;;
    esac
    if ! iommuctl restore --all 2>"$err" >/dev/null || [ "$(state)" != "$before" ]; then
        wrong=$((wrong + 1))
        note "killed after 0.0$ms s: $(state | paste -sd' ')" "$(cat "$err")"
        to_native $one $other
    fi
done
is $wrong 0 "22 binds were killed, and restore brought both devices back each time"
note "$between of them were caught half done"
is "$(ls -A /run/iommuctl/devices)" "" "no note is left"

# as if killed between two writes: every half-way state by hand
iommuctl bind $one $other >/dev/null
notes=$(mktemp -d)
cp /run/iommuctl/devices/* "$notes"
half() { # TEXT
    cp "$notes"/* /run/iommuctl/devices/
    iommuctl restore --all >/dev/null 2>"$err"
    is "$(state)" "$before" "$1"
    sed 's/^/# /' "$err"
}
half "from both bound"
half "from nothing done"
echo vfio-pci >/sys/bus/pci/devices/$one/driver_override
half "from override set"
echo vfio-pci >/sys/bus/pci/devices/$one/driver_override
echo $one >/sys/bus/pci/drivers/e1000e/unbind
half "from unbound"
echo e1000e >/sys/bus/pci/devices/$one/driver_override
half "from a restore's last write missing"

cp "$notes"/* /run/iommuctl/devices/
sed -i 's/^boot=.*/boot=another/; s/^driver=.*/driver=nvme/' /run/iommuctl/devices/*
ok "notes of another boot are dropped" iommuctl restore --all
is "$(state)" "$before" "and nothing is done"
is "$(ls -A /run/iommuctl/devices)" "" "they are gone"
cp "$notes"/* /run/iommuctl/devices/
sed -i 's/^identity=.*/identity=pci:v0000DEAD/; s/^driver=.*/driver=nvme/' /run/iommuctl/devices/*
output=$(iommuctl restore --all 2>&1)
like "$output" "is another device than the one that was changed" "a card that was exchanged is known"
is "$(state)" "$before" "and left alone"
head -c 100000 /dev/urandom >/run/iommuctl/devices/$one
output=$(iommuctl restore --all 2>&1)
is $? 1 "a damaged note is a failure"
like "$output" "damaged" "that is named"
rm /run/iommuctl/devices/*
done_testing
