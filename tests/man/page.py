# SPDX-License-Identifier: LGPL-2.1-or-later
"""A man page's source, taken apart as scdoc(5) has it."""

import re

REFERENCE = re.compile(r"\*((?:lib)?iommuctl[\w-]*)\*\((\d?)\)")


class Page:
    def __init__(self, path):
        self.name, self.section = path.name.removesuffix(".scd").rsplit(".", 1)
        self.text = path.read_text(encoding="utf-8")
        self.sections = {}
        for part in re.split(r"^# ", self._without_literals(), flags=re.M)[1:]:
            title, _, body = part.partition("\n")
            self.sections[title.strip()] = body.strip()

    def _without_literals(self):
        # a line of code may begin with '#'
        return re.sub(r"^```$.*?^```$", lambda found: found[0].replace("\n#", "\n #"), self.text, flags=re.M | re.S)

    def names(self):
        """What NAME lists."""
        return [name.strip() for name in self.sections["NAME"].partition(" - ")[0].split(",")]

    def literals(self, text=None):
        """The literal blocks, as a reader sees them."""
        text = self.text if text is None else text
        return [re.sub(r"\\(.)", r"\1", block) for block in re.findall(r"^```\n(.*?)^```$", text, re.M | re.S)]

    def programs(self):
        return [block for block in self.literals() if "int main(" in block]

    def references(self):
        """(name, section) of each page or function of ours that it points to; the section of a function is ''."""
        return set(REFERENCE.findall(self.text))


def all_pages(folder):
    return {f"{page.name}({page.section})": page for page in map(Page, sorted(folder.glob("*.scd")))}
