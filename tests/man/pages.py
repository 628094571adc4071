#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The man pages of section 3, the public headers and the shared library's exports say the same.

usage: pages.py CC SOURCE LIBRARY"""

import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import headers
import page as pages
from tap import Tap

SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "RETURN VALUE", "ERRORS", "THREADS", "VERSIONS", "EXAMPLE", "SEE ALSO"]
MAY_LACK = {"VERSIONS"}


def exports(library):
    out = subprocess.run(["nm", "-D", "--defined-only", library], check=True, text=True, capture_output=True).stdout
    return {line.split()[2].partition("@")[0] for line in out.splitlines() if " T " in line}


def synopsis(cc, include, page):
    """The prototypes of a page's SYNOPSIS, read as the compiler reads the header."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "iommuctl", "synopsis.h")
        file.parent.mkdir()
        file.write_text("\n".join(page.literals(page.sections["SYNOPSIS"])), encoding="utf-8")
        return headers.Header(cc, include, "synopsis", file).prototypes


def wrong_sections(page):
    want = [title for title in SECTIONS if title in page.sections or title not in MAY_LACK]
    have = list(page.sections)
    return [] if have == want else [f"has {', '.join(have)}", f"wants {', '.join(want)}"]


def check_object(tap, cc, include, page, header):
    name = f"{page.name}(3)"
    functions = header.prototypes
    prose = "\n".join(text for title, text in page.sections.items() if title not in ("NAME", "SYNOPSIS"))
    written = synopsis(cc, include, page)

    tap.check(f"{name} has the sections that every page has", wrong_sections(page))
    tap.equal(f"{name}: NAME lists the functions of its header", page.names(), functions)
    tap.check(
        f"{name}: SYNOPSIS has the prototypes of its header",
        [f"{f}: {written.get(f)}, in the header {functions.get(f)}"
         for f in sorted(written.keys() | functions.keys()) if written.get(f) != functions.get(f)],
    )
    # of a family of one-line functions one may speak for all
    families = {re.sub(r"\d+$", "", f) for f in re.findall(r"\*(iommuctl_\w+)\*\(", prose)}
    tap.check(
        f"{name} tells what each function does",
        [f"not told: {f}" for f in sorted(functions) if re.sub(r"\d+$", "", f) not in families
         and re.sub(r"write(\d+)$", "read", f) not in families],
    )
    tap.check(f"{name} names each constant of its header",
              [f"not named: {c}" for c in sorted(header.constants) if not re.search(rf"\b{c}\b", prose)])
    tap.check(f"{name}: ERRORS has each error that its header names",
              [f"not there: -{e}" for e in sorted(header.errors) if f"*-{e}*" not in prose])


def main():
    cc, source, library = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    include = source / "lib" / "include"
    found = pages.all_pages(source / "man")
    declared = headers.all_headers(cc, include)
    tap = Tap()

    tap.equal("each public header has its page, and the other way round",
              [key for key in found if key.startswith("iommuctl_")], [f"iommuctl_{h.name}(3)" for h in declared])
    for header in declared:
        page = found.get(f"iommuctl_{header.name}(3)")
        if page:
            check_object(tap, cc, include, page, header)

    functions = {f for header in declared for f in header.prototypes}
    named = {f for page in found.values() if page.section == "3" for f in page.names()}
    tap.check("each exported symbol leads to a page", [f"no page: {s}" for s in sorted(exports(library) - named)])
    for key, page in found.items():
        tap.check(f"{key} points only to what there is",
                  [f"there is no {n}({s})" for n, s in sorted(page.references())
                   if n not in functions and f"{n}({s or 3})" not in found])
    tap.end()


main()
