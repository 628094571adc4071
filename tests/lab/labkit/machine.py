# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines as data: machines.toml, and QEMU's command line for one of them."""

import dataclasses
import os
import pathlib
import tomllib

from . import LabError

HERE = pathlib.Path(__file__).resolve().parent.parent


@dataclasses.dataclass
class Machine:
    name: str
    iommu: str
    kernel: str
    devices: list
    memory_mb: int
    cpus: int
    hugepages_2m: int
    append: str


class Catalogue:
    def __init__(self, path=HERE / "machines.toml"):
        with open(path, "rb") as source:
            self.data = tomllib.load(source)
        self.kernels = self.data["kernels"]

    def names(self):
        return list(self.data["machines"])

    def machine(self, name, **changes):
        """The named machine, with the fields in `changes` that are not None put in place of its own."""
        self._known("machines", name)
        fields = {**self.data["defaults"], **self.data["machines"][name],
                  **{key: value for key, value in changes.items() if value is not None}}
        self._known("iommus", fields["iommu"])
        self._known("kernels", fields["kernel"])
        for device in fields["devices"]:
            self._known("devices", device)
        return Machine(name=name, **fields)

    def kernel_name(self, short):
        """`6.1` and `6.12` stand for the one kernel whose name ends so."""
        found = [name for name in self.kernels if short in (name, name.partition("-")[2])]
        if len(found) != 1:
            raise LabError(f"no kernel '{short}': there are {', '.join(self.kernels)}")
        return found[0]

    def _known(self, table, name):
        if name not in self.data[table]:
            raise LabError(f"no '{name}' among the lab's {table}: there are {', '.join(self.data[table])}")

    def scratch_files(self, machine):
        """Name and size in bytes of each file the machine's devices want."""
        return {name: megabytes << 20
                for device in machine.devices
                for name, megabytes in self.data["devices"][device].get("files", {}).items()}

    def qemu(self, machine, kernel, initramfs, job, scratch):
        """QEMU's command line. Slots 2 and 3 are the lab's own; the device sets in machines.toml use the others."""
        iommu = self.data["iommus"][machine.iommu]
        append = [
            "console=ttyS0", "loglevel=7", "panic=-1", "oops=panic",
            # On a busy host an emulated timer may be late by seconds: no reason to panic or to call it a lockup.
            "tsc=reliable", "no_timer_check", "nowatchdog",
            # Emulation keeps what it translated by the address it ran at: programs that lie where they lay the last
            # time start in half the time. Mitigations cost what they cost and have nothing to guard here.
            "norandmaps", "mitigations=off",
            iommu["append"],
        ]
        if machine.hugepages_2m:
            append += ["default_hugepagesz=2M", f"hugepages={machine.hugepages_2m}"]
        append.append(machine.append)
        argv = [
            os.environ.get("LAB_QEMU", "qemu-system-x86_64"), "-name", machine.name,
            # Always emulation: a host's /dev/kvm is absent or incomplete on most build machines.
            "-accel", "tcg", "-M", "q35,kernel-irqchip=split,vmport=off", "-cpu", "max",
            "-smp", str(machine.cpus), "-m", str(machine.memory_mb),
            "-nodefaults", "-no-user-config", "-display", "none", "-vga", "none", "-no-reboot",
            "-serial", f"file:{job / 'console.log'}",
            "-kernel", str(kernel / "vmlinux"), "-initrd", str(initramfs), "-append", " ".join(filter(None, append)),
        ]
        for device in iommu["device"]:
            argv += ["-device", device]
        share = "local,security_model=none,multidevs=remap"
        argv += [
            "-fsdev", f"{share},id=host,path=/,readonly=on",
            "-device", "virtio-9p-pci,fsdev=host,mount_tag=host,addr=2.0",
            "-fsdev", f"{share},id=job,path={job}",
            "-device", "virtio-9p-pci,fsdev=job,mount_tag=job,addr=3.0",
        ]
        for device in machine.devices:
            argv += [option.replace("{scratch}", str(scratch)).replace("{files}", str(job / "files"))
                     for option in self.data["devices"][device]["args"]]
        return argv
