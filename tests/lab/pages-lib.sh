# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For the scripts t/large-pages-*.sh, after lib.sh and dma-lib.sh: what the IOMMU's own table says, as the kernel
# shows it (drivers/iommu/intel/debugfs.c). A line there is an entry that maps memory, with the way to it: the last
# column is the entry, a PTE (4 KiB), a PDE (2 MiB) or a PDPE (1 GiB), the latter two with bit 7 set.
# shellcheck disable=SC2154 # edu is of dma-lib.sh
pages_check=$LAB_BUILD/tests/lab/pages_check
[ -x "$pages_check" ] || skip_all "pages_check is not built"
table=/sys/kernel/debug/iommu/intel/$edu/domain_translation_struct
[ -e "$table" ] || skip_all "this kernel does not show the IOMMU's table in $table"

# entries IOVA SIZE: how many entries of each size map it, and what is wrong with them: "2 of 2M 1016 of 4K"
entries() {
    # page numbers of one width compare as text; not every awk reads hexadecimal
    awk -v first="$(printf '%013x' $(($1 >> 12)))" -v behind="$(printf '%013x' $((($1 + $2) >> 12)))" -v size=$(($2)) '
        BEGIN { unit[5] = "4K"; unit[4] = "2M"; unit[3] = "1G"; bytes[5] = 2 ^ 12; bytes[4] = 2 ^ 21; bytes[3] = 2 ^ 30 }
        $2 == "|" {
            n = NF - 2
            page = substr($1, 3)
            if (n < 5 && substr($NF, length($NF) - 1, 1) !~ /[89a-f]/)
                wrong = wrong " an entry of " unit[n] " without its bit"
            if (page < first || page >= behind)
                elsewhere++
            count[n]++
            covered += bytes[n]
        }
        END {
            for (n = 3; n <= 5; n++)
                if (count[n])
                    told = told (told ? " " : "") count[n] " of " unit[n]
            if (covered != size)
                wrong = wrong sprintf(" %d of %d bytes are mapped", covered, size)
            if (elsewhere)
                wrong = wrong " " elsewhere " elsewhere"
            print told wrong
        }' "$table"
}

# hold COMMAND…: starts one that maps, and holds what it maps until its input ends; what it printed is in held.out.
# let_go ends it.
hold() {
    rm -f held.in held.out
    mkfifo held.in
    "$@" <held.in >held.out 2>held.err &
    held=$!
    exec 4>held.in
    wait_for 30 test -s held.out || note "$(cat held.err)"
}

let_go() {
    exec 4>&-
    wait "$held"
}

# whole BACKEND SIZE [PAGE]: a buffer of `iommuctl dma map`: its entries
whole() {
    local iova
    hold iommuctl --json dma map --until-eof --backend="$1" "$edu" --buffer "whole:$2${3:+,hugepage=$3}"
    [[ $(<held.out) =~ \"iova\":\"(0x[0-9a-f]+)\" ]] && iova=${BASH_REMATCH[1]}
    entries "$iova" "$(numfmt --from=iec "$2")"
    let_go
}

# part BACKEND PAGE PAGES HEAD TAIL [IOVA|file]: memory that the caller has, inside of huge pages: its entries. Where it holds a
# whole page of these, its automatic IOVA must be congruent to its address, or to where it begins in the file.
part() {
    local iova size inside page
    page=$(numfmt --from=iec "$2")
    hold "$pages_check" "$1" "$edu" "$page" "$3" "$4" "$5" ${6:+"$6"}
    read -r iova size inside <held.out
    entries "$iova" "$size"
    if [[ ${6:-file} = file ]] && [ $((-inside & (page - 1))) -le $((size - page)) ]; then
        [ $(((iova - inside) % page)) = 0 ] || echo "$iova is not congruent to $inside modulo $page"
    fi
    let_go || echo "it did not end well: $(<held.err)"
}
