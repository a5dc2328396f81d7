// Which pages a map item with a given receive window connects.
//
// Source: L4 reference manual, mapping with different sizes: the larger of send fpage and receive window is
// indexed by the send base. An fpage of 2^32 bytes is the whole space; what lies beyond user space is cut off
// by the caller.
#pragma once

#include "kernel-model/abi/types.hpp"

#include <cstdint>

namespace kernel {

struct MapGeometry {
    uint32_t source, target; // first addresses
    unsigned log2_size;      // of the part that is mapped; 0: nothing
};

constexpr uint32_t offset_mask(unsigned log2_size) {
    return log2_size >= 32 ? 0xFFFFFFFFu : (1u << log2_size) - 1;
}

constexpr MapGeometry map_geometry(uint32_t send_base, l4::Fpage send, l4::Fpage window) {
    const unsigned send_size = send.log2_size(), window_size = window.log2_size();
    if (send_size < l4::page_bits || send_size > 32 || window_size < l4::page_bits || window_size > 32)
        return {0, 0, 0};
    const uint32_t send_mask = offset_mask(send_size), window_mask = offset_mask(window_size);
    const uint32_t send_start = send.base() & ~send_mask, window_start = window.base() & ~window_mask;
    if (send_size <= window_size)
        return {send_start, window_start | (send_base & window_mask & ~send_mask), send_size};
    return {send_start | (send_base & send_mask & ~window_mask), window_start, window_size};
}

} // namespace kernel
