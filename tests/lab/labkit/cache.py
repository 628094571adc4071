# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cache of downloads and builds.

An entry is a file or folder whose name holds its version and a hash of all that went into it. It is made under a
temporary name beside its place and renamed when it is whole, so what is found is complete; a lock for each entry
makes a second run wait for the first instead of doing the work twice.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import sys
import time

from . import LabError


def root():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "iommuctl"


def digest(*parts):
    """12 hex digits for any mix of bytes, strings and plain data."""
    total = hashlib.sha256()
    for part in parts:
        if not isinstance(part, bytes):
            part = json.dumps(part, sort_keys=True).encode()
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()[:12]


def newest(pattern):
    """The newest finished entry that matches, or None. Asks nobody but the disk."""
    found = sorted(root().glob(pattern), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else None


def free_mb(path):
    while not path.exists():
        path = path.parent
    info = os.statvfs(path)
    return info.f_bavail * info.f_frsize >> 20


def need_space(megabytes, what):
    free = free_mb(root())
    if free < megabytes:
        raise LabError(f"{what} needs {megabytes} MB in {root()}, {free} MB are free")


def full():
    """A reason when a tool failed and the disk is full: most tools do not say so in their last line."""
    return f"no space left in {root()}" if free_mb(root()) < 2 else None


@contextlib.contextmanager
def lock(name):
    """Holds the entry's lock; the kernel drops it if this process dies in any way."""
    with no_space_is_clear():
        (root() / "locks").mkdir(parents=True, exist_ok=True)
        handle = open(root() / "locks" / name, "w", encoding="utf-8")
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another run that is making {name} …", file=sys.stderr)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def workspace(name):
    """A temporary folder for making entry `name`, gone afterwards. The caller holds the entry's lock, so any
    older one was left by a run that was killed."""
    base = root() / "tmp"
    with no_space_is_clear():
        base.mkdir(parents=True, exist_ok=True)
        for left in base.glob(f"{name}.*"):
            shutil.rmtree(left, ignore_errors=True)
        path = base / f"{name}.{os.getpid()}"
        path.mkdir()
    try:
        with no_space_is_clear():
            yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def keep(made, place):
    """Renames a whole file or folder into its place."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        shutil.rmtree(place)
    os.rename(made, place)
    os.utime(place)
    return place


def forget_old(folder, days):
    """Removes files that were made long ago; a running machine has read its own."""
    for path in folder.glob("*"):
        if time.time() - path.stat().st_mtime > days * 86400:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def no_space_is_clear():
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        raise LabError(f"cannot write to the cache {root()}: {error.strerror}") from error
