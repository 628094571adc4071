#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nothing of the kernel's interface is forgotten: each ioctl, device feature and information capability of a kernel's
<linux/vfio.h> and <linux/iommufd.h> is in surface.txt, with the functions that are for it or the reason why there is
none. Without network and cache a skip, and with CI=true a failure. TAP.

    surface.py SURFACE MAP LAB LANE
"""

import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402

WANTED = (
    r"((?:VFIO|IOMMU)_\w+)\s+_IO\(",
    r"(VFIO_DEVICE_FEATURE_\w+)\s+\(?\d+\)?$",
    r"(VFIO_(?:REGION|DEVICE)_INFO_CAP_\w+)\s+\d+",
    r"(VFIO_IOMMU_TYPE1_INFO_\w+)\s+\d+",
    r"(VFIO_\w+_IOMMU)\s+\d+",
    r"(VFIO_DMA_(?:UN)?MAP_FLAG_\w+)\s",
)


def of_header(path):
    text = re.sub(r"\\\n", " ", path.read_text(encoding="utf-8"))
    names = [name for pattern in WANTED for name in re.findall(rf"^#define\s+{pattern}", text, flags=re.M)]
    return names + re.findall(r"^\t(IOMMU_(?:OPTION|HWPT|HW_CAP|VIOMMU|VEVENTQ|HW_QUEUE)_\w+)\s*[=,]", text, flags=re.M)


def main():
    table, symbols, lab, lane = sys.argv[1:]
    out = tap.Tap()
    found = subprocess.run([lab, "headers", lane], capture_output=True, text=True, check=False)
    if found.returncode and os.environ.get("CI") == "true":
        out.check(f"the headers of Linux {lane} are there", found.stderr)
        return out.end()
    if found.returncode:
        return print(f"1..0 # SKIP the headers of Linux {lane} are not there: {found.stderr.strip().splitlines()[-1]}")
    headers = pathlib.Path(found.stdout.strip()) / "linux"
    exported = set(re.findall(r"\b(iommuctl_\w+);", pathlib.Path(symbols).read_text(encoding="utf-8")))
    rows = {}
    wrong = []
    for line in pathlib.Path(table).read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        name, what = line.split(None, 1)
        rows[name] = what
        if not what.startswith("none: "):
            wrong += [f"{name}: there is no {word}" for word in what.split() if word not in exported]
    wanted = of_header(headers / "vfio.h") + of_header(headers / "iommufd.h")
    out.check("the headers were read", [] if len(wanted) > 100 else f"{len(wanted)} names found")
    out.equal(f"surface.txt lists what Linux {lane} has", rows, wanted)
    out.check("each function it names is exported", wrong)
    return out.end()


if __name__ == "__main__":
    main()
