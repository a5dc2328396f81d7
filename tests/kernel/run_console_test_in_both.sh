#!/bin/bash
# run_console_test_in_both.sh FIXPOINT MACHINE QEMU IMAGE_DIR SIGMA0 ROOT KERNEL_ARGUMENTS EXPECTED_TEXT
#
# The text must appear on the console under QEMU (run_guest_test.sh) and on the modelled machine. GUEST_INPUT is what comes in
# on the serial line.
set -u
fixpoint=$1 machine=$2
shift 2
images=$2 sigma0=$3 root=$4 arguments=$5 expected=$6
"$(dirname "$0")/run_guest_test.sh" "$@" || exit 1
console=$(printf %s "${GUEST_INPUT:-}" | "$fixpoint" boot --machine "$machine" --memory 64 --max-seconds "${FIXPOINT_GUEST_SECONDS:-2}" \
    --kernel "$images/kernel.elf" ${arguments:+--append "$arguments"} --module "$sigma0" --module "$root" 2>/dev/null)
case $console in
*"$expected"*) exit 0 ;;
esac
printf '%s\n' "$console"
echo "expected on the modelled machine's console: $expected"
exit 1
