# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many scripts' TAP as one: each script's tests keep their text, with the script's name before it."""

import re
import sys

LINE = re.compile(r"(not )?ok\b(?:\s+(\d+))?(?:\s*-)?\s*(.*)")
PLAN = re.compile(r"1\.\.(\d+)(?:\s*#\s*skip\w*\s*(.*))?$", re.I)
SKIP = re.compile(r"(.*?)\s*#\s*skip\w*\s*(.*)$", re.I)


class Merged:
    """The TAP stream that the reader sees. With `no_skips`, a skipped test is a failed one (CI)."""

    def __init__(self, no_skips=False, sink=sys.stdout):
        self.count = 0
        self.failed = 0
        self.no_skips = no_skips
        self.sink = sink

    def test(self, passed, text, skip=None):
        self.count += 1
        if skip is not None and self.no_skips:
            passed, text, skip = False, f"{text} (skipped, which CI does not allow: {skip})", None
        self.failed += not passed
        ending = "" if skip is None else f" # SKIP {skip}"
        self._say(f"{'ok' if passed else 'not ok'} {self.count} - {text}{ending}")

    def note(self, text):
        self._say(f"# {text}")

    def end(self):
        self._say(f"1..{self.count}")

    def _say(self, line):
        print(line, file=self.sink, flush=True)


class Script:
    """Reads one script's output, in pieces, into a Merged."""

    def __init__(self, name, merged):
        self.name = name
        self.merged = merged
        self.rest = {"out": b"", "err": b""}
        self.seen = 0
        self.failed = 0
        self.plan = None
        self.bailed = False

    def feed(self, stream, data):
        *lines, self.rest[stream] = (self.rest[stream] + data).split(b"\n")
        for line in lines:
            self._line(stream, line.decode("utf-8", "replace").rstrip("\r"))

    def _line(self, stream, line):
        found = LINE.match(line) if stream == "out" else None
        plan = PLAN.match(line) if stream == "out" else None
        if found:
            self._result(bool(found[1]), found[3])
        elif plan:
            self.plan = int(plan[1])
            if self.plan == 0:
                self.merged.test(True, self.name, skip=plan[2] or "no reason given")
        elif stream == "out" and line.startswith("Bail out!"):
            self.bailed = True
            self._result(True, line)
        elif line.strip():
            self.merged.note(f"{self.name}: {line.removeprefix('#').lstrip()}")

    def _result(self, bad, text):
        self.seen += 1
        skipped = SKIP.match(text)
        self.failed += bad
        what, why = (skipped[1], skipped[2]) if skipped else (text, None)
        self.merged.test(not bad, f"{self.name}: {what}" if what else self.name, skip=why)

    def end(self, status, why=None):
        """The script ended with `status`, or (None) was cut short because of `why`. What it did not say of itself
        is said here: no test may go missing in silence."""
        for stream in ("out", "err"):
            if self.rest[stream]:
                self.feed(stream, b"\n")
        if status is None:
            self.merged.test(False, f"{self.name}: cut short: {why}")
        elif status == 124:
            self.merged.test(False, f"{self.name}: stopped after its time limit")
        elif status and not self.failed:
            self.merged.test(False, f"{self.name}: ended with status {status}")
        elif not self.bailed and self.plan != self.seen:
            planned = "no plan" if self.plan is None else f"a plan for {self.plan}"
            self.merged.test(False, f"{self.name}: {self.seen} tests and {planned}")
