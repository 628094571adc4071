#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs in the man pages build without a warning against the library, and run: on a device that no machine
has they end in one line that says so.

usage: examples.py CC SOURCE LIBRARY FLAGS"""

import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import page as pages
from tap import Tap

WARNINGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wstrict-prototypes", "-Wshadow"]
NO_DEVICE = "ffff:ff:1f.7"
NO_GROUP = "99999"


def build(cc, source, library, flags, text, program):
    code = program.with_suffix(".c")
    code.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [*shlex.split(cc), *WARNINGS, *shlex.split(flags), "-I", source / "lib/include", code, "-o", program,
         library, f"-Wl,-rpath,{library.parent}"],
        text=True, capture_output=True)
    return done.stderr if done.returncode else ""


def run(program, argument):
    """What is wrong with its end: it may find no device, and then it says so in one line."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LISTEN_", "IOMMUCTL_"))}
    done = subprocess.run([program, argument], text=True, capture_output=True, timeout=60, env=environment)
    if done.returncode not in (0, 1):
        return f"ended with {done.returncode}: {done.stderr}"
    if done.returncode == 1 and len(done.stderr.splitlines()) != 1:
        return f"failed without one line that says why: {done.stderr!r}"
    return ""


def main():
    cc, source, library, flags = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), sys.argv[4]
    tap = Tap()

    with tempfile.TemporaryDirectory() as folder:
        for key, page in pages.all_pages(source / "man").items():
            if page.section != "3":
                continue
            programs = page.programs()
            tap.check(f"{key} has a program", [] if programs else "none")
            for i, text in enumerate(programs):
                program = pathlib.Path(folder, f"{page.name}-{i}")
                if tap.check(f"{key}: its program builds", build(cc, source, library, flags, text, program)):
                    argument = NO_GROUP if page.name == "iommuctl_group" else NO_DEVICE
                    tap.check(f"{key}: its program runs", run(program, argument))
    tap.end()


main()
