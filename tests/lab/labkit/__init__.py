# SPDX-License-Identifier: LGPL-2.1-or-later
"""Emulated machines for iommuctl's tests: see ../README.md."""


class LabError(Exception):
    """Something the user can mend; its text is one line."""
