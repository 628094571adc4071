#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What listing costs, beside the least it can cost and beside lspci.

listing.py BUILD-DIR

The commands of a comparison take turns, so that a machine that is busy or slow meets them alike; a ratio is
taken within each turn and the median of the turns is what counts.
"""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def once(command):
    """Wall-clock and processor seconds of one run."""
    null = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (1, 2)]
    start = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=null)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    if status != 0:
        sys.exit(f"{' '.join(command)} failed: {status}")
    return wall, usage.ru_utime + usage.ru_stime


def calls(command):
    """How many system calls a run makes; None without strace."""
    if not shutil.which("strace"):
        return None
    run = subprocess.run(["strace", "-f", "-qq", "-c", "-o", "/dev/stdout", *command],
                         capture_output=True, text=True)
    # The command's own output is on the same descriptor: the table's last line is the total.
    for line in reversed(run.stdout.splitlines()):
        words = line.split()
        if words and words[-1] == "total":
            return int(words[-3] if words[-2].isdigit() and len(words) > 4 and words[-3].isdigit()
                       else words[-2])
    return None


def compare(title, base, others, n_turns):
    """BASE and OTHERS are (label, command); an other has bars for wall-clock and processor time, None for none."""
    commands = [base[1]] + [o[1] for o in others]
    for command in commands:
        once(command)  # the first one finds nothing in the caches
    turns = [[once(c) for c in commands] for _ in range(n_turns)]
    for i, (label, command, *bars) in enumerate(others, 1):
        how = f"{calls(command) or '?'} and {calls(base[1]) or '?'} system calls"
        for k, name in enumerate(("wall clock", "processor time")):
            ours, peer = (statistics.median(t[j][k] for t in turns) * 1e3 for j in (i, 0))
            ratio = statistics.median(t[i][k] / t[0][k] for t in turns)
            print(f"{label}, {title}: {name}", f"{ours:.1f} ms", f"{base[0]} {peer:.1f} ms", f"{ratio:.2f}",
                  f"<= {bars[k]:.2f}" if bars and bars[k] else "-", f"median of {n_turns} turns; {how}",
                  sep="\t", flush=True)


def main():
    build = os.path.abspath(sys.argv[1])
    iommuctl = f"{build}/cli/iommuctl"
    bare = f"{build}/tests/bench/bare-walk"
    with tempfile.TemporaryDirectory(prefix="iommuctl-bench-") as work:
        large, small = f"{work}/large", f"{work}/small"
        subprocess.run([sys.executable, f"{HERE}/make-sysfs.py", large, "4096", "2371"], check=True)
        subprocess.run([sys.executable, f"{HERE}/make-sysfs.py", small, "50", "32"], check=True)
        compare("4096 functions in 2371 groups", ("bare C walk", [bare, large]),
                [("groups", [iommuctl, f"--root={large}", "groups"], 1.5, 1.5),
                 ("groups --json", [iommuctl, f"--root={large}", "groups", "--json"], 4.0, 4.0),
                 ("devices", [iommuctl, f"--root={large}", "devices"])],
                15)
        if shutil.which("lspci"):
            compare("50 functions", ("lspci -nn", ["lspci", "-O", f"sysfs.path={small}/sys/bus/pci", "-nn"]),
                    [("groups", [iommuctl, f"--root={small}", "groups"], None, 1 / 3)],
                    40)
        else:
            print("groups, 50 functions: processor time", "-", "-", "-", "<= 0.33", "lspci is not here", sep="\t")


main()
