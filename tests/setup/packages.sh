# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For ./run: what has to be installed. Each line: the set it belongs to, how to see that it is there (a command, a
# pkg-config module, or a file), and its package on Debian and Ubuntu. Nothing is asked of the network unless
# something is missing. Uses messages.sh.
# shellcheck disable=SC2154 # run_log is of messages.sh

requirements() {
    cat <<'END'
demo  command:gcc                    gcc
demo  file:/usr/include/stdio.h      libc6-dev
demo  command:meson                  meson
demo  command:ninja                  ninja-build
demo  command:pkg-config             pkg-config
demo  pkg-config:libpci              libpci-dev
demo  pkg-config:libudev             libudev-dev
demo  pkg-config:json-c              libjson-c-dev
demo  command:scdoc                  scdoc
demo  command:python3                python3
demo  command:qemu-system-x86_64     qemu-system-x86
demo  command:modprobe               kmod
demo  command:xz                     xz-utils
test  pkg-config:cmocka              libcmocka-dev
test  command:g++                    g++
test  command:make                   make
test  command:flex                   flex
test  command:bison                  bison
test  command:bc                     bc
test  command:perl                   perl-base
test  pkg-config:libelf              libelf-dev
test  command:jq                     jq
test  command:valgrind               valgrind
test  command:strace                 strace
test  command:lspci                  pciutils
test  command:ip                     iproute2
test  command:mkfs.ext4              e2fsprogs
test  command:mkswap                 util-linux
test  command:swapon                 mount
test  command:setpriv                util-linux
test  command:dmsetup                dmsetup
bench pkg-config:libdpdk             dpdk-dev
END
}

# there HOW: whether a requirement is met
there() {
    case $1 in
    # sbin is not on every user's PATH
    command:*) PATH=$PATH:/usr/sbin:/sbin command -v "${1#*:}" >/dev/null ;;
    pkg-config:*) command -v pkg-config >/dev/null && pkg-config --exists "${1#*:}" ;;
    file:*) [ -e "${1#*:}" ] ;;
    esac
}

# missing SET…: packages to install, one a line
missing() {
    local set how package
    while read -r set how package; do
        [[ " $* " == *" $set "* ]] || continue
        there "$how" || echo "$package"
    done < <(requirements)
}

# set_up SET…: installs what is missing, or says what to install
set_up() {
    local packages
    mapfile -t packages < <(missing "$@")
    if [ ${#packages[@]} -gt 0 ]; then
        command -v apt-get >/dev/null || ask_to_install "$@"
        install_packages "${packages[@]}"
        mapfile -t packages < <(missing "$@")
        [ ${#packages[@]} = 0 ] || die "installed, and still not found: ${packages[*]}"
    fi
    at_least meson 1.0 "$(meson --version)"
    at_least python3 3.11 "$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
}

# ask_to_install SET…: for systems without apt, where names of packages differ
ask_to_install() {
    local set how package
    echo "run: this is not Debian or Ubuntu; install these with your package manager, then start again:" >&2
    while read -r set how package; do
        [[ " $* " == *" $set "* ]] || continue
        there "$how" || printf '  %-28s (%s on Debian)\n' "${how/:/ }" "$package" >&2
    done < <(requirements)
    exit 1
}

# at_least WHAT WANTED HAVE
at_least() {
    [ "$(printf '%s\n' "$2" "$3" | sort -V | head -n1)" = "$2" ] || die "$1 $2 or later is needed, $3 is here"
}

# install_packages PACKAGE…: reads the package lists anew only where the ones at hand do not do
install_packages() {
    local root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null ||
            die "root is needed to install packages and there is no sudo; as root: apt-get install --no-install-recommends $*"
        root=(sudo)
    fi
    say "installing: $*"
    apt_install "$@" && return
    if grep -q 'No space left' "$run_log"; then
        die "no space left to install packages"
    fi
    say "reading the package lists"
    "${root[@]}" apt-get -q update >"$run_log" 2>&1 || die "cannot read the package lists: $(apt_reason)"
    apt_install "$@" || die "cannot install packages: $(apt_reason)"
}

# apt_install PACKAGE…: uses the caller's `root`
apt_install() {
    # Descriptor 3 is opened on the far side of sudo, which closes all but the first three; it cannot be 1, which apt
    # would then keep from the packages' own scripts.
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive sh -c 'exec "$@" 3>&1 >/dev/null' sh \
        apt-get -q install --yes --no-install-recommends -o APT::Status-Fd=3 -o Dpkg::Use-Pty=0 "$@" \
        2>"$run_log" </dev/null | progress "packages"
}

apt_reason() {
    grep -m1 '^E: ' "$run_log" || tail -n1 "$run_log"
}

# lab_can_run: what the emulated machines need beyond packages
lab_can_run() {
    [ "$(uname -m)" = x86_64 ] ||
        die "the emulated machines run this system's own programs and are x86-64; this is $(uname -m)"
}
