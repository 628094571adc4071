# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for iommuctl(8): verbs, options, addresses, groups, drivers, names. Reads sysfs itself (that of --root where it is
# given), so it needs neither root nor a second program.

_iommuctl_names() { # PREFIX DIRECTORY: the names in a directory, each behind PREFIX
    local path
    for path in "$2"/*; do
        [[ -e $path || -L $path ]] && printf '%s%s\n' "$1" "${path##*/}"
    done
}

_iommuctl_named() { # CLASS SYSFS: its names that have a device behind them, as CLASS:NAME
    local path
    for path in "$2/class/$1"/*; do
        # a partition has none of its own; a connector of a card (card0-DP-1) is no node
        [[ -e $path/device || -e $path/partition ]] && [[ $1:$path != drm:*/*-* ]] && printf '%s\n' "$1:${path##*/}"
    done
}

_iommuctl_selectors() { # SYSFS
    _iommuctl_names '' "$1/bus/pci/devices"
    _iommuctl_names 'group:' "$1/kernel/iommu_groups"
    case $cur in
    net:* | block:* | drm:*) _iommuctl_named "${cur%%:*}" "$1" ;;
    n* | b* | d*) printf '%s\n' net: block: drm: ;;
    esac
}

_iommuctl_options() { # VERB: its long options, as its own help tells them
    "${COMP_WORDS[0]/#\~/$HOME}" $1 --help 2>/dev/null | sed -n 's/^ *\(-., \)\?\(--[a-z0-9-]*=\?\).*/\2/p'
}

_iommuctl() {
    local cur prev line verb='' word root='' option='' i words
    # The command line up to the cursor, split at spaces alone: bash also splits at the ':' and '=' inside an address or an option.
    line=${COMP_LINE:0:COMP_POINT}
    read -r -a words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    cur=${words[-1]}
    prev=${words[-2]}
    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        word=${words[i]}
        case $word in
        --root=*) root=${word#--root=} ;;
        --root) root=${words[i + 1]} ;;
        --) return ;; # a program of the user's own
        -*) ;;
        *)
            [[ ${words[i - 1]} == --@(root|color|driver|allow|timeout|backend|buffer|min|max|page-size|rounds|time) ]] && continue
            if [[ -z $verb ]]; then
                verb=$word
            elif [[ $verb == dma ]]; then
                verb="dma $word"
            fi
            ;;
        esac
    done
    local sysfs=$root/sys candidates=''
    case $prev in
    --root | --color | --driver | --backend | --allow | --timeout | --buffer | --min | --max | --page-size | --rounds | --time) ;;
    *) prev='' ;;
    esac
    case $cur in
    --*=*)
        prev=${cur%%=*}
        option=$prev=
        cur=${cur#*=}
        ;;
    esac
    case $prev in
    --color) candidates='auto always never' ;;
    --driver) candidates=$(_iommuctl_names '' "$sysfs/bus/pci/drivers") ;;
    --backend) candidates='auto iommufd type1' ;;
    --allow)
        # A list: what stands before the last comma stays.
        local before=''
        [[ $cur == *,* ]] && before=${cur%,*},
        for word in @HAZARDS@; do candidates+="$before$word "; done
        ;;
    --root)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        [[ -n $option && $COMP_WORDBREAKS != *=* ]] && COMPREPLY=("${COMPREPLY[@]/#/$option}")
        return
        ;;
    --min | --max | --page-size) candidates='4K 2M 1G' ;;
    --timeout | --buffer | --rounds | --time) return ;;
    *)
        if [[ $cur == -* ]]; then
            candidates=$(_iommuctl_options "$verb")
        elif [[ -z $verb ]]; then
            candidates='@VERBS@'
        elif [[ $verb == dma ]]; then
            candidates='@DMA_VERBS@'
        elif [[ $verb != status ]]; then
            candidates=$(_iommuctl_selectors "$sysfs")
        fi
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$cur")
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[:=] ]] && compopt -o nospace 2>/dev/null
    # readline replaces only what stands behind the last ':' or '=' where those break words.
    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
        local head=${cur%"${cur##*:}"}
        COMPREPLY=("${COMPREPLY[@]#"$head"}")
    fi
    [[ -n $option && $COMP_WORDBREAKS != *=* ]] && COMPREPLY=("${COMPREPLY[@]/#/$option}")
    return 0
}

complete -F _iommuctl iommuctl
