// A guest program on the modelled machine and on qemu-system-i386 -M pc: what it prints must be the same,
// byte for byte, and so must the way it leaves.
#pragma once

#include "sim/machine/boot_image.hpp"

namespace fixpoint::sim::test {

[[nodiscard]] bool have_qemu();
// Expectations of the calling test. The program leaves through isa-debug-exit.
void expect_same_as_qemu(const BootImage& image);

} // namespace fixpoint::sim::test
