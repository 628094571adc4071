#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# compile-alone.sh LANGUAGE INCLUDE-FOLDER COMPILER…: each header needs no other before it, and may come twice. TAP.
set -u
language=$1 folder=$2
shift 2
case $language in
C) kind=c ;;
C++) kind=c++ ;;
esac

number=0 failed=0
for header in "$folder"/iommuctl.h "$folder"/iommuctl/*.h; do
    name=${header#"$folder/"}
    number=$((number + 1))
    if messages=$(printf '#include <%s>\n#include <%s>\nint nothing;\n' "$name" "$name" |
        "$@" -Wall -Wextra -Werror -I"$folder" -x "$kind" -fsyntax-only - 2>&1); then
        echo "ok $number - $language: $name"
    else
        echo "not ok $number - $language: $name"
        echo "$messages" | sed 's/^/# /'
        failed=1
    fi
done
echo "1..$number"
exit "$failed"
