# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For ./run: counts single tests where meson counts programs.

# summary TESTLOG…: prints N passed, N failed, N skipped; fails where a test failed or none ran
summary() {
    python3 - "$@" <<'END'
import json, re, sys

LINE = re.compile(r"\s*(not )?ok\b(.*)")
passed = failed = skipped = 0
log = []
for path in sys.argv[1:]:
    try:
        log += [json.loads(line) for line in open(path, encoding="utf-8")]
    except OSError:
        failed += 1
        print(f"failed: there is no {path}")
for test in log:
    before = failed
    results = [found for found in map(LINE.fullmatch, (test.get("stdout") or "").splitlines()) if found]
    for found in results:
        text = found[2].lower()
        if re.search(r"#\s*skip", text):
            skipped += 1
        elif found[1] and not re.search(r"#\s*todo", text):
            failed += 1
        else:
            passed += 1
    good = test["result"] in ("OK", "EXPECTEDFAIL", "SKIP")
    if not good and failed == before:
        # crashed, timed out, or no TAP: one failure that no line tells of
        failed += 1
        print(f"failed: {test['name']}: {test['result']}")
    elif not results:
        passed += test["result"] == "OK"
        skipped += test["result"] == "SKIP"
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(failed > 0 or passed + failed == 0)
END
}
