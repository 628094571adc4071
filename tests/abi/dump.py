#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a program built against the public headers relies on, a line a thing: functions with the types they take,
sizes of structs and places of their members, values of enums. As a dump, and compared with the last release's. TAP.

    dump.py write INCLUDE-FOLDER CC…              the dump, on standard output
    dump.py compare DUMP INCLUDE-FOLDER CC…       all that DUMP promises is still so

The compiler answers, so that what macros and other headers make of a declaration is in it. A dump holds for the
architecture it was made on; those of this one are of 64-bit little-endian machines.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402


def bare(path):
    """A header without comments and preprocessor lines."""
    text = re.sub(r"/\*.*?\*/", " ", path.read_text(encoding="utf-8"), flags=re.S)
    return re.sub(r"^[ \t]*#(?:.*\\\n)*.*$", "", text, flags=re.M)


def bodies(headers, kind):
    """(name, body) of each struct or enum that is defined and not only named."""
    for header in headers:
        yield from re.findall(kind + r"\s+(iommuctl_\w+)\s*\{(.*?)\n\}", bare(header), flags=re.S)


def members(body):
    for declaration in body.split(";"):
        for part in declaration.split(","):
            found = re.search(r"(\w+)\s*(?:\[[^\]]*\])*\s*$", part)
            if found and declaration.strip():
                yield found[1]


def layout_program(headers):
    lines = ['#include <iommuctl.h>', '#include <stddef.h>', '#include <stdio.h>', 'int main(void)', '{']
    for name, body in bodies(headers, "struct"):
        lines.append(f'printf("struct {name} size %zu\\n", sizeof(struct {name}));')
        for member in members(body):
            lines.append(f'printf("struct {name} member {member} at %zu size %zu\\n", offsetof(struct {name}, {member}), '
                         f'sizeof(((struct {name} *)0)->{member}));')
    for name, body in bodies(headers, "enum"):
        for value in re.findall(r"\b([A-Z][A-Z0-9_]+)\b\s*(?=[=,\n]|$)", re.sub(r"=[^,]*", "", body)):
            lines.append(f'printf("enum {name} {value} %lld\\n", (long long){value});')
    return "\n".join([*lines, "}", ""])


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **options).stdout


def dump(include, compiler):
    headers = sorted((include / "iommuctl").glob("*.h"))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        source, program, prototypes = folder / "layout.c", folder / "layout", folder / "prototypes"
        source.write_text(layout_program(headers), encoding="utf-8")
        run(*compiler, f"-I{include}", "-o", program, source)
        lines = run(program).splitlines()
        # -aux-info: gcc writes each declaration back, with typedefs as they were written and no parameter names
        run(*compiler, f"-I{include}", "-fsyntax-only", "-aux-info", prototypes, source)
        for line in prototypes.read_text(encoding="utf-8").splitlines():
            found = re.search(r"\*/ extern (.*\biommuctl_\w+ \(.*\));", line)
            if found:
                lines.append(f"function {found[1]}")
    return sorted(set(lines))


def broken(old, new):
    """What OLD promised and NEW does not keep. A struct that tells its own size may grow."""
    sizes = dict(re.findall(r"^(struct \w+) size (\d+)$", "\n".join(new), flags=re.M))
    may_grow = {line.split()[1] for line in old if re.fullmatch(r"struct \w+ member struct_size at 0 size \d+", line)}
    for line in old:
        grown = re.fullmatch(r"(struct (\w+)) size (\d+)", line)
        if line in new or (grown and grown[2] in may_grow and int(sizes.get(grown[1], 0)) > int(grown[3])):
            continue
        yield line


def main():
    verb, *rest = sys.argv[1:]
    if verb == "write":
        print("\n".join(dump(pathlib.Path(rest[0]), rest[1:])))
        return None
    if "Free Software" not in run(*rest[2:], "--version"):
        return print("1..0 # SKIP only gcc writes declarations back (-aux-info)")
    old = pathlib.Path(rest[0]).read_text(encoding="utf-8").splitlines()
    new = dump(pathlib.Path(rest[1]), rest[2:])
    out = tap.Tap()
    out.check("the dump has functions, structs and enums",
              [f"no {kind} in it" for kind in ("function", "struct", "enum") if not any(l.startswith(kind) for l in new)])
    out.check(f"all that {pathlib.Path(rest[0]).name} promises is kept", list(broken(old, new)))
    # that a breach would be seen
    out.check("a function that goes is seen", [] if list(broken([*new, "function int iommuctl_gone (void)"], new)) else "not")
    fixed = next(line for line in new if re.fullmatch(r"struct iommuctl_span size \d+", line))
    out.check("a value that grows is seen", [] if list(broken([fixed], [fixed + "0"])) else "not")
    return out.end()


if __name__ == "__main__":
    main()
