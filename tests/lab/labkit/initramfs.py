# SPDX-License-Identifier: LGPL-2.1-or-later
"""The initramfs: busybox, our init and the modules a kernel needs to reach its root file system."""

import gzip
import pathlib

from . import LabError, cache, kernels

S_IFREG, S_IFDIR = 0o100000, 0o040000


class Newc:
    """A cpio archive in the "newc" format (kernel: Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self):
        self.parts = []
        self.inode = 0

    def add(self, name, mode, data=b""):
        self.inode += 1
        fields = [self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        head = b"070701" + b"".join(b"%08X" % value for value in fields) + name.encode() + b"\0"
        self.parts += [head, bytes(-len(head) % 4), data, bytes(-len(data) % 4)]

    def folder(self, name):
        self.add(name, S_IFDIR | 0o755)

    def file(self, name, data, mode=0o644):
        self.add(name, S_IFREG | mode, data)

    def bytes(self):
        self.add("TRAILER!!!", 0)
        return b"".join(self.parts)


def module_order(modules, wanted):
    """Paths of `wanted` modules and what they depend on, in the order to load them; built-in ones need no file."""
    depends, by_name = {}, {}
    for line in (modules / "modules.dep").read_text(encoding="utf-8").splitlines():
        path, _, needs = line.partition(":")
        depends[path] = needs.split()
        by_name[pathlib.Path(path).name.split(".")[0].replace("-", "_")] = path
    built_in = {pathlib.Path(line).stem.replace("-", "_")
                for line in (modules / "modules.builtin").read_text(encoding="utf-8").splitlines()}
    order = []
    for name in wanted:
        if name not in by_name:
            if name in built_in:
                continue
            raise LabError(f"{modules} has no module {name}")
        # modules.dep lists a module's needs with the deepest last
        for path in [*reversed(depends[by_name[name]]), by_name[name]]:
            if path not in order:
                order.append(path)
    return order


def with_busybox(init):
    archive = Newc()
    archive.folder("bin")
    archive.file("bin/busybox", kernels.busybox().read_bytes(), 0o755)
    archive.file("init", init, 0o755)
    return archive


def smallest(init):
    """busybox and one init script: not compressed, for a machine that is emulated twice over."""
    return with_busybox(init).bytes()


def ensure(kernel, boot_modules, guest):
    """The initramfs for the kernel in folder `kernel`, made when any of its parts changed."""
    busybox = kernels.busybox()
    init, stage2 = (guest / "init").read_bytes(), (guest / "stage2").read_bytes()
    place = cache.root() / "initramfs" / cache.digest(kernel.name, boot_modules, busybox.read_bytes(), init, stage2)
    if place.exists():
        return place
    with cache.lock("initramfs"), cache.workspace("initramfs") as work:
        archive = with_busybox(init)
        archive.folder("modules")
        archive.file("stage2", stage2)
        order = module_order(kernel / "modules", boot_modules)
        names = [f"{index:02}-{pathlib.Path(path).name}" for index, path in enumerate(order)]
        for name, path in zip(names, order):
            archive.file(f"modules/{name}", (kernel / "modules" / path).read_bytes())
        archive.file("modules/order", "".join(f"{name}\n" for name in names).encode())
        (work / "image").write_bytes(gzip.compress(archive.bytes(), 1))
        cache.forget_old(place.parent, days=7)
        return cache.keep(work / "image", place)
