# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boots a machine, runs jobs in it one after another and brings back their output, status and files."""

import contextlib
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

from . import LabError, initramfs, inner, kernels, machine as machines, process

# A boot and the power-off take about 3 s on an idle 2-core machine; this allows for a very busy one.
BOOT_SECONDS = 120
POLL_SECONDS = 0.02


class Job:
    """What a machine runs: `text` is a script with its #! line. `status` is None until it ended by itself."""

    def __init__(self, text, limit):
        self.text = text
        self.limit = limit
        self.status = None
        self.started = False


class Boot:
    """One run of a machine. `folder` becomes the writable share: logs, job scripts, results (`files/`)."""

    def __init__(self, catalogue, machine, folder, environment):
        self.catalogue = catalogue
        self.machine = machine
        self.folder = pathlib.Path(folder)
        self.environment = environment
        self.why_ended = None

    @property
    def console(self):
        return self.folder / "console.log"

    def _prepare(self, **settings):
        spec = self.catalogue.kernels[self.machine.kernel]
        kernel = kernels.cached(self.machine.kernel, spec, machines.HERE)
        if not kernel:
            raise LabError(f"the kernel {self.machine.kernel} is not in the cache: "
                           f"tests/lab/lab kernel {self.machine.kernel} makes it")
        boot_modules = spec.get("boot_modules", [])
        image = initramfs.ensure(kernel, boot_modules, machines.HERE / "guest")
        (self.folder / "files").mkdir(parents=True, exist_ok=True)
        settings = {"machine": self.machine.name, "iommu": self.machine.iommu, "modules": kernel / "modules",
                    # a kernel with its drivers built in has nothing to load
                    "coldplug": "1" if boot_modules else "",
                    "programs": f"{self.environment.get('LAB_BUILD', '')} {machines.HERE}", **settings}
        write(self.folder / "boot.env", assignments(settings))
        write(self.folder / "env", "".join(f"export {line}\n" for line in assignments({
            "LAB_MACHINE": self.machine.name, "LAB_IOMMU": self.machine.iommu, "LAB_KERNEL": self.machine.kernel,
            "LAB_VMLINUX": kernel / "vmlinux", "LAB_DEVICES": " ".join(self.machine.devices), "LAB_DIR": machines.HERE,
            "LAB_INNER_QEMU": inner.find(self.catalogue.data["inner-qemu"]) or "",
            "LAB_OUT": "/run/lab/job/files", "HOME": "/root", "LC_ALL": "C.UTF-8",
            **self.environment}).splitlines()))
        return kernel, image

    @contextlib.contextmanager
    def _scratch(self):
        """Disk images and the like: never in the share, where the guest could see its own disk as a file."""
        with tempfile.TemporaryDirectory(prefix="iommuctl-lab.") as folder:
            for name, size in self.catalogue.scratch_files(self.machine).items():
                with open(pathlib.Path(folder) / name, "wb") as image:
                    image.truncate(size)
            yield pathlib.Path(folder)

    def run(self, jobs, on_output):
        """Runs `jobs`; on_output(index, stream, data) gets each piece of "out" and "err" as it comes, and
        (index, "end", b"") after a job's last. Sets why_ended where the machine did not get through them all."""
        kernel, image = self._prepare()
        for index, job in enumerate(jobs):
            place = self.folder / "jobs" / str(index)
            place.mkdir(parents=True)
            write(place / "run", job.text)
            (place / "run").chmod(0o755)
            write(place / "limit", str(job.limit))
            for name in ("out", "err"):
                write(place / name, "")
        with self._scratch() as scratch:
            argv = self.catalogue.qemu(self.machine, kernel, image, self.folder, scratch)
            qemu = start_qemu(argv, self.folder, stdin=subprocess.DEVNULL)
            try:
                self._follow(qemu, jobs, on_output)
            finally:
                stop(qemu)

    def _follow(self, qemu, jobs, on_output):
        begin = time.monotonic()
        deadline = begin + BOOT_SECONDS
        for index, job in enumerate(jobs):
            tail = Tail(self.folder / "jobs" / str(index))
            status = tail.folder / "status"
            deadline += job.limit + 5  # for the guest to end the job itself
            while True:
                gone = qemu.poll() is not None  # asked first: what it wrote before its end is there by now
                ended = status.exists()
                tail.forward(lambda stream, data, index=index: on_output(index, stream, data))
                job.started = job.started or tail.seen
                if ended:
                    job.status = int(status.read_text(encoding="utf-8"))
                    on_output(index, "end", b"")
                    break
                if gone:
                    self.why_ended = self._why_gone(qemu.returncode)
                    return
                if time.monotonic() > deadline:
                    self.why_ended = f"no answer within the time limit, stopped after {deadline - begin:.0f} s"
                    return
                time.sleep(POLL_SECONDS)
        with contextlib.suppress(subprocess.TimeoutExpired):
            qemu.wait(timeout=10)
            return
        self.why_ended = "did not power off"

    def _why_gone(self, status):
        if status:
            return (last_lines(self.folder / "qemu.log", 1) or [f"QEMU ended with status {status}"])[0]
        panics = [line for line in last_lines(self.console, 1000)
                  if "Kernel panic" in line or line.startswith("lab: ")]
        return f"the machine went down: {panics[0]}" if panics else "the machine went down"

    def shell(self, script):
        """An interactive shell on this terminal; returns its exit status."""
        size = shutil.get_terminal_size()
        kernel, image = self._prepare(rows=size.lines, cols=size.columns)
        write(self.folder / "shell", script)
        (self.folder / "shell").chmod(0o755)
        with self._scratch() as scratch:
            argv = self.catalogue.qemu(self.machine, kernel, image, self.folder, scratch)
            # signal=off: ^C is the guest's; mux: ^A x ends the machine whatever it does
            argv += ["-chardev", "stdio,id=terminal,signal=off,mux=on", "-serial", "chardev:terminal"]
            qemu = start_qemu(argv, self.folder)
            try:
                qemu.wait()
            finally:
                stop(qemu)
        status = self.folder / "status"
        return int(status.read_text(encoding="utf-8")) if status.exists() else 1


class Tail:
    """Follows the two output files of a job."""

    def __init__(self, folder):
        self.folder = folder
        self.at = {"out": 0, "err": 0}
        self.seen = False

    def forward(self, give):
        for stream, at in self.at.items():
            with open(self.folder / stream, "rb") as source:
                source.seek(at)
                data = source.read()
            if data:
                self.at[stream] = at + len(data)
                self.seen = True
                give(stream, data)


def start_qemu(argv, folder, **options):
    if not shutil.which(argv[0]):
        raise LabError(f"{argv[0]} is missing: ./run installs what the lab needs")
    with open(folder / "qemu.log", "wb") as log:
        return process.start(argv, stderr=log, **options)


def stop(qemu):
    if qemu.poll() is None:
        qemu.kill()
    qemu.wait()


def write(path, text):
    path.write_text(text, encoding="utf-8")


def assignments(values):
    return "".join(f"{key}={shlex.quote(str(value))}\n" for key, value in values.items())


def last_lines(path, count):
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").replace("\r", "").splitlines()
    except OSError:
        return []
    return lines[-count:]


def host_path(build):
    """PATH in the machine: what was just built stands first."""
    here = f"{build}/cli:{build}/examples:" if build else ""
    return here + "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def forward_to_terminal(_index, stream, data):
    target = {"out": sys.stdout, "err": sys.stderr}.get(stream)
    if target:
        target.buffer.write(data)
        target.flush()
