#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command's help, its man pages and its completions tell of the same verbs, options and hazards.

usage: verbs.py COMMAND HAZARDS SOURCE BUILD"""

import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "man")]
import page as pages
import told
from tap import Tap


def differences(have, want, where):
    """Options that take a value in one place and none in the other, or are in one place only."""
    return ([f"{where} lacks --{o}" for o in sorted(want.keys() - have.keys())]
            + [f"{where} has --{o}, the command has not" for o in sorted(have.keys() - want.keys())]
            + [f"--{o} takes {'a' if want[o] else 'no'} value; {where} says otherwise"
               for o in sorted(want.keys() & have.keys()) if want[o] != have[o]])


def check_pages(tap, help_, found):
    own = {key: page for key, page in found.items() if page.section == "8"}
    tap.equal("each verb has its page, and the other way round",
              own, {"iommuctl(8)"} | {f"iommuctl-{verb.replace(' ', '-')}(8)" for verb in help_.verbs})
    listed = re.findall(r"^\*([a-z]+(?: [a-z]+)?)\*", own["iommuctl(8)"].sections["COMMANDS"], re.M)
    tap.equal("iommuctl(8) lists each verb", listed, help_.verbs)
    tap.check("iommuctl(8) explains each option of all verbs",
              differences(told.page_options(own["iommuctl(8)"]), help_.everywhere, "the page"))
    for verb, options in help_.options.items():
        page = own.get(f"iommuctl-{verb.replace(' ', '-')}(8)")
        if not page:
            continue
        tap.check(f"{page.name}(8) explains each option of the verb", differences(told.page_options(page), options, "the page"))
        mentioned = told.page_mentions(page)
        tap.check(f"{page.name}(8) has each option in its synopsis",
                  [f"lacks --{o}" for o in sorted(options.keys() - mentioned)]
                  + [f"there is no --{o}" for o in sorted(mentioned - options.keys() - help_.everywhere.keys())])


def check_completion_file(tap, shell, help_, have):
    words = {verb.split()[0] for verb in help_.verbs}
    tap.equal(f"{shell} completes each option of all verbs", have.get("", set()), help_.everywhere)
    other = have.get("*", set())
    tap.check(f"{shell} completes each verb's options",
              [f"{word}: {' '.join(sorted(have.get(word, other)))}; the command has {' '.join(sorted(help_.of_word(word)))}"
               for word in sorted(words) if have.get(word, other) != help_.of_word(word)]
              + [f"there is no verb {word}" for word in sorted(have.keys() - words - {"", "*"})])


def check_words(tap, texts, help_, hazards):
    """The lists that all three files get from one place."""
    first = " ".join(dict.fromkeys(verb.split()[0] for verb in help_.verbs))
    seconds = [verb.split()[1] for verb in help_.verbs if " " in verb]
    lists = {
        "bash": {"verbs": r"candidates='([a-z ]*\bgroups\b[a-z ]*)'", "second": r"== dma \]\]; then\s+candidates='([a-z ]+)'",
                 "hazards": r"for word in ([a-z -]+);"},
        "zsh": {"verbs": r"verbs=\( ([a-z ]+) \)", "second": r"'1:what:\(([a-z ]+)\)'", "hazards": r"hazard ([a-z -]+)\n"},
        "fish": {"verbs": r"set -l verbs ([a-z ]+)\n", "second": r"-a '([a-z ]*\branges\b[a-z ]*)'", "hazards": r"-l allow -x -a '\(__fish_append , ([a-z -]+)\)'"},
    }
    want = {"verbs": first.split(), "second": seconds, "hazards": hazards}
    for shell, patterns in lists.items():
        for what, pattern in patterns.items():
            have = re.search(pattern, texts[shell])
            tap.equal(f"{shell} completes the {'second words of verbs' if what == 'second' else what} there are",
                      have[1].split() if have else [], want[what])


def check_syntax(tap, files):
    """By the shells that are here: bash is, and others may be."""
    wrong = []
    for shell, file in files.items():
        if shutil.which(shell):
            done = subprocess.run([shell, "-n", file], text=True, capture_output=True)
            wrong += [done.stderr] if done.returncode or done.stderr else []
    tap.check("the shells read their files", wrong)


def main():
    command, hazards_program, source, built = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])
    help_ = told.Help(command)
    hazards = subprocess.run([hazards_program], check=True, text=True, capture_output=True).stdout.split()
    files = {"bash": built / "iommuctl", "zsh": built / "_iommuctl", "fish": built / "iommuctl.fish"}
    texts = {shell: file.read_text(encoding="utf-8") for shell, file in files.items()}
    found = pages.all_pages(source / "man")
    tap = Tap()

    tap.check("the help lists verbs", [] if help_.verbs else "none")
    check_pages(tap, help_, found)
    tap.equal("iommuctl-bind(8) explains each hazard",
              re.findall(r"^\*([a-z-]+)\*$", found["iommuctl-bind(8)"].sections["HAZARDS"], re.M), hazards)
    check_words(tap, texts, help_, hazards)
    check_completion_file(tap, "zsh", help_, told.zsh_options(texts["zsh"]))
    check_completion_file(tap, "fish", help_, told.fish_options(texts["fish"]))
    check_syntax(tap, files)
    tap.end()


main()
