#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How table.py reads what benchmarks print, and what it says of it. Measures nothing."""
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import table  # noqa: E402
from tap import Tap  # noqa: E402


def figure(ratio, bar):
    return table.parse(f"what\t1 ns\tpeer 2 ns\t{ratio}\t{bar}\thow\n")


def equal(got, wanted):
    return [] if got == wanted else [f"got {got!r}", f"wanted {wanted!r}"]


def refused(text, wanted):
    try:
        found = table.parse(text)
        found = found and found.verdict()
    except table.BenchError as error:
        return [] if wanted in str(error) else [str(error)]
    return [f"taken: {found!r}"]


def program(text):
    """The figures of a program that is this shell script."""
    return table.run({"name": "made-up", "cmd": ["sh", "-c", text, "sh"], "env": {"SEEN": "seen"}, "workdir": None})


def told(figures):
    return [(f.what, f.ratio, f.verdict(), f.how) for f in figures]


def main():
    tap = Tap()
    for ratio, bar, wanted in (("1.05", "<= 1.05", "yes"), ("1.06", "<= 1.05", "MISSED"), ("5", ">= 5", "yes"),
                               ("4.99", ">= 5", "MISSED"), ("0.6", "<=0.6", "yes"), ("3", "-", ""), ("-", "-", "not measured"),
                               ("-", "<= 1", "not measured"), ("fast", "<= 1", "MISSED")):
        tap.check(f"{ratio} of {bar}", equal(figure(ratio, bar).verdict(), wanted))
    tap.check("a bar is missed by what could not be measured", equal(figure("-", "<= 1").met(), False))
    tap.check("and nothing by what has none", equal(figure("-", "-").met(), None))
    tap.check("comments and empty lines are no figures", equal([table.parse("# ratio\t1"), table.parse("\n")], [None, None]))
    tap.check("a line has six fields", refused("a\tb\tc\n", "a line of 3 fields"))
    tap.check("a bar has a number", refused("a\tb\tc\t1\tfast\tf\n", "a bar is"))
    tap.check("a program's lines", equal(told(program(r'printf "# note\na\t1\t2\t0.5\t<= 1\t$SEEN\n"')), [("a", "0.5", "yes", "seen")]))
    tap.check("a program that fails is a missed figure, and what it said stays",
              equal([f[:3] for f in told(program(r'printf "a\t1\t2\t0.5\t<= 1\th\n"; exit 3'))],
                    [("a", "0.5", "yes"), ("made-up", "-", "not measured")]))
    tap.check("so is one that says nothing", equal(told(program("true")), [("made-up", "-", "not measured", "printed no figure")]))
    table.instructions = lambda command, environment, case: {"ours": 9.4, "peer": None}[case]
    tap.check("counts stand where their cases are named",
              equal(program(r'printf "a\t1\t2\t0.5\t-\t{ours} and {peer}, {ours}\n"')[0].how, "9 and ?, 9"))
    rows = list(table.table([figure("1", "<= 2")], None))
    tap.check("columns are aligned", equal([row.index("how") for row in rows], [rows[0].index("how")] * 2))
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([sys.executable, HERE / "table.py", folder], capture_output=True, text=True, check=False)
        tap.check("what is no build folder is told", equal((run.returncode, "is no build folder" in run.stderr), (2, True)))
    tap.end()


main()
