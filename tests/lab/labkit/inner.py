# SPDX-License-Identifier: LGPL-2.1-or-later
"""A QEMU for machines inside machines: one that takes VFIO devices by descriptor.

Debian 12 has 7.2, which does not; its backports have a newer one, which is fetched and unpacked, not installed. It runs
with the libraries and firmware of the installed one. Where the installed one is new enough, that is it.
"""

import re
import shutil

from . import LabError, cache, kernels, packages, process
from .progress import Progress


def version(program):
    """(major, minor), or None where it does not run: a library is missing, for one."""
    try:
        said = process.run([program, "--version"])
    except OSError:
        return None
    found = re.search(r"version (\d+)\.(\d+)", said.stdout)
    return found and tuple(map(int, found.groups()))


def entry(spec):
    return cache.digest(spec)


def find(spec):
    """The program, or None. Needs no network."""
    installed = shutil.which("qemu-system-x86_64")
    if installed and (version(installed) or (0, 0)) >= tuple(spec["at_least"]):
        return installed
    return cache.newest(f"qemu/*_{entry(spec)}/qemu-system-x86_64")


def ensure(spec):
    found = find(spec)
    if found:
        return found
    with cache.lock("inner-qemu"):
        found = find(spec)  # made while we waited
        if found:
            return found
        cache.need_space(spec["needs_mb"], "the QEMU for inner machines")
        package, release = packages.fetch(spec["package"], spec["suites"])
        with cache.workspace("inner-qemu") as work:
            with Progress("unpacking the QEMU for inner machines"):
                kernels.unpack(package, work / "root", ["./usr/bin/qemu-system-x86_64"])
            made = work / "made"
            made.mkdir()
            program = made / "qemu-system-x86_64"
            shutil.move(work / "root/usr/bin/qemu-system-x86_64", program)
            have = version(program)
            if not have:
                raise LabError("the QEMU for inner machines does not run: "
                               + (process.run([program, "--version"]).stderr.strip().splitlines() or ["no word why"])[-1])
            if have < tuple(spec["at_least"]):
                raise LabError(f"the QEMU in {', '.join(spec['suites'])} is {have[0]}.{have[1]}, "
                               f"{spec['at_least'][0]}.{spec['at_least'][1]} is needed")
            package.unlink()  # nothing else is ever made from it
            return cache.keep(made, cache.root() / "qemu" / f"{release}_{entry(spec)}") / program.name
