# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for iommuctl(8).

function __iommuctl_root
    set -l tokens (commandline -opc)
    for i in (seq (count $tokens))
        string match -q -- '--root=*' $tokens[$i]; and string replace -- '--root=' '' $tokens[$i]
        test "$tokens[$i]" = --root; and echo $tokens[(math $i + 1)]
    end
end

function __iommuctl_names --argument-names prefix directory
    # an empty answer between other words would leave no word at all
    set -l root (__iommuctl_root)
    for path in "$root"$directory/*
        echo $prefix(basename $path)
    end
end

function __iommuctl_named --argument-names class
    set -l root (__iommuctl_root)
    for path in "$root"/sys/class/$class/*
        # a partition has no device of its own; a connector of a card (card0-DP-1) is no node
        test -e $path/device -o -e $path/partition; or continue
        test $class = drm; and string match -q -- '*-*' (basename $path); and continue
        echo $class:(basename $path)
    end
end

function __iommuctl_selectors
    __iommuctl_names '' /sys/bus/pci/devices
    __iommuctl_names group: /sys/kernel/iommu_groups
    __iommuctl_named net
    __iommuctl_named block
    __iommuctl_named drm
end

set -l verbs @VERBS@
complete -c iommuctl -f
complete -c iommuctl -l json -d 'One JSON document instead of text'
complete -c iommuctl -l root -x -a '(__fish_complete_directories)' -d 'Read a captured tree'
complete -c iommuctl -l color -x -a 'auto always never' -d 'When to colour'
complete -c iommuctl -s v -l verbose -d 'Say more'
complete -c iommuctl -s q -l quiet -d 'Say only what failed'
complete -c iommuctl -s h -l help -d Help
complete -c iommuctl -l version -d 'The version'
complete -c iommuctl -n "not __fish_seen_subcommand_from $verbs" -a "$verbs"
complete -c iommuctl -n '__fish_seen_subcommand_from dma; and not __fish_seen_subcommand_from @DMA_VERBS@' -a '@DMA_VERBS@'
complete -c iommuctl -n "__fish_seen_subcommand_from $verbs; and not __fish_seen_subcommand_from status" -a '(__iommuctl_selectors)'
set -l change '__fish_seen_subcommand_from bind unbind restore'
complete -c iommuctl -n $change -l dry-run -d 'Print each write and make none'
complete -c iommuctl -n $change -l group -d 'Take the group along'
complete -c iommuctl -n $change -l allow -x -a '(__fish_append , @HAZARDS@)' -d 'Go on in spite of a hazard'
complete -c iommuctl -n $change -l timeout -x -d 'How long one step may take'
complete -c iommuctl -n '__fish_seen_subcommand_from bind' -l driver -x -a "(__iommuctl_names '' /sys/bus/pci/drivers)" -d 'Driver to bind to'
complete -c iommuctl -n '__fish_seen_subcommand_from restore' -l all -d 'All that was changed'
complete -c iommuctl -n '__fish_seen_subcommand_from dma' -l backend -x -a 'auto iommufd type1' -d 'How to talk to the kernel'
complete -c iommuctl -n '__fish_seen_subcommand_from dma' -l buffer -x -d 'NAME:SIZE[,OPTION…]'
complete -c iommuctl -n '__fish_seen_subcommand_from dma' -l until-eof -d 'End with standard input, too'
complete -c iommuctl -n '__fish_seen_subcommand_from dma' -l min -x -a '4K 2M 1G' -d 'The smallest mapping to measure'
complete -c iommuctl -n '__fish_seen_subcommand_from dma' -l max -x -a '4K 2M 1G' -d 'The largest mapping to measure'
complete -c iommuctl -n '__fish_seen_subcommand_from dma' -l page-size -x -a '4K 2M 1G' -d 'Measure memory of such pages'
complete -c iommuctl -n '__fish_seen_subcommand_from dma' -l rounds -x -d 'How often to map each size'
complete -c iommuctl -n '__fish_seen_subcommand_from dma' -l time -x -d 'How long to map each size'
