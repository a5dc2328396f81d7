// The processor's access to ports.
#include "models/cpu/core.hpp"

namespace fixpoint::models {

// SDM vol. 1, 18.5: CPL against IOPL, then the bitmap in the TSS.
bool Core::io_allowed(uint16_t port, unsigned bytes) {
    if (!protected_mode() || (!v86() && privilege <= iopl()))
        return true;
    constexpr uint32_t map_base_offset = 0x66, smallest_limit = 0x67;
    const unsigned type = tr.attributes & SegmentState::type_mask;
    uint16_t map_base = 0, bits = 0;
    if ((type != 9 && type != 11) || tr.limit < smallest_limit)
        return raise_protection();
    if (!read_system(tr.base + map_base_offset, map_base))
        return false;
    const uint32_t offset = uint32_t{map_base} + port / 8;
    if (offset + 1 > tr.limit)
        return raise_protection();
    if (!read_system(tr.base + offset, bits))
        return false;
    return (bits >> (port % 8) & ((1u << bytes) - 1)) == 0 || raise_protection();
}

uint32_t Core::io_read(const Op* op, uint16_t port, unsigned bytes) {
    current = op;
    note_port_access(port, bytes);
    clock.cycles += bus.io_cycles(port);
    return bus.io_read(port, bytes);
}
void Core::io_write(const Op* op, uint16_t port, unsigned bytes, uint32_t value) {
    current = op;
    note_port_access(port, bytes);
    clock.cycles += bus.io_cycles(port);
    bus.io_write(port, bytes, value);
}

} // namespace fixpoint::models
