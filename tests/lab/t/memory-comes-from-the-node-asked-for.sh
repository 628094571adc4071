# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: nodes-6.12
#
# Two NUMA nodes, a device on the second, hugepages on the first alone: where buffers' pages come from, and that a node
# with too few is told before anything is allocated.
. "$LAB_DIR/lib.sh"

limits=$LAB_BUILD/tests/lab/lab-limits
edu=$(devices 1234:11e8)
is "$(cat "/sys/bus/pci/devices/$edu/numa_node")" 1 "the device is on node 1"
echo 0 >/proc/sys/vm/nr_hugepages
echo 8 >/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages
is "$(cat /sys/devices/system/node/node[01]/hugepages/hugepages-2048kB/free_hugepages | paste -sd' ')" "8 0" \
    "all hugepages are on node 0"
to_vfio "$edu"
for backend in type1 iommufd; do
    run_tap "$limits" nodes $backend "$edu"
done

# nodes_of PID: the pages of its memfds by node, as "N1=16384"
nodes_of() {
    grep 'file=/memfd:' "/proc/$1/numa_maps" | grep -oE 'N[01]=[0-9]+' | paste -sd' '
}
: >map.out
iommuctl dma map "$edu" --buffer large:64M >map.out &
held=$!
wait_for 20 test -s map.out
is "$(nodes_of $held)" "N1=16384" "dma map takes a large buffer from the device's node"
kill $held
wait $held
to_native "$edu"
done_testing
