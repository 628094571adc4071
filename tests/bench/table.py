#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the programs of tests/bench/meson.build and shows what they found as one table.

table.py BUILD-DIR [NAME…]

README.md beside this file tells what a program prints. Exits 1 where a bar is missed or a figure that has one could not
be measured, 2 where it could not run at all.
"""
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap

FIELDS = ("what", "ours", "peer", "ratio", "bar", "how")
HEADS = ("what", "ours", "peer", "ratio", "bar", "met?", "how")
# A case is run this often, and twice as often, under callgrind.
COUNTED = 1000


class BenchError(Exception):
    pass


@dataclasses.dataclass
class Figure:
    what: str
    ours: str
    peer: str
    ratio: str
    bar: str
    how: str

    def met(self):
        """True or False; None where there is no bar."""
        if self.bar in ("", "-"):
            return None
        match = re.fullmatch(r"([<>])=\s*([0-9.]+)", self.bar)
        if not match:
            raise BenchError(f"{self.what}: a bar is '<= NUMBER', '>= NUMBER' or '-', not '{self.bar}'")
        try:
            ratio = float(self.ratio)
        except ValueError:
            return False
        limit = float(match[2])
        return ratio <= limit if match[1] == "<" else ratio >= limit

    def verdict(self):
        met = self.met()
        if self.ratio == "-":
            return "not measured"
        return "" if met is None else "yes" if met else "MISSED"


def parse(line):
    """A Figure, or None for a comment."""
    if not line.strip() or line.startswith("#"):
        return None
    fields = line.rstrip("\n").split("\t")
    if len(fields) != len(FIELDS):
        raise BenchError(f"a line of {len(fields)} fields, not {len(FIELDS)} with tabs between: {line!r}")
    return Figure(*(field.strip() for field in fields))


def instructions(command, environment, case):
    """What one more run of a program's case costs, in instructions; None where that cannot be counted."""
    if not shutil.which("valgrind"):
        return None
    counts = []
    for times in (COUNTED, 2 * COUNTED):
        run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                              *command, "--instructions", case, str(times)],
                             env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        found = re.search(r"Collected : ([0-9]+)", run.stderr)
        if run.returncode != 0 or not found:
            print(f"# counting {case} failed: {run.stderr.strip().splitlines()[-1:]}", flush=True)
            return None
        counts.append(int(found[1]))
    return (counts[1] - counts[0]) / COUNTED


def count(figure, command, environment):
    """Puts numbers in the place of {case} in `how`."""
    def number(match):
        n = instructions(command, environment, match[1])
        return "?" if n is None else f"{n:.0f}"
    figure.how = re.sub(r"\{([A-Za-z0-9-]+)\}", number, figure.how)


def run(bench):
    """The figures of one program. Its comments are shown as they come."""
    command = bench["cmd"]
    environment = {**os.environ, **bench["env"]}
    figures = []
    with subprocess.Popen(command, env=environment, cwd=bench["workdir"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            figure = parse(line)
            if figure:
                figures.append(figure)
            elif line.strip():
                print(line, end="", flush=True)
    for figure in figures:  # now that nothing is timed any more
        count(figure, command, environment)
    if process.returncode != 0:
        figures.append(failure(bench, f"ended with status {process.returncode}"))
    elif not figures:
        figures.append(failure(bench, "printed no figure"))
    return figures


def failure(bench, why):
    return Figure(bench["name"], "-", "-", "-", "<= 0", why)


def registered(build):
    """The programs of meson.build, in its order, as Meson tells of them."""
    answer = subprocess.run(["meson", "introspect", build, "--benchmarks"], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise BenchError(f"{build} is no build folder: {answer.stderr.strip() or answer.stdout.strip()}")
    return json.loads(answer.stdout)


def chosen(benches, names):
    unknown = [name for name in names if name not in [bench["name"] for bench in benches]]
    if unknown:
        raise BenchError(f"no '{unknown[0]}': there are {', '.join(bench['name'] for bench in benches)}")
    return [bench for bench in benches if not names or bench["name"] in names]


def table(figures, width):
    """Lines of text, aligned; the last column is folded where the width is known."""
    rows = [HEADS] + [(f.what, f.ours, f.peer, f.ratio, f.bar, f.verdict(), f.how) for f in figures]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADS) - 1)]
    indent = sum(widths) + 2 * len(widths)
    room = max(width - indent, 24) if width else None
    for row in rows:
        left = "  ".join(text.ljust(wide) for text, wide in zip(row, widths))
        for line in textwrap.wrap(row[-1], room) if room else [row[-1]]:
            yield f"{left}  {line}".rstrip()
            left = " " * (indent - 2)
        if not row[-1]:
            yield left.rstrip()


def summary(figures):
    verdicts = [figure.verdict() for figure in figures]
    return (f"{len(figures)} figures: {verdicts.count('yes')} bars met, {verdicts.count('MISSED')} missed, "
            f"{verdicts.count('not measured')} not measured")


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    build, names = sys.argv[1], sys.argv[2:]
    figures = []
    try:
        for bench in chosen(registered(build), names):
            print(f"== measuring: {bench['name']}", file=sys.stderr, flush=True)
            figures += run(bench)
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        print("\n".join(table(figures, width)))
        print(summary(figures))
        return 1 if any(figure.met() is False for figure in figures) else 0
    except (BenchError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
