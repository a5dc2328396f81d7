// Segments and gates of every kind for tests of far transfers and of the delivery of events.
#pragma once

#include "tests/cpu/cpu_bench.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <initializer_list>

namespace fixpoint::models {

inline constexpr uint32_t code = CpuBench::code_address, stack_top = CpuBench::stack_top,
                          kernel_stack = CpuBench::kernel_stack, untouched = 0x5A5A'5A5A;

class FarTransferFixture : public testing::Test {
protected:
    static constexpr uint16_t conforming = 0x60, other_code = 0x68, gate16 = 0x70, gate32 = 0x78,
                              narrow_code = 0x80, user_code16 = 0x88 | 3, user_data16 = 0x90 | 3,
                              kernel_data16 = 0x98, user_conforming = 0xA0, tiny_stack = 0xA8,
                              absent_code = 0xB0;

    FarTransferFixture() {
        bench.install_tables();
        edit([](CpuState& s) { s.gdtr.limit = 0xFF; });
        bench.descriptor(conforming, 0x0000'FFFF, 0x00CF'9F00);
        bench.descriptor(other_code, 0x0000'FFFF, 0x00CF'9A00); // not yet accessed
        bench.descriptor(narrow_code, 0x0000'0FFF, 0x0040'9B00);
        bench.descriptor(user_code16, 0x0000'FFFF, 0x000F'FB00);
        bench.descriptor(user_data16, 0x0000'FFFF, 0x0000'F300);
        bench.descriptor(kernel_data16, 0x0000'FFFF, 0x0000'9300);
        bench.descriptor(user_conforming, 0x0000'FFFF, 0x00CF'FF00);
        bench.descriptor(tiny_stack, 0x0000'0FFF, 0x0040'9300);
        bench.descriptor(absent_code, 0x0000'FFFF, 0x00CF'1B00);
        for (uint32_t a = 0; a < 0x80; a += 4) {
            bench.put32(stack_top - 0x80 + a, untouched);
            bench.put32(kernel_stack - 0x80 + a, untouched);
        }
    }
    void edit(const std::function<void(CpuState&)>& change) {
        CpuState s = bench.cpu.state();
        change(s);
        bench.cpu.set_state(s);
    }
    void call_gate(uint16_t selector, uint16_t to, uint32_t offset, unsigned type, unsigned parameters = 0) {
        bench.descriptor(selector, uint32_t{to} << 16 | (offset & 0xFFFF),
                         (offset & 0xFFFF'0000) | type << 8 | parameters);
    }
    void far(uint8_t opcode, uint16_t selector, uint32_t offset = 0x4800) {
        bench.code({opcode, static_cast<uint8_t>(offset), static_cast<uint8_t>(offset >> 8),
                    static_cast<uint8_t>(offset >> 16), static_cast<uint8_t>(offset >> 24),
                    static_cast<uint8_t>(selector), static_cast<uint8_t>(selector >> 8)});
    }
    void far_jump(uint16_t selector, uint32_t offset = 0x4800) { far(0xEA, selector, offset); }
    void far_call(uint16_t selector, uint32_t offset = 0x4800) { far(0x9A, selector, offset); }
    // Puts words or doublewords where ESP points.
    void on_top(std::initializer_list<uint32_t> values, unsigned bytes = 4) {
        const auto esp = stack_top - static_cast<uint32_t>(values.size() * bytes);
        uint32_t at = esp;
        for (const uint32_t value : values) {
            std::memcpy(bench.memory.data() + at, &value, bytes);
            at += bytes;
        }
        edit([&](CpuState& s) { s.general[reg_esp] = esp; });
    }
    uint32_t on_stack(unsigned index) { return bench.get32(bench.cpu.state().general[reg_esp] + index * 4); }
    void expect_error(int vector, uint32_t error, uint32_t eip = code) {
        bench.run();
        ASSERT_EQ(bench.halted_in(), vector);
        EXPECT_EQ(on_stack(0), error);
        EXPECT_EQ(on_stack(1), eip);
    }

    CpuBench bench;
};

} // namespace fixpoint::models
