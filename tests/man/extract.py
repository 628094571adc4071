#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints the program in a man page: extract.py PAGE"""

import pathlib
import sys

from page import Page

print(Page(pathlib.Path(sys.argv[1])).programs()[0], end="")
