// QEMU's video adapter, a PCI device with 16 MB of memory: the VGA, and memory at an address of one's choice.
#pragma once

#include "tests/qtest/sequence.hpp"

#include <string>
#include <vector>

namespace fixpoint::qtest {

inline std::vector<std::string> display_adapter() {
    return {"-device", "VGA,addr=2,romfile="};
}

// Puts its memory at `address`, a multiple of 16 MB.
inline Steps map_display_memory(uint32_t address) {
    constexpr uint32_t index = 0xCF8, data = 0xCFC, device_2 = 0x8000'1000, command = 0x04, base = 0x10;
    constexpr uint32_t memory_space = 2;
    return {out(index, device_2 | base, 4), out(data, address, 4), out(index, device_2 | command, 4),
            out(data, memory_space, 2)};
}

} // namespace fixpoint::qtest
