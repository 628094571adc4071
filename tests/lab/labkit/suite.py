# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab tests: which script belongs on which machine, and all scripts of a machine in as few boots as it takes."""

import os
import re
import shlex
import shutil
import tempfile

from . import LabError, runner, tap
from .machine import HERE

DEFAULT_LIMIT = 240


def header(script, key):
    """The value of a `# key: value` line at the top of a test script, or ""."""
    found = re.search(rf"^# {key}: *(.*)$", script.read_text(encoding="utf-8"), re.M)
    return found[1].strip() if found else ""


def scripts():
    return sorted((HERE / "t").glob("*.sh"))


def scripts_for(machine):
    return [script for script in scripts() if machine in header(script, "machine").split()]


def machines_with_tests(catalogue):
    """Every machine a script names; a name that is no machine is an error and not a test that never runs."""
    wanted = {}
    for script in scripts():
        names = header(script, "machine").split()
        if not names:
            raise LabError(f"{script.name} has no `# machine:` line")
        for name in names:
            catalogue.machine(name)
            wanted[name] = True
    return [name for name in catalogue.names() if name in wanted]


def job_for(script):
    text = (f"#!/bin/sh\n. /run/lab/job/env\nexport LAB_TEST={script.stem}\n"
            f"mkdir -p /tmp/lab.{script.stem} && cd /tmp/lab.{script.stem} || exit\n"
            f"exec bash {shlex.quote(str(script))}\n")
    return runner.Job(text, int(header(script, "timeout") or DEFAULT_LIMIT))


def run(catalogue, options, environment):
    merged = tap.Merged(no_skips=os.environ.get("CI") == "true")
    chosen = [script for script in scripts_for(options.machine)
              if not options.scripts or script.stem in options.scripts]
    missing = set(options.scripts) - {script.stem for script in chosen}
    if missing or not chosen:
        raise LabError(f"no test {', '.join(sorted(missing))} for {options.machine}")
    try:
        run_in_boots(catalogue, options, environment, merged, chosen)
    except LabError as error:
        # no QEMU, no kernel: nothing ran, and the reader is told why
        for script in chosen:
            merged.test(True, f"{options.machine}: {script.stem}", skip=str(error))
    merged.end()
    return 1 if merged.failed else 0


def run_in_boots(catalogue, options, environment, merged, left):
    """A script that takes the machine down fails; those after it run in a fresh boot."""
    boots = 0
    while left:
        with tempfile.TemporaryDirectory(prefix="iommuctl-lab-out.") as folder:
            boot = runner.Boot(catalogue, catalogue.machine(options.machine), folder, environment)
            left = run_in_one_boot(boot, merged, left)
            kernel_complaints(boot, merged)
            if options.out:
                shutil.copytree(folder, options.out / f"{options.machine}.{boots}", dirs_exist_ok=True)
        boots += 1


def run_in_one_boot(boot, merged, left):
    """Returns the scripts that still have to run."""
    jobs = [job_for(script) for script in left]
    readers = [tap.Script(f"{boot.machine.name}: {script.stem}", merged) for script in left]

    def on_output(index, stream, data):
        if stream == "end":
            readers[index].end(jobs[index].status)
        else:
            readers[index].feed(stream, data)

    boot.run(jobs, on_output)
    cut = next((index for index, job in enumerate(jobs) if job.status is None), len(jobs))
    if cut == len(jobs):
        if boot.why_ended:
            merged.test(False, f"{boot.machine.name}: power off: {boot.why_ended}")
        return []
    for line in runner.last_lines(boot.console, 40):
        merged.note(f"console: {line}")
    readers[cut].end(None, boot.why_ended)
    return left[cut + 1:]


def kernel_complaints(boot, merged):
    """An oops is a failure even where every test passed; a warning is shown."""
    for line in runner.last_lines(boot.console, 100000):
        if re.search(r"BUG: |Oops: |general protection fault|Kernel panic", line):
            merged.test(False, f"{boot.machine.name}: the kernel has no complaint: {line}")
        elif re.search(r"WARNING: CPU|possible recursive locking|hung_task", line):
            merged.note(f"{boot.machine.name}: kernel: {line}")



