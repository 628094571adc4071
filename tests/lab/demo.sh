#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What ./run demo shows: the main job of iommuctl, in an emulated machine with Debian's own kernel. Every line after
# a `$` is a command that really runs, and what follows is its real output.

gpu=0000:00:08.0
edu=0000:00:04.0

# tell TEXT: what the next step is about
tell() {
    printf '\n# %s\n' "$1"
}

# step [STATUS] CMD…: shows and runs a command that ends with this status (0)
step() {
    local wanted=0 status=0
    if [[ $1 =~ ^[0-9]+$ ]]; then
        wanted=$1
        shift
    fi
    printf '$ %s\n' "$*"
    "$@" 2>&1 || status=$?
    if [ "$status" != "$wanted" ]; then
        printf '\nthe demonstration ends here: "%s" ended with status %d, not %d\n' "$*" "$status" "$wanted"
        exit 1
    fi
}

tell "Which IOMMU is this, and what can VFIO do with it?"
step iommuctl status

tell "Devices are passed on by group: all that the IOMMU cannot tell apart go together."
step iommuctl groups

tell "The graphics card is two functions of one slot, each with a native driver."
step iommuctl show $gpu

tell "Taking one without the other would leave the group unusable, so it is refused (exit status 3)."
step 3 iommuctl bind $gpu

tell "With --group both go. First: what would be written, and where?"
step iommuctl bind --group --dry-run $gpu

tell "Then for real, as one all-or-nothing step."
step iommuctl bind --group $gpu
step iommuctl groups $gpu

tell "A virtual machine could open /dev/vfio now. Give everything back as it was:"
step iommuctl restore --group $gpu
step iommuctl groups $gpu

tell "A driver in user space: which addresses may a device use for DMA?"
step iommuctl bind $edu
step iommuctl dma ranges $edu

tell "And real DMA, by a device, through buffers that libiommuctl mapped: examples/edu.c, about a page."
step edu $edu
step iommuctl restore $edu

exit 0

## On your own machine
##
## iommuctl is in the build folder; nothing has been installed and none of your devices was touched. Look first:
##
##     build/cli/iommuctl status
##     build/cli/iommuctl groups
##
## then see what a bind would do, do it, and give the device back:
##
##     build/cli/iommuctl bind --group --dry-run 01:00.0
##     sudo build/cli/iommuctl bind --group 01:00.0
##     sudo build/cli/iommuctl restore --group 01:00.0
##
## A prompt in an emulated machine, to try things without risk: ./run shell
