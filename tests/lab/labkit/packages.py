# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fetches single Debian 12 packages without installing them.

apt runs with state of its own in the cache (its own list of sources, its own lists), so that the user's apt is
neither changed nor asked for more than where its mirror is; no root is needed. Every package is verified by apt
against Debian's keyring.
"""

import os
import pathlib
import re
import shutil
import subprocess
import time

from . import LabError, cache, process
from .progress import Progress

KEYRING = pathlib.Path("/usr/share/keyrings/debian-archive-keyring.gpg")
RELEASE = "bookworm"


def mirrors():
    """Archive addresses the user's own apt knows, as (main, security) pairs worth trying."""
    if os.environ.get("LAB_DEBIAN_MIRROR"):
        uri = os.environ["LAB_DEBIAN_MIRROR"].rstrip("/")
        return [(uri, uri + "-security")]
    asked = process.run(["apt-get", "update", "--print-uris"])
    seen = dict.fromkeys(re.findall(r"^'(\S+?)/dists/(\S+?)/(?:In)?Release'", asked.stdout, re.M))
    main, security = [], []
    for uri, suite in seen:
        (security if "security" in suite else main).append(uri)
    # A third party's repository rarely comes first and never has the suite: a few tries are enough.
    main = list(dict.fromkeys(main))[:4]
    return [(uri, (security or [uri + "-security"])[0]) for uri in main]


class Apt:
    """apt-get and apt-cache with private state."""

    have_read = set()  # suites in the lists

    def __init__(self):
        if not shutil.which("apt-get"):
            raise LabError("the kernels are Debian packages and there is no apt-get here to fetch them")
        if not KEYRING.exists():
            raise LabError(f"no {KEYRING}: install debian-archive-keyring, so that the packages can be verified")
        self.base = cache.root() / "apt"
        for folder in ("lists/partial", "archives/partial"):
            (self.base / folder).mkdir(parents=True, exist_ok=True)
        (self.base / "status").touch()
        self.options = []
        for key, value in {
            "Dir::State::lists": self.base / "lists",
            "Dir::State::status": self.base / "status",
            "Dir::Cache": self.base,
            "Dir::Cache::archives": self.base / "archives",
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "Dir::Etc::sourcelist": self.base / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::Etc::preferences": "-",
            "Dir::Etc::preferencesparts": "-",
            "Dir::Log": self.base,
            "APT::Architecture": "amd64",
            "APT::Architectures": "amd64",
            "APT::Sandbox::User": "",
            "APT::Update::Post-Invoke": "",
            "APT::Update::Post-Invoke-Success": "",
            "APT::Get::List-Cleanup": "false",
            "Acquire::Languages": "none",
            "Acquire::Retries": "2",
            "Acquire::http::Timeout": "30",
            "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        }.items():
            self.options += ["-o", f"{key}={value}"]

    def run(self, tool, *args, cwd=None):
        return process.run([tool, "-q", *self.options, *args], cwd=cwd)

    def update(self, suites):
        """Reads the package lists of `suites`, leaving out a suite the mirror does not have; once a run."""
        if set(suites) <= Apt.have_read:
            return
        Apt.have_read = set(suites)
        tried, said = [], ""
        with Progress("reading Debian's package lists"):
            for main, security in mirrors():
                wanted = {suite: security if "security" in suite else main for suite in suites}
                result = self._read_lists(wanted)
                if result.returncode == 0:
                    return
                tried.append(main)
                said = said or first_error(result.stderr)
                if re.search(r"resolv|connect|timed out|No space", result.stderr):
                    continue  # no other suite would do better
                have = {suite: uri for suite, uri in wanted.items()
                        if len(wanted) > 1 and self._read_lists({suite: uri}).returncode == 0}
                if have and self._read_lists(have).returncode == 0:
                    return
            Apt.have_read = set()
            if not tried:
                raise LabError("apt knows no mirror: set LAB_DEBIAN_MIRROR to a Debian archive's address")
            raise LabError(f"cannot read Debian's package lists from {', '.join(tried)}: {cache.full() or said} "
                           "(LAB_DEBIAN_MIRROR may name another mirror)")

    def _read_lists(self, suites):
        (self.base / "sources.list").write_text("".join(
            f"deb [signed-by={KEYRING}] {uri} {suite} main\n" for suite, uri in suites.items()), encoding="utf-8")
        return self.run("apt-get", "update", "--error-on=any")

    def show(self, package):
        """The fields of the newest version, as a dict."""
        result = self.run("apt-cache", "show", "--no-all-versions", package)
        fields = dict(re.findall(r"^([A-Za-z0-9-]+): (.*)$", result.stdout, re.M))
        if "Version" not in fields:
            raise LabError(f"Debian's package lists have no {package}")
        return fields

    def download(self, package, version, size, folder):
        with Progress(f"downloading {package} {version} ({size >> 20} MB)") as progress:
            with process.running(["apt-get", "-q", *self.options, "download", f"{package}={version}"], cwd=folder,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as child:
                while child.poll() is None:
                    progress.at(sum(path.stat().st_size for path in folder.glob("*.deb")), size)
                    time.sleep(0.1)
                said = child.stderr.read()
            progress.failed = child.returncode != 0
        found = list(folder.glob("*.deb"))
        if child.returncode or len(found) != 1:
            raise LabError(f"cannot download {package} {version}: {cache.full() or first_error(said)}")
        return found[0]


def first_error(text):
    """apt's own reason, on one line."""
    lines = [line for line in text.splitlines() if line.startswith(("E:", "W:"))]
    return lines[0][2:].strip() if lines else "apt-get gave no reason"


def fetch(package, suites, follow=False):
    """(path, version) of `package` in the cache, downloaded if it is not there. With `follow`, the package is a
    metapackage and the versioned package it depends on is meant."""
    with cache.lock("packages"), cache.no_space_is_clear():
        apt = Apt()
        apt.update(suites)
        fields = apt.show(package)
        if follow:
            package = re.search(r"linux-image-\d[^ ,]*", fields["Depends"]).group()
            fields = apt.show(package)
        version, size = fields["Version"], int(fields["Size"])
        place = cache.root() / "packages" / f"{package}_{version}_{fields['SHA256'][:12]}.deb"
        if not place.exists():
            cache.need_space((size >> 20) + 1, f"the package {package}")
            with cache.workspace("package") as folder:
                cache.keep(apt.download(package, version, size, folder), place)
        return place, version
