#!/bin/bash
# run_guest_test.sh QEMU IMAGE_DIR SIGMA0 ROOT KERNEL_ARGUMENTS [EXPECTED_TEXT]
#
# Boots kernel, sigma0 and a test root task under QEMU. Passes when the root task leaves by isa-debug-exit with status
# 33 (all checks held), or, with EXPECTED_TEXT, when that text appears on the console and the machine does not finish.
# GUEST_INPUT, a variable, is what comes in on the serial line. BOOTER, another one, is a program that is started in the
# kernel's place and gets the kernel as its first module.
# FIXPOINT_GUEST_SECONDS is how long it may take (100; with EXPECTED_TEXT 3).
set -u
qemu=$1 images=$2 sigma0=$3 root=$4 arguments=$5 expected=${6:-}
limit=${FIXPOINT_GUEST_SECONDS:-${expected:+3}}
console=$(printf %s "${GUEST_INPUT:-}" | timeout "${limit:-100}" "$qemu" -M pc -cpu pentium3 -m 64 \
    -kernel "${BOOTER:-$images/kernel.elf}" -append "$arguments" \
    -initrd "${BOOTER:+$images/kernel.elf $arguments,}$sigma0,$root" -display none -serial stdio \
    -device isa-debug-exit,iobase=0xf4,iosize=0x04)
status=$?
printf '%s\n' "$console"
if [ -n "$expected" ]; then
    case $console in
    *"$expected"*) exit 0 ;;
    esac
    echo "expected on the console: $expected"
    exit 1
fi
[ $status -eq 33 ] || { echo "exit status $status instead of 33"; exit 1; }
