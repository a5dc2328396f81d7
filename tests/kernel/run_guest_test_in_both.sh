#!/bin/bash
# run_guest_test_in_both.sh FIXPOINT MACHINE COMPARED QEMU IMAGE_DIR SIGMA0 ROOT KERNEL_ARGUMENTS
#
# Runs a guest test under QEMU (run_guest_test.sh) and on the modelled machine: it must pass in both, with equal output; if
# COMPARED, a regular expression, is not empty, only what matches it must be equal.
# GUEST_INPUT and BOOTER as there.
set -u
fixpoint=$1 machine=$2 compared=$3
shift 3
images=$2 sigma0=$3 root=$4 arguments=$5
comparable() {
    printf '%s\n' "$1" | tr -d '\r' | sed 's/ *$//' | grep -a -o -E "${compared:-.*}"
}
qemu_console=$("$(dirname "$0")/run_guest_test.sh" "$@") || { printf '%s\n' "$qemu_console"; exit 1; }
model_console=$(printf %s "${GUEST_INPUT:-}" | "$fixpoint" boot --machine "$machine" --memory 64 \
    --max-seconds "${FIXPOINT_GUEST_SECONDS:-100}" \
    --kernel "${BOOTER:-$images/kernel.elf}" ${arguments:+--append "$arguments"} \
    ${BOOTER:+--module "$images/kernel.elf $arguments"} --module "$sigma0" --module "$root" 2>/dev/null)
status=$?
printf '%s\n' "$model_console"
[ $status -eq 33 ] || { echo "exit status $status instead of 33 on the modelled machine"; exit 1; }
diff <(comparable "$qemu_console") <(comparable "$model_console") || { echo "the consoles differ (< QEMU, > model)"; exit 1; }
