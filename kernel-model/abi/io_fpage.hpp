// I/O fpages: 2^size ports from `port` on, mapped to the same ports of the receiver (idempotent).
//
//   F 4 | port 16 | 0 4 | log2 size 6 | 0 1 | g 1
//
// The X.0 manual draws F0h and 12 bits; Hazelnut uses all 16 bits of the port's number, with which the manual's agrees
// for ports below 1000h. No memory fpage that maps anything has such a base, so both are used in the same places: as
// send fpage of a map item (send base and receive window do not matter), in fpage_unmap, and as the address of a page
// fault.
#pragma once

#include "kernel-model/abi/types.hpp"

#include <cstdint>

namespace l4 {

inline constexpr unsigned io_port_bits = 16;
inline constexpr uint32_t io_port_count = 1u << io_port_bits;

struct IoFpage {
    uint32_t raw = 0;

    static constexpr uint32_t mark = 0xF0000000u;

    static constexpr IoFpage make(unsigned port, unsigned log2_size, uint32_t flags = 0) {
        return {mark | (port & (io_port_count - 1)) << 12 | log2_size << 2 | flags};
    }
    static constexpr IoFpage all_ports() { return make(0, io_port_bits); }
    static constexpr bool is(uint32_t raw) { return raw >= mark; }

    constexpr unsigned port() const { return raw >> 12 & (io_port_count - 1); }
    constexpr unsigned log2_size() const { return raw >> 2 & 0x3Fu; }
    constexpr bool grant() const { return raw & Fpage::grant_bit; }
};
static_assert(IoFpage::make(0x3F8, 3).raw == 0xF03F800Cu && IoFpage::all_ports().raw == 0xF0000040u);

} // namespace l4
