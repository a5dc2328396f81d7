#!/bin/bash
# run_stress.sh FIXPOINT MACHINE QEMU IMAGE_DIR SIGMA0 ROOT KERNEL_ARGUMENTS
#
# Runs the stress program with mappings that stay and with KERNEL_ARGUMENTS, under which they are dropped now and then
# (I7): under QEMU and on the modelled machine, four runs with equal output.
set -u
here=$(dirname "$0")
stay=$("$here/run_guest_test_in_both.sh" "$1" "$2" "" "${@:3:4}" "") || { printf '%s\n' "$stay"; exit 1; }
go=$("$here/run_guest_test_in_both.sh" "$1" "$2" "" "${@:3}") || { printf '%s\n' "$go"; exit 1; }
printf '%s\n' "$go"
[ "$stay" = "$go" ] || { echo "another result than with mappings that stay:"; printf '%s\n' "$stay"; exit 1; }
