# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kernels for the machines: Debian's own, unpacked, and Debian's source, built with our fragment.

A finished kernel is a folder of the cache: `vmlinux` (unpacked: emulated, a compressed kernel takes 3 s longer to
start; QEMU starts an ELF kernel that was built with CONFIG_PVH), `modules/` (what belongs at /lib/modules/VERSION) and
`release`. Its name ends in a hash of what it was made from, so that a changed configuration makes another one.
"""

import lzma
import os
import pathlib
import re
import shutil
import struct
import subprocess

from . import LabError, cache, packages, process
from .progress import Progress

# Raised when the steps below change what they leave behind.
RECIPE = 1


def entry_hash(lane, spec, here):
    config = (here / spec["config"]).read_bytes() if "config" in spec else b""
    made_from = {key: value for key, value in spec.items() if key not in ("needs_mb", "build_steps", "boot_modules")}
    return cache.digest(lane, made_from, config, RECIPE)


def cached(lane, spec, here):
    """The folder of a finished kernel, or None. Needs no network."""
    return cache.newest(f"kernels/{lane}_*_{entry_hash(lane, spec, here)}")


def ensure(lane, spec, here):
    """The folder of a finished kernel, fetched and built if need be."""
    found = cached(lane, spec, here)
    if found:
        return found
    with cache.lock(f"kernel-{lane}"):
        found = cached(lane, spec, here)  # made while we waited
        if found:
            return found
        cache.need_space(spec["needs_mb"], f"the kernel {lane}")
        package, version = source_package(spec)
        place = cache.root() / "kernels" / f"{lane}_{version}_{entry_hash(lane, spec, here)}"
        with cache.workspace(f"kernel-{lane}") as work:
            made = MAKERS[spec["kind"]](lane, spec, here, package, work)
            return cache.keep(made, place)


def source_package(spec):
    """The package to start from; a source that was fetched before serves a changed configuration offline."""
    if spec["kind"] == "source":
        have = cache.newest(f"packages/{spec['package']}_*.deb")
        if have:
            return have, have.name.split("_")[1]
    return packages.fetch(spec["package"], spec["suites"], follow=spec["kind"] == "debian-image")


def headers(lane, spec):
    """A folder with linux/vfio.h and linux/iommufd.h as this kernel has them, for programs to be held against."""
    if spec["kind"] != "source":
        raise LabError(f"{lane} is not built from source: its headers are not fetched")
    package, version = source_package(spec)
    place = cache.root() / f"headers/{lane}_{version}"
    with cache.lock(f"headers-{lane}"):
        if place.exists():
            return place
        with cache.workspace(f"headers-{lane}") as work, Progress(f"unpacking the headers of {lane}"):
            unpack(package, work / "deb", ["./usr/src"])
            tarball = next((work / "deb/usr/src").glob("*.tar.*"))
            names = [f"{tarball.name.partition('.tar')[0]}/include/uapi/linux/{name}.h" for name in ("vfio", "iommufd")]
            (work / "made/linux").mkdir(parents=True)
            check(process.run(["tar", "xf", tarball, "-C", work / "made/linux", "--strip-components=4", *names]),
                  "unpack the headers of", lane)
            return cache.keep(work / "made", place)


def from_debian_image(lane, spec, _here, package, work):
    with Progress(f"unpacking the kernel {lane}"):
        exclude = [f"--exclude=./lib/modules/*/kernel/{path}" for path in spec["leave_out"]]
        unpack(package, work / "root", [*exclude, "./boot", "./lib"])
        modules = next((work / "root/lib/modules").iterdir())
        result = process.run(["depmod", "-b", work / "root", modules.name])
        if result.returncode:
            raise LabError(f"depmod failed for {lane}: {cache.full() or last_line(result.stderr)}")
    made = work / "made"
    made.mkdir()
    image = next((work / "root/boot").glob("vmlinuz-*")).read_bytes()
    (made / "vmlinux").write_bytes(unpacked(image))
    os.rename(modules, made / "modules")
    (made / "release").write_text(modules.name, encoding="utf-8")
    package.unlink()  # nothing else is ever made from it
    return made


def unpacked(image):
    """The ELF file inside an x86 bzImage (kernel: Documentation/arch/x86/boot.rst; setup_sects, payload_offset and
    payload_length), for the one compression Debian uses."""
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = ((image[0x1f1] or 4) + 1) * 512 + offset
    if image[start:start + 6] != b"\xfd7zXZ\0":
        raise LabError("the kernel image is not compressed with xz")
    return lzma.LZMADecompressor().decompress(image[start:start + length])


def from_source(lane, spec, here, package, work):
    with Progress(f"unpacking the source of {lane}"):
        unpack(package, work / "deb", ["./usr/src"])
        tarball = next((work / "deb/usr/src").glob("*.tar.*"))
        check(process.run(["tar", "xf", tarball, "-C", work, "--exclude=*/Documentation/*/*"]), "unpack", lane)
        tarball.unlink()
    tree = next(path for path in work.iterdir() if path.name.startswith("linux-"))
    fragment = work / "fragment"
    fragment.write_text("\n".join([(here / spec["config"]).read_text(encoding="utf-8"), *spec.get("also", []), ""]),
                        encoding="utf-8")
    configure(lane, tree, fragment)
    build(lane, tree, spec["build_steps"])

    made = work / "made"
    made.mkdir()
    release = (tree / "include/config/kernel.release").read_text(encoding="utf-8").strip()
    check(process.run(["make", "-s", "-C", tree, f"INSTALL_MOD_PATH={work / 'mods'}", "modules_install"]),
          "install the modules of", lane)
    os.rename(work / "mods/lib/modules" / release, made / "modules")
    for link in ("build", "source"):  # into the tree, which goes away
        (made / "modules" / link).unlink(missing_ok=True)
    check(process.run(["strip", "-o", made / "vmlinux", tree / "vmlinux"]), "strip", lane)
    os.rename(tree / ".config", made / "config")
    (made / "release").write_text(release, encoding="utf-8")
    return made


def configure(lane, tree, fragment):
    check(process.run(["make", "-s", "tinyconfig"], cwd=tree), "configure", lane)
    merge = str(tree / "scripts/kconfig/merge_config.sh")
    check(process.run([merge, "-m", ".config", str(fragment)], cwd=tree), "configure", lane)
    check(process.run(["make", "-s", "olddefconfig"], cwd=tree), "configure", lane)
    have = (tree / ".config").read_text(encoding="utf-8").splitlines()
    wanted = re.findall(r"^CONFIG_\w+=[ym]$", fragment.read_text(encoding="utf-8"), re.M)
    lost = [option for option in wanted if option not in have]
    if lost:
        raise LabError(f"the configuration asks for what {lane} does not take: {', '.join(lost)}")


def build(lane, tree, steps):
    """make, with its output kept for the end of a failure and its lines counted for the progress."""
    log = tree / "build.log"
    with Progress(f"building the kernel {lane}") as progress, open(log, "w", encoding="utf-8") as sink:
        jobs = len(os.sched_getaffinity(0))
        # a fixed user, host and date: the same input gives the same image
        fixed = ["KBUILD_BUILD_USER=lab", "KBUILD_BUILD_HOST=lab", "KBUILD_BUILD_TIMESTAMP=Thu Jan 1 00:00:00 UTC 1970"]
        with process.running(["make", f"-j{jobs}", *fixed, "vmlinux", "modules"], cwd=tree, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace") as child:
            for count, line in enumerate(child.stdout, 1):
                sink.write(line)
                progress.at(count, steps)
            failed = child.wait()
        progress.failed = failed != 0
    if not failed:
        return
    errors = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if "rror" in line]
    raise LabError(f"the kernel {lane} does not build: {cache.full() or (errors or ['no reason given'])[0]}")


def unpack(package, into, members):
    """Unpacks parts of a .deb as an ordinary user (dpkg-deb writes a tar archive, tar picks from it)."""
    into.mkdir()
    if not shutil.which("dpkg-deb"):
        raise LabError("dpkg-deb is missing: the kernels are Debian packages")
    source = process.start(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    sink = process.start(["tar", "x", "--no-same-owner", "-C", into, *members], stdin=source.stdout,
                         stderr=subprocess.PIPE, text=True)
    source.stdout.close()
    said = sink.communicate()[1]
    if sink.returncode or source.wait():
        raise LabError(f"cannot unpack {package.name}: {cache.full() or last_line(said)}")


def check(result, doing, lane):
    if result.returncode:
        reason = cache.full() or last_line(result.stderr) or last_line(result.stdout)
        raise LabError(f"cannot {doing} the kernel {lane}: {reason}")


def last_line(text):
    return text.strip().splitlines()[-1] if text.strip() else ""


MAKERS = {"debian-image": from_debian_image, "source": from_source}


def busybox():
    """A statically linked busybox: the system's if it is one, else from the package, not installed (that would
    take the place of a busybox that is linked another way)."""
    for path in ("/bin/busybox", "/usr/bin/busybox"):
        if pathlib.Path(path).exists() and is_static(path):
            return pathlib.Path(path)
    found = cache.newest("busybox_*")
    if found:
        return found
    with cache.lock("busybox"):
        package, version = packages.fetch("busybox-static", ["bookworm", "bookworm-security"])
        with cache.workspace("busybox") as work:
            unpack(package, work / "root", ["./bin/busybox"])
            package.unlink()
            return cache.keep(work / "root/bin/busybox", cache.root() / f"busybox_{version}")


def is_static(path):
    """No interpreter among the ELF program headers (PT_INTERP, ELF specification, chapter 5)."""
    data = pathlib.Path(path).read_bytes()
    if data[:5] != b"\x7fELF\x02":
        return False
    start, size, count = (int.from_bytes(data[at:at + width], "little") for at, width in ((32, 8), (54, 2), (56, 2)))
    return all(int.from_bytes(data[start + i * size:start + i * size + 4], "little") != 3 for i in range(count))
