# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test programs in Python say what they found as TAP: a line a test, what is wrong below it, the plan at the end."""

import sys


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, text, wrong):
        """One test: passed where `wrong` (a list of texts, or one) is empty, else each is a line below the test's."""
        wrong = [wrong] if isinstance(wrong, str) and wrong else list(wrong or [])
        self.count += 1
        self.failed += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {self.count} - {text}")
        for line in wrong:
            for part in str(line).splitlines():
                print(f"#   {part}")
        sys.stdout.flush()
        return not wrong

    def equal(self, text, have, want):
        """Two sets of names: what is missing and what is too many."""
        have, want = set(have), set(want)
        return self.check(
            text,
            [f"missing: {name}" for name in sorted(want - have)]
            + [f"too many: {name}" for name in sorted(have - want)],
        )

    def end(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failed else 0)
