// A guest program on the modelled machine and on qemu-system-i386 -M pc: what it prints must be the same,
// byte for byte, and so must the way it leaves.
#pragma once

#include "sim/machine/boot_image.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fixpoint::sim::test {

struct ComparedMachine {
    uint32_t memory_mib = 64;
    std::vector<std::string> differing = {}; // lines that begin so are not compared
};

[[nodiscard]] bool have_qemu();
// Expectations of the calling test. The program leaves through isa-debug-exit.
void expect_same_as_qemu(const BootImage& image, const ComparedMachine& compared = {});

} // namespace fixpoint::sim::test
