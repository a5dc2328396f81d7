# Sourced by ./demo and ./check: installs what is missing from Debian's archive, and nothing else.
#
# Libraries are looked up as packages, tools as commands, so that a tool that comes from elsewhere (a newer Node.js,
# say) is left as it is.

build_libraries="libsystemc-dev libzydis-dev libboost-dev libfmt-dev libspdlog-dev libcli11-dev libtomlplusplus-dev
                 nlohmann-json3-dev libgtest-dev libbenchmark-dev libdw-dev g++-multilib"
# command=package
build_tools="g++=g++ cmake=cmake ninja=ninja-build pkg-config=pkg-config ccache=ccache git=git
             node=nodejs npm=npm rsvg-convert=librsvg2-bin"
check_tools="qemu-system-i386=qemu-system-x86 clang-format=clang-format clang-tidy=clang-tidy python3=python3
             chromium=chromium gdb=gdb callgrind_annotate=valgrind bochs=bochs
             grub-mkrescue=grub-common xorriso=xorriso mformat=mtools syslinux=syslinux"
check_libraries="bochs-term bochsbios vgabios grub-pc-bin
                 seabios syslinux-common memtest86+ ipxe grub-invaders debian-installer-12-netboot-i386"

# install_missing LIBRARIES COMMAND=PACKAGE...
install_missing() {
    local missing="" library pair
    for library in $1; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$library" 2>/dev/null)" = installed ] || missing="$missing $library"
    done
    shift
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null 2>&1 || missing="$missing ${pair#*=}"
    done
    [ -n "$missing" ] || return 0

    local as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || {
            echo "missing packages:$missing; not root and no sudo here: install them as root with apt-get install" >&2
            return 1
        }
        as_root=sudo
    fi
    echo "installing:$missing"
    local log
    log=$(mktemp)
    # shellcheck disable=SC2086 # a list of packages
    if $as_root apt-get update -qq >"$log" 2>&1 &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >>"$log" 2>&1; then
        rm -f "$log"
    else
        cat "$log" >&2
        echo "could not install:$missing (the log is above)" >&2
        rm -f "$log"
        return 1
    fi
}
