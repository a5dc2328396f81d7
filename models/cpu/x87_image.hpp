// The x87's state as FSTENV, FSAVE and FXSAVE lay it out in memory.
//
//   environment  28 or 14 bytes by the operand size; other fields in real and virtual-8086 mode than in protected mode,
//                where the pointers are linear addresses (SDM vol. 1, figures 8-9 to 8-12)
//   all          the environment, then ST(0) to ST(7) of 10 bytes each
//   extended     512 bytes (SDM vol. 1, table 10-2). As a processor without SSE does it, only the first 160 are used, and
//                MXCSR with its mask is left alone.
#pragma once

#include "models/cpu/x87_state.hpp"

#include <array>

namespace fixpoint::models {

struct X87Image {
    static constexpr unsigned largest_environment = 28, register_bytes = 10,
                              largest = largest_environment + 8 * register_bytes;

    bool wide;        // 32-bit operand size
    bool with_linear; // real or virtual-8086 mode

    [[nodiscard]] unsigned environment_bytes() const {
        return wide ? largest_environment : largest_environment / 2;
    }

    void store_environment(const X87State& x87, uint8_t* image) const;
    void load_environment(X87State& x87, const uint8_t* image) const;
};

// `image` is where ST(0) begins.
void store_x87_registers(const X87State& x87, uint8_t* image, unsigned stride);
void load_x87_registers(X87State& x87, const uint8_t* image, unsigned stride);

struct X87ExtendedImage {
    static constexpr unsigned bytes = 512, alignment = 16;
    // What is written and read: a header without MXCSR, and the registers.
    static constexpr unsigned header_bytes = 24, registers_offset = 32, register_stride = 16,
                              registers_bytes = 8 * register_stride,
                              used_bytes = registers_offset + registers_bytes;

    static void store(const X87State& x87, uint8_t* image);
    static void load(X87State& x87, const uint8_t* image);
};

} // namespace fixpoint::models
