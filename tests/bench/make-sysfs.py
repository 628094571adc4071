#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Make up a sysfs of many PCI functions, shaped as the kernel's own: real directories below
sys/devices/pci*/…, links everywhere else."""
import argparse
import os

# Class, vendor, device, subsystem vendor and device, driver: what a large host is made of. Bridges take
# no part in the choice below; one function in eight is given to vfio-pci.
KINDS = [
    (0x020000, 0x8086, 0x1889, 0x8086, 0x0000, "iavf"),
    (0x020000, 0x15b3, 0x101e, 0x15b3, 0x0058, "mlx5_core"),
    (0x010802, 0x144d, 0xa80a, 0x144d, 0xa813, "nvme"),
    (0x010802, 0x8086, 0x0a54, 0x1028, 0x1fe1, "nvme"),
    (0x030200, 0x10de, 0x20b5, 0x10de, 0x1533, "nvidia"),
    (0x088000, 0x8086, 0x0b25, 0x8086, 0x0000, "idxd"),
    (0x020000, 0x14e4, 0x16d7, 0x14e4, 0x4140, "bnxt_en"),
    (0x0c0330, 0x1b73, 0x1100, 0x1b73, 0x1100, "xhci_hcd"),
    (0x068000, 0x8086, 0x09a2, 0x8086, 0x0000, None),
    (0x088000, 0x8086, 0x3258, 0x8086, 0x0000, None),
]
BRIDGE = (0x060400, 0x8086, 0x352a, 0x0000, 0x0000, "pcieport")


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def link(target, path):
    os.symlink(os.path.relpath(target, os.path.dirname(path)), path)


def config_space(kind, bridge):
    """64 bytes of configuration space, for tools that read it."""
    cls, vendor, device, sv, sd, _ = kind
    c = bytearray(64)
    c[0:4] = vendor.to_bytes(2, "little") + device.to_bytes(2, "little")
    c[8:12] = bytes([0x01]) + cls.to_bytes(3, "little")
    c[14] = 1 if bridge else 0
    if not bridge:
        c[44:48] = sv.to_bytes(2, "little") + sd.to_bytes(2, "little")
    return bytes(c)


def make_function(root, directory, name, kind, node):
    cls, vendor, device, sv, sd, driver = kind
    os.makedirs(directory)
    lines = []
    if driver:
        lines.append(f"DRIVER={driver}")
        drivers = f"{root}/sys/bus/pci/drivers/{driver}"
        os.makedirs(drivers, exist_ok=True)
        link(drivers, f"{directory}/driver")
    modalias = (f"pci:v{vendor:08X}d{device:08X}sv{sv:08X}sd{sd:08X}"
                f"bc{cls >> 16:02X}sc{cls >> 8 & 255:02X}i{cls & 255:02X}")
    lines += [f"PCI_CLASS={cls:04X}", f"PCI_ID={vendor:04X}:{device:04X}",
              f"PCI_SUBSYS_ID={sv:04X}:{sd:04X}", f"PCI_SLOT_NAME={name}", f"MODALIAS={modalias}"]
    write(f"{directory}/uevent", "\n".join(lines) + "\n")
    write(f"{directory}/modalias", modalias + "\n")
    write(f"{directory}/vendor", f"0x{vendor:04x}\n")
    write(f"{directory}/device", f"0x{device:04x}\n")
    write(f"{directory}/subsystem_vendor", f"0x{sv:04x}\n")
    write(f"{directory}/subsystem_device", f"0x{sd:04x}\n")
    write(f"{directory}/class", f"0x{cls:06x}\n")
    write(f"{directory}/revision", "0x01\n")
    write(f"{directory}/driver_override", "vfio-pci\n" if driver == "vfio-pci" else "(null)\n")
    write(f"{directory}/numa_node", f"{node}\n")
    write(f"{directory}/irq", "0\n")
    write(f"{directory}/resource", "0x0000000000000000 0x0000000000000000 0x0000000000000000\n" * 13)
    with open(f"{directory}/config", "wb") as f:
        f.write(config_space(kind, cls == BRIDGE[0]))
    link(f"{root}/sys/bus/pci", f"{directory}/subsystem")
    link(directory, f"{root}/sys/bus/pci/devices/{name}")
    if driver == "vfio-pci":
        index = make_function.n_vfio = make_function.n_vfio + 1
        os.makedirs(f"{directory}/vfio-dev/vfio{index}")
        write(f"{directory}/vfio-dev/vfio{index}/dev", f"511:{index}\n")


make_function.n_vfio = -1


def join_group(root, directory, name, group, unit):
    path = f"{root}/sys/kernel/iommu_groups/{group}"
    if not os.path.isdir(path):
        os.makedirs(f"{path}/devices")
        write(f"{path}/type", "DMA-FQ\n")
        write(f"{path}/reserved_regions", "0x00000000fee00000 0x00000000feefffff msi\n")
    link(directory, f"{path}/devices/{name}")
    link(path, f"{directory}/iommu_group")
    link(f"{root}/sys/devices/virtual/iommu/{unit}", f"{directory}/iommu")
    if os.path.exists(f"{directory}/vfio-dev"):
        os.makedirs(f"{root}/sys/class/vfio/{group}", exist_ok=True)


def count(text):
    n = int(text)
    if n < 1:
        raise argparse.ArgumentTypeError(f"{n} is less than 1")
    return n


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dir", help="what to make it in; its sys must not be there yet")
    parser.add_argument("functions", nargs="?", type=count, default=4096, help="default 4096")
    parser.add_argument("groups", nargs="?", type=count, help="default 2371 of 4096 functions")
    return parser.parse_args()


def main():
    args = arguments()
    root = os.path.abspath(args.dir)
    n_functions = args.functions
    n_groups = args.groups or max(n_functions * 2371 // 4096, 1)
    per_domain = 2000
    os.makedirs(f"{root}/sys/bus/pci/devices")
    os.makedirs(f"{root}/sys/class/iommu")
    for u in range(8):
        os.makedirs(f"{root}/sys/devices/virtual/iommu/dmar{u}/devices")
        link(f"{root}/sys/devices/virtual/iommu/dmar{u}", f"{root}/sys/class/iommu/dmar{u}")
    for i in range(n_functions):
        domain, rest = divmod(i, per_domain)
        domain = 0x10000 + domain if domain else 0
        bus, rest = divmod(rest, 64)
        name = f"{domain:04x}:{bus:02x}:{rest // 8:02x}.{rest % 8}"
        if rest == 0:
            directory = bridge = f"{root}/sys/devices/pci{domain:04x}:00/{name}"
            kind = BRIDGE
        else:
            directory = f"{bridge}/{name}"
            kind = KINDS[(i * 7 + bus) % len(KINDS)]
            if i % 8 == 3:
                kind = kind[:5] + ("vfio-pci",)
        make_function(root, directory, name, kind, domain & 1)
        # The first groups hold one function, the last ones the rest, two or three to a group.
        group = i if i < n_groups else (i * 5) % n_groups
        join_group(root, directory, name, group, f"dmar{bus % 8}")


main()
