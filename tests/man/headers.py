# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a public header declares: functions with their prototypes, constants, and the errors its comments name."""

import re
import shlex
import subprocess

MARKER = re.compile(r'# \d+ "([^"]*)"')
COMMENT = re.compile(r"/\*.*?\*/", re.S)
FUNCTION = re.compile(r"\b(iommuctl_\w+)\s*\(")
CONSTANT = re.compile(r"\bIOMMUCTL_[A-Z0-9_]+\b")
ERROR = re.compile(r"-(E[A-Z0-9]+)\b")


def plain(text):
    """One prototype in one form: one space where C needs any, none where it does not."""
    text = re.sub(r"\b_Bool\b", "bool", text)
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r" ?([(),;*\[\]]) ?", r"\1", text)


def _own_text(cc, include, header):
    """The header as the compiler sees it, less what it includes."""
    out = subprocess.run([*shlex.split(cc), "-E", "-I", str(include), str(header)], check=True, text=True, capture_output=True)
    own, here = [], False
    for line in out.stdout.splitlines():
        marker = MARKER.match(line)
        if marker:
            here = marker[1] == str(header)
        elif here:
            own.append(line)
    return " ".join(own)


def _declarations(text):
    """Splits at file scope: ends at ';', or at the '}' of a function's body, which is left out."""
    found, now, depth = [], "", 0
    for char in text:
        if char == "{":
            depth += 1
        if depth == 0 or "(" not in now:
            now += char
        if char == "}":
            depth -= 1
        if depth == 0 and (char == ";" or (char == "}" and "(" in now)):
            found.append(now.strip().rstrip(";").strip())
            now = ""
    return found


class Header:
    def __init__(self, cc, include, name, path=None):
        path = path or include / "iommuctl" / f"{name}.h"
        raw = path.read_text(encoding="utf-8")
        self.name = name
        self.prototypes = {}
        self.constants = set()
        for declaration in _declarations(_own_text(cc, include, path)):
            if declaration.startswith(("enum", "typedef enum")) and "{" in declaration:
                self.constants |= set(CONSTANT.findall(declaration))
            function = FUNCTION.search(declaration)
            if function and not declaration.startswith("typedef"):
                self.prototypes[function[1]] = plain(declaration.replace("static inline ", ""))
        self.errors = {error for comment in COMMENT.findall(raw) for error in ERROR.findall(comment)}


def all_headers(cc, include):
    return [Header(cc, include, path.stem) for path in sorted((include / "iommuctl").glob("*.h"))]
