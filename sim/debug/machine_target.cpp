#include "sim/debug/machine_target.hpp"

#include "models/chipset/vga.hpp"

#include <cstring>

namespace fixpoint::sim {

// Device memory is left alone: reading it may have effects.
bool MachineTarget::is_memory(uint32_t physical, size_t bytes) const {
    using models::Vga;
    const uint64_t end = uint64_t{physical} + bytes;
    return end <= machine_.memory().size() &&
           (end <= Vga::window_base || physical >= Vga::window_base + Vga::window_size);
}

bool MachineTarget::read_physical(uint32_t physical, std::span<uint8_t> bytes) const {
    if (!is_memory(physical, bytes.size()))
        return false;
    std::memcpy(bytes.data(), machine_.memory().data() + physical, bytes.size());
    return true;
}

bool MachineTarget::write_physical(uint32_t physical, std::span<const uint8_t> bytes) {
    if (!is_memory(physical, bytes.size()))
        return false;
    std::memcpy(machine_.memory().data() + physical, bytes.data(), bytes.size());
    machine_.cpu().snoop_write(physical, static_cast<uint32_t>(bytes.size()));
    return true;
}

} // namespace fixpoint::sim
