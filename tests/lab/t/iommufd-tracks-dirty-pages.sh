# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: none-6.12
#
# Dirty tracking on iommufd, exact to the page, on the mock devices of the kernel's self-test: neither of QEMU's IOMMUs
# tracks (container/mock.c).
. "$LAB_DIR/lib.sh"

status=0
"$LAB_BUILD/tests/lab/lab-container" iommufd --mock >/tmp/mock || status=$?
grep -v '^1\.\.' /tmp/mock | sed -E "s/^(not )?ok [0-9]+ - /\1ok - /"
tests=$((tests + $(grep -cE '^(not )?ok ' /tmp/mock)))
failures=$((failures + $(grep -c '^not ok ' /tmp/mock)))
is "$status" 0 "the program ended well"
done_testing
