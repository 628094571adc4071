# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a long step tells the person waiting for it: one moving line on a terminal, a few plain lines elsewhere."""

import sys
import time


class Progress:
    """Use as a context; call `at(done, total)` as often as you like."""

    def __init__(self, what, plain_every=15.0):
        self.what = what
        self.start = time.monotonic()
        self.failed = False
        self.tty = sys.stderr.isatty()
        self.plain_every = plain_every
        self.shown = self.start if not self.tty else 0.0

    def __enter__(self):
        self._write(f"{self.what} …", moving=True)
        return self

    def __exit__(self, kind, *_):
        seconds = time.monotonic() - self.start
        ending = "failed" if kind or self.failed else "done"
        self._write(f"{self.what}: {ending} ({seconds:.0f} s)")
        return False

    def at(self, done, total):
        now = time.monotonic()
        if now - self.shown < (0.2 if self.tty else self.plain_every):
            return
        self.shown = now
        # the total may be an estimate: 100 % is said by the end alone
        percent = min(99, 100 * done // total) if total else 0
        self._write(f"{self.what}: {percent} %, {now - self.start:.0f} s", moving=True)

    def _write(self, text, moving=False):
        if self.tty:
            sys.stderr.write(f"\r\033[K{text}" + ("" if moving else "\n"))
        else:
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
