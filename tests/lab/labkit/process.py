# SPDX-License-Identifier: LGPL-2.1-or-later
"""Child processes that do not outlive us, however we end."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess

from . import LabError

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def environment():
    """Plain words from every tool, the folders where depmod and others live for users other than root, and nothing
    a calling make may have set."""
    kept = {key: value for key, value in os.environ.items()
            if key not in ("ARCH", "CROSS_COMPILE", "MAKEFLAGS", "MAKELEVEL") and not key.startswith("KBUILD_")}
    return {**kept, "LC_ALL": "C.UTF-8", "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}


def start(argv, **options):
    if not shutil.which(argv[0], path=environment()["PATH"]):
        raise LabError(f"{argv[0]} is missing: ./run installs what the lab needs")
    options.setdefault("env", environment())
    return subprocess.Popen(argv, preexec_fn=_die_with_parent, **options)


@contextlib.contextmanager
def running(argv, **options):
    """A child in a process group of its own, all of which ends with the block (make's children would go on)."""
    child = start(argv, start_new_session=True, **options)
    try:
        yield child
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def run(argv, **options):
    """Runs to the end; returns subprocess.CompletedProcess with stdout and stderr as text."""
    child = start(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, **options)
    out, err = child.communicate()
    return subprocess.CompletedProcess(argv, child.returncode, out, err)
