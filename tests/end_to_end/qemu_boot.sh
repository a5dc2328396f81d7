#!/bin/bash
# Boots the image under QEMU's PC with its console on standard output.
#
#   qemu_boot.sh IMAGE_DIR DISK_IMAGE CHECKPOINT_ARGUMENTS PROGRAM... [-- QEMU_OPTION...]
#
# PROGRAM is a module with its arguments, such as "ledger.elf accounts=1000". A disk image that does not exist is made
# (64 MB, sparse). Exit status as QEMU's: 33 when all workloads verified, 35 when one failed.
# Environment: MEMORY_MIB (64), KERNEL_ARGUMENTS, OMIT (a server's file that is left out, for tests).
# With a program "console_log.elf" the programs' lines are held until a checkpoint covers them, and are numbered.
set -eu

if [ $# -lt 4 ]; then
    sed -n 's/^# \{0,1\}//; 2,8p' "$0" >&2
    exit 2
fi
image=$1 disk=$2 checkpoint=$3
shift 3

[ -e "$disk" ] || truncate -s 64M "$disk"

# QEMU splits -initrd at commas; a comma inside an argument is doubled.
modules="$image/sigma0.elf,$image/root.elf exit=debug"
for server in ide.elf "checkpoint.elf ${checkpoint//,/,,}" "console.elf numbers=1"; do
    [ "${server%% *}" = "${OMIT:-}" ] || modules+=",$image/$server"
done
while [ $# -gt 0 ]; do
    if [ "$1" = -- ]; then
        shift
        break
    fi
    modules+=",$image/${1//,/,,}"
    shift
done

exec qemu-system-i386 -M pc -cpu pentium3 -m "${MEMORY_MIB:-64}" \
    -kernel "$image/kernel.elf" -append "${KERNEL_ARGUMENTS:-tcb-pager=6 paged-tasks=16}" -initrd "$modules" \
    -display none -serial stdio -monitor none -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=0x04 \
    -drive "file=$disk,format=raw,if=ide" "$@" </dev/null
