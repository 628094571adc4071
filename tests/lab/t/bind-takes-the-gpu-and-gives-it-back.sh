# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-7.2 intel-6.1 amd-6.12
# timeout: 180
#
# The GPU's group goes to vfio-pci as one, and both functions come back to the drivers they had. Without --group the
# other function is named; binding twice changes nothing; what is planned is not done.
. "$LAB_DIR/lib.sh"
need jq

gpu=0000:00:08.0
sound=0000:00:08.1
number=$(group $gpu)

# everything a bind may change
state() {
    local dir
    for dir in /sys/bus/pci/devices/*; do
        echo "${dir##*/} $(driver "${dir##*/}") $(cat "$dir/driver_override")"
    done
    find /dev/vfio /run/iommuctl -type f -o -type c 2>/dev/null | grep -v -e lock -e vfio/vfio | sort
}
loaded() { ls -d /sys/bus/pci/drivers/vfio-pci 2>/dev/null; }

# as after a boot, where vfio-pci is a module
modprobe -qr vfio-pci
before=$(state)
module_before=$(loaded)

output=$(iommuctl bind $gpu 2>&1)
is $? 3 "half a group is refused"
like "$output" "group $number would not be viable: $sound is bound to snd_hda_intel" "the blocker and its driver are named"
is "$(state)" "$before" "a refusal changes nothing"
json=$(iommuctl --json bind $gpu 2>/dev/null)
is "$(jq -r '[.applied, .error.status, .hazards[0].address, .hazards[0].hazard, .hazards[0].allowed] | @csv' <<<"$json")" \
    "false,3,\"$sound\",\"group-not-viable\",false" "the refusal is one document, with the hazard and the error"

json=$(iommuctl --json bind --group --dry-run $gpu)
is $? 0 "a dry run of the whole group goes through"
is "$(jq '.writes | length' <<<"$json")" 6 "it tells of three writes a function"
is "$(jq -r '.writes[0] | .path + " " + .value' <<<"$json")" \
    "/sys/bus/pci/devices/$gpu/driver_override vfio-pci" "the first is driver_override"
is "$(state)" "$before" "a dry run changes nothing"
is "$(loaded)" "$module_before" "a dry run loads no module"
if [ "$LAB_KERNEL" = debian-6.1 ]; then
    is "$(jq -c .modules <<<"$json")" '["vfio-pci"]' "it says that vfio-pci would be loaded"
else
    is "$(jq -c .modules <<<"$json")" '[]' "there is no module to load"
fi

json=$(iommuctl --json bind --group $gpu)
is $? 0 "the whole group is bound"
is "$(driver $gpu) $(driver $sound)" "vfio-pci vfio-pci" "both functions are with vfio-pci"
is "$(jq -r '.changes[] | [.address, .from, .to, .changed, .vfio_node] | @csv' <<<"$json")" \
    "\"$gpu\",\"bochs-drm\",\"vfio-pci\",true,\"/dev/vfio/$number\"
\"$sound\",\"snd_hda_intel\",\"vfio-pci\",true,\"/dev/vfio/$number\"" "the document tells of both"
ok "the group's node is there" test -c "/dev/vfio/$number"
cdev=$(jq -r '.changes[0].vfio_cdev' <<<"$json")
if [ "$LAB_KERNEL" = debian-6.1 ]; then
    is "$cdev" null "a kernel without device cdevs has none to tell of"
else
    ok "the function's own node is there" test -c "$cdev"
fi
ok "the DRM card is gone" test ! -e /dev/dri/card0

bound=$(state)
json=$(iommuctl --json bind --group $gpu)
is $? 0 "binding again is done at once"
is "$(jq -c '[.changes[].changed]' <<<"$json")" "[false,false]" "and changes nothing"
is "$(state)" "$bound" "the machine is as it was"
is "$(iommuctl --json bind "group:$number" $gpu $gpu | jq '.changes | length')" 2 "a device named thrice counts once"

output=$(iommuctl restore --group $gpu)
is $? 0 "restore gives back"
is "$(driver $gpu) $(driver $sound)" "bochs-drm snd_hda_intel" "the native drivers are back"
is "$(state)" "$before" "everything is as it was before"
ok "the DRM card is back" test -e /dev/dri/card0
output=$(iommuctl restore $gpu 2>&1)
is $? 0 "restoring what was not changed is done at once"
like "$output" "not changed by iommuctl" "and says so"

iommuctl unbind --group $gpu >/dev/null
is "$(driver $gpu) $(driver $sound)" "none none" "unbind leaves both without a driver"
iommuctl bind --group $gpu >/dev/null
iommuctl restore --all >/dev/null
is "$(state)" "$before" "restore --all goes back to the first state, over two changes"

iommuctl unbind $sound >/dev/null
echo vfio-pci >/sys/bus/pci/devices/$sound/driver_override
rm -f /run/iommuctl/devices/*
iommuctl bind --group $gpu >/dev/null
iommuctl restore --all >/dev/null
is "$(driver $sound) $(cat /sys/bus/pci/devices/$sound/driver_override)" "none vfio-pci" \
    "a function that had no driver and an override has them again"
echo >/sys/bus/pci/devices/$sound/driver_override
echo $sound >/sys/bus/pci/drivers_probe
is "$(state)" "$before" "and by hand it is with its driver again"

fails 1 "a driver that does not exist is a failure" iommuctl bind --driver=nosuch 0000:00:04.0
fails 4 "a device that does not exist is none" iommuctl bind 0000:00:11.0
fails 2 "a hazard that does not exist is a mistake" iommuctl bind --allow=nosuch $gpu
fails 2 "a captured tree is not changed" iommuctl --root=/ bind $gpu
fails 1 "a driver that does not take a device is a failure" iommuctl bind --driver=virtio-pci 0000:00:04.0
is "$(state)" "$before" "all of these left the machine as it was"
done_testing
