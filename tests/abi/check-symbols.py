#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The symbol map, the functions of the public headers and what the library exports are one list. TAP.

    check-symbols.py MAP LIBRARY INCLUDE-FOLDER
"""

import pathlib
import re
import subprocess
import sys


def of_map(path):
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
    lists = re.findall(r"global:(.*?)(?:local:|\})", text, flags=re.S)
    return [name for names in lists for name in re.findall(r"(\w+);", names)]


def of_headers(paths):
    """Functions that are declared, not those with a body (static inline)."""
    names = []
    for path in paths:
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
        text = re.sub(r"\\\n", " ", text)
        text = re.sub(r"^[ \t]*#.*$", "", text, flags=re.M)
        names += re.findall(r"\b(iommuctl_\w+)\s*\([^;{}]*\)\s*;", text)
    return [name for name in names if not name.endswith("_fn")]


def of_library(path):
    lines = subprocess.run(["nm", "--dynamic", "--defined-only", "--extern-only", path],
                           check=True, capture_output=True, text=True).stdout.splitlines()
    names = [line.split()[-1].split("@")[0] for line in lines if line.split()[-2] in "TtDdBbRrVvWw"]
    return [name for name in names if not name.startswith("LIBIOMMUCTL_")]


def main():
    failed = 0
    number = 0

    def result(passed, text, *details):
        nonlocal failed, number
        number += 1
        failed += not passed
        print(f"{'' if passed else 'not '}ok {number} - {text}")
        for detail in details:
            print(f"# {detail}")

    in_map = of_map(pathlib.Path(sys.argv[1]))
    exported = of_library(sys.argv[2])
    include = pathlib.Path(sys.argv[3])
    headers = sorted((include / "iommuctl").glob("*.h"))
    declared = of_headers(headers)

    print("1..6")
    twice = sorted({name for name in in_map if in_map.count(name) > 1})
    result(not twice, "the map names each symbol once", *twice)
    result(in_map == sorted(in_map), "the map is in order")
    strangers = [name for name in exported if not name.startswith("iommuctl_")]
    result(not strangers, "every export has the library's prefix", *strangers)
    lost = sorted(set(in_map) ^ set(exported))
    result(in_map and not lost, "the map is what the library exports", *lost)
    lost = sorted(set(in_map) ^ set(declared))
    result(declared and not lost, "the map is what the headers declare", *lost)
    taken = re.findall(r"#include <(iommuctl/.*?)>", (include / "iommuctl.h").read_text(encoding="utf-8"))
    lost = sorted(set(taken) ^ {f"iommuctl/{header.name}" for header in headers})
    result(not lost, "<iommuctl.h> takes every header", *lost)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
