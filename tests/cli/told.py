# SPDX-License-Identifier: LGPL-2.1-or-later
"""What verbs and options there are, as each place tells it: the command's own help, a man page, the completions."""

import re
import subprocess

OPTION = re.compile(r"--([a-z][a-z0-9-]*)(=?)")


def _options(text):
    """{name: takes a value} of the lines of help that begin with an option."""
    found = re.findall(r"^ +(?:-\w, )? *--([a-z0-9-]+)(=?)", text, re.M)
    return {name: bool(equals) for name, equals in found}


class Help:
    """The command's help: {verb: its options}, and the options of all verbs."""

    def __init__(self, command):
        self.command = command
        overview = self._help()
        listed = overview.partition("\nCommands:\n")[2].partition("\n\n")[0]
        self.verbs = re.findall(r"^  (\S+(?: \S+)?)  ", listed, re.M)
        self.everywhere = _options(overview.partition("\nOptions")[2])
        self.options = {verb: self._of_verb(verb) for verb in self.verbs}

    def _help(self, *words):
        return subprocess.run([self.command, *words, "--help"], check=True, text=True, capture_output=True).stdout

    def _of_verb(self, verb):
        own, _, everywhere = self._help(*verb.split()).partition("\nGlobal options:\n")
        if _options(everywhere) != self.everywhere:
            raise SystemExit(f"{verb} --help tells other global options than --help")
        return _options(own.partition("\nOptions:\n")[2])

    def of_word(self, word):
        """The options of a verb's first word: what a completion knows before the second one."""
        return {o for verb, options in self.options.items() if verb.split()[0] == word for o in options}


def page_options(page):
    """{name: takes a value} of what OPTIONS explains."""
    lines = re.findall(r"^\*-.*", page.sections.get("OPTIONS", ""), re.M)
    return {name: bool(equals) for line in lines for name, equals in re.findall(r"\*--([a-z0-9-]+)\*(=?)", line)}


def page_mentions(page):
    return {name for name, _ in OPTION.findall(page.sections["SYNOPSIS"])}


def zsh_options(text):
    """{verb's first word: options} of the zsh file, '' for those of all; '*' is every verb that is not named."""
    arrays = {name: body for name, body in re.findall(r"^  (\w+)=\(\n(.*?)^  \)", text, re.M | re.S)}
    told = {}
    for pattern, arguments in re.findall(r"^        ([\w*]+)\)\s+_arguments (.*?);;", text, re.M | re.S):
        names = {name for name, _ in OPTION.findall(arguments)}
        for array in re.findall(r"\$(\w+)", arguments):
            if array != "globals":
                names |= {name for name, _ in OPTION.findall(arrays[array])}
        told[pattern] = names
    told[""] = {name for name, _ in OPTION.findall(arrays["globals"])}
    return told


def fish_options(text):
    """As zsh_options(), of the fish file."""
    variables = dict(re.findall(r"^set -l (\w+) '(.*)'$", text, re.M))
    told = {}
    for line in re.findall(r"^complete -c iommuctl .*", text, re.M):
        option = re.search(r" -l ([a-z0-9-]+)", line)
        condition = re.search(r" -n (?:'([^']*)'|\$(\w+))", line)
        if not option:
            continue
        condition = (condition[1] or variables[condition[2]]) if condition else "seen_subcommand_from "
        for word in condition.partition("seen_subcommand_from ")[2].split() or [""]:
            told.setdefault(word, set()).add(option[1])
    return told
