#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds and installs as a distribution does (prefix /usr, tests off, into a DESTDIR), and uses what is there.

usage: install.py CC CXX SOURCE VERSION"""

import os
import pathlib
import re
import shlex
import stat
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "man")]
import page as pages
from tap import Tap


def call(*argv, **options):
    return subprocess.run([str(word) for word in argv], text=True, capture_output=True, **options)


def failure(done):
    return f"ended with {done.returncode}: {done.stdout[-1500:]}{done.stderr[-1500:]}" if done.returncode else ""


def build(tap, source, folder, dest, libdir):
    environment = {k: v for k, v in os.environ.items() if k not in ("CFLAGS", "LDFLAGS", "MAKEFLAGS", "DESTDIR")}
    steps = (
        ("meson setup", ["meson", "setup", folder, source, "--prefix=/usr", f"--libdir={libdir}",
                         "--buildtype=plain", "-Dman=enabled", "-Dtests=disabled", "-Dlab=disabled"]),
        ("ninja", ["ninja", "-C", folder, "-j2"]),
        ("meson install", ["meson", "install", "-C", folder, "--no-rebuild", "--destdir", dest]),
    )
    for name, argv in steps:
        if not tap.check(f"{name}, as a distribution does it", failure(call(*argv, env=environment))):
            tap.end()


def expected(source, libdir, version):
    """Every path that an installation has, and no other."""
    paths = {
        "usr/bin/iommuctl",
        "usr/include/iommuctl.h",
        f"usr/{libdir}/libiommuctl.so",
        f"usr/{libdir}/libiommuctl.so.0",
        f"usr/{libdir}/libiommuctl.so.{version}",
        f"usr/{libdir}/pkgconfig/libiommuctl.pc",
        "usr/lib/sysusers.d/iommuctl.conf",
        "usr/lib/udev/rules.d/60-iommuctl.rules",
        "usr/share/bash-completion/completions/iommuctl",
        "usr/share/fish/vendor_completions.d/iommuctl.fish",
        "usr/share/zsh/site-functions/_iommuctl",
    }
    paths |= {f"usr/include/iommuctl/{h.name}" for h in (source / "lib/include/iommuctl").glob("*.h")}
    for page in pages.all_pages(source / "man").values():
        paths |= {f"usr/share/man/man{page.section}/{name}.{page.section}" for name in [page.name, *page.names()]}
    return paths


def check_files(tap, source, dest, libdir, version):
    found = [path for path in dest.rglob("*") if path.is_symlink() or not path.is_dir()]
    tap.equal("what is installed is where a distribution expects it, and nothing else is",
              [str(path.relative_to(dest)) for path in found], expected(source, libdir, version))
    tap.check("each link leads to a file beside it",
              [f"{p} -> {os.readlink(p)}" for p in found if p.is_symlink() and ("/" in os.readlink(p) or not p.is_file())])
    executable = re.compile(r"usr/bin/|\.so\.[0-9.]+$")
    tap.check("only programs and the library may be executed",
              [f"{oct(p.stat().st_mode)} {p}" for p in found if not p.is_symlink() and stat.S_IMODE(p.stat().st_mode)
               != (0o755 if executable.search(str(p.relative_to(dest))) else 0o644)])
    rules = (dest / "usr/lib/udev/rules.d/60-iommuctl.rules").read_text(encoding="utf-8")
    groups = (dest / "usr/lib/sysusers.d/iommuctl.conf").read_text(encoding="utf-8")
    tap.equal("the group that the udev rule names is made by sysusers",
              set(re.findall(r"^g (\S+)", groups, re.M)), set(re.findall(r'GROUP="(\w+)"', rules)))


def dynamic(path, tag):
    out = call("readelf", "-dW", path, check=True).stdout
    return set(re.findall(rf"\({tag}\).*\[(.*)\]", out))


def check_outside(tap, compilers, dest, libdir, folder, run_environment):
    """A program outside the tree, in C and in C++, by pkg-config alone."""
    environment = os.environ | {
        "PKG_CONFIG_LIBDIR": str(dest / "usr" / libdir / "pkgconfig"),
        "PKG_CONFIG_SYSROOT_DIR": str(dest),
        # a DESTDIR's /usr is not the system's
        "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS": "1",
        "PKG_CONFIG_ALLOW_SYSTEM_LIBS": "1",
    }
    pkg_config = call("pkg-config", "--cflags", "--libs", "libiommuctl", env=environment)
    tap.check("pkg-config knows the library", failure(pkg_config))
    roots = {
        "an empty machine": (folder / "empty", "0 groups, 0 devices\n"),
        "a folder without sysfs": (folder / "bare", None),
    }
    (folder / "empty/sys/kernel").mkdir(parents=True)
    (folder / "bare").mkdir()
    for language, compiler in compilers.items():
        program = folder / f"outside-{language.lower()}"
        done = call(*shlex.split(compiler), "-x", language.lower(), "-Wall", "-Wextra", "-Werror", HERE / "outside.c",
                    "-x", "none", *shlex.split(pkg_config.stdout), "-o", program)
        if not tap.check(f"a {language} program builds with what pkg-config says", failure(done)):
            continue
        tap.equal(f"the {language} program needs the library by its soname",
                  dynamic(program, "NEEDED") & {"libiommuctl.so.0", "libiommuctl.so"}, {"libiommuctl.so.0"})
        for what, (root, want) in roots.items():
            done = call(program, root, env=run_environment)
            good = done.stdout == want if want else done.stdout == f"-2: no sysfs in {root}/sys\n"
            tap.check(f"the {language} program reads {what}",
                      [] if good and done.returncode == 0 else f"{done.returncode}: {done.stdout}{done.stderr}")


def check_command(tap, command, environment, version):
    done = call(command, "--version", env=environment)
    tap.check("the installed command tells its version",
              [] if (done.returncode, done.stdout) == (0, f"iommuctl {version}\n") else f"{done.returncode}: {done.stdout!r}")
    done = call(command, "--help", env=environment)
    tap.check("the installed command tells its help",
              [] if done.returncode == 0 and done.stdout.startswith("usage: iommuctl ") else f"{done.returncode}: {done.stdout!r}")


def main():
    cc, cxx, source, version = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), sys.argv[4]
    multiarch = call(*shlex.split(cc), "-print-multiarch").stdout.strip()
    libdir = f"lib/{multiarch}" if multiarch else "lib64"
    tap = Tap()

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        dest = folder / "dest"
        build(tap, source, folder / "build", dest, libdir)
        library = dest / "usr" / libdir / f"libiommuctl.so.{version}"
        command = dest / "usr/bin/iommuctl"
        environment = os.environ | {"LD_LIBRARY_PATH": str(library.parent)}

        check_files(tap, source, dest, libdir, version)
        tap.check("nothing installed looks for libraries in the build folder",
                  [f"{p}: {paths}" for p in (library, command) if (paths := dynamic(p, "RUNPATH") | dynamic(p, "RPATH"))])
        # events come from libudev; all else would be one more thing that every driver needs
        tap.check("the library needs the C library, and libudev at most",
                  sorted(dynamic(library, "NEEDED") - {"libc.so.6", "libudev.so.1", "ld-linux-x86-64.so.2"}))
        check_outside(tap, {"C": cc, "C++": cxx}, dest, libdir, folder, environment)
        check_command(tap, command, environment, version)
    tap.end()


main()
