#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What listing costs, beside the least it can cost and beside lspci, in one run.

listing.py BUILD-DIR

The commands of a comparison take turns, so that a machine that is busy or slow meets them alike; a ratio is
taken within each turn and the median of the turns is what counts. Exits 1 where a ratio is above its limit.
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


def compare(title, base, others, turns, failed):
    """BASE and OTHERS are (label, command); an other's limits are (wall, cpu), None for no limit."""
    commands = [base[1]] + [o[1] for o in others]
    for command in commands:
        once(command)  # the first one finds nothing in the caches
    turns = [[once(c) for c in commands] for _ in range(turns)]
    print(f"# {title}")
    print(f"# {'':34} {'wall ms':>9} {'ratio':>6} {'cpu ms':>9} {'ratio':>6} {'calls':>7}  limit")
    for i, (label, command, *limits) in enumerate([base] + others):
        wall = statistics.median(t[i][0] for t in turns)
        cpu = statistics.median(t[i][1] for t in turns)
        ratios = [statistics.median(t[i][k] / t[0][k] for t in turns) for k in (0, 1)]
        limit = limits[0] if limits else (None, None)
        words = ", ".join(f"{name} {value:.2f}" for name, value in zip(("wall", "cpu"), limit) if value)
        print(f"# {label:34} {wall * 1e3:9.2f} {ratios[0]:6.2f} {cpu * 1e3:9.2f} {ratios[1]:6.2f} "
              f"{calls(command) or '-':>7}  {words}")
        for ratio, most, name in zip(ratios, limit, ("wall clock", "processor time")):
            if most and ratio > most:
                failed.append(f"{label}: {name} is {ratio:.2f} times {base[0]}'s, and {most:.2f} is the most")


def main():
    build = os.path.abspath(sys.argv[1])
    iommuctl = f"{build}/cli/iommuctl"
    bare = f"{build}/tests/bench/bare-walk"
    failed = []
    with tempfile.TemporaryDirectory(prefix="iommuctl-bench-") as work:
        large, small = f"{work}/large", f"{work}/small"
        subprocess.run([sys.executable, f"{HERE}/make-sysfs.py", large, "4096", "2371"], check=True)
        subprocess.run([sys.executable, f"{HERE}/make-sysfs.py", small, "50", "32"], check=True)
        compare("4096 functions in 2371 groups", ("bare C walk", [bare, large]),
                [("iommuctl groups", [iommuctl, f"--root={large}", "groups"], (1.5, 1.5)),
                 ("iommuctl groups --json", [iommuctl, f"--root={large}", "groups", "--json"], (4.0, 4.0)),
                 ("iommuctl devices", [iommuctl, f"--root={large}", "devices"])],
                15, failed)
        if shutil.which("lspci"):
            compare("50 functions", ("lspci -nn", ["lspci", "-O", f"sysfs.path={small}/sys/bus/pci", "-nn"]),
                    [("iommuctl groups", [iommuctl, f"--root={small}", "groups"], (None, 1 / 3))],
                    40, failed)
        else:
            print("# lspci is not here: not compared with it")
    for line in failed:
        print(f"# {line}")
    print(f"{'not ok' if failed else 'ok'} 1 - listing costs no more than it may\n1..1")
    return 1 if failed else 0


sys.exit(main())
