// What the tests of the x87 share: instructions as bytes, and a processor in protected mode with a fresh x87.
#pragma once

#include "tests/cpu/cpu_bench.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fixpoint::models::x87_tests {

using Code = std::vector<uint8_t>;

inline constexpr uint32_t data = 0x5000;
inline constexpr uint16_t divide_by_zero_unmasked = 0x037B, invalid_unmasked = 0x037E;
inline constexpr uint32_t cr0_mp = 2, cr0_em = 4, cr0_ts = 8, cr0_ne = 0x20;
inline constexpr int invalid_opcode = 6, device_not_available = 7, stack_fault = 12, general_protection = 13,
                     page_fault = 14, floating_point_error = 16, alignment_check = 17;

// Instructions.
inline const Code fld1{0xD9, 0xE8}, fldz{0xD9, 0xEE}, fldpi{0xD9, 0xEB},
    divide_one_by_zero{0xD9, 0xE8, 0xD9, 0xEE, 0xDE, 0xF9}, wait{0x9B}, fnclex{0xDB, 0xE2},
    fninit{0xDB, 0xE3}, fnstsw_ax{0xDF, 0xE0}, hlt{0xF4};

inline Code operator+(Code a, const Code& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}
inline Code at(uint8_t opcode, unsigned reg, uint32_t address) {
    return {opcode,
            static_cast<uint8_t>(reg << 3 | 5),
            static_cast<uint8_t>(address),
            static_cast<uint8_t>(address >> 8),
            static_cast<uint8_t>(address >> 16),
            static_cast<uint8_t>(address >> 24)};
}
inline Code fxsave(uint32_t address, unsigned reg = 0) {
    return Code{0x0F} + at(0xAE, reg, address);
}

class X87 : public testing::Test {
protected:
    X87() {
        bench.install_tables();
        change([](CpuState& s) {
            s.x87.finit();
            s.cr0 |= cr0_ne;
        });
    }
    template<class F>
    void change(F f) {
        CpuState s = bench.cpu.state();
        f(s);
        bench.cpu.set_state(s);
    }
    CpuState run(const Code& code) {
        bench.put(CpuBench::code_address, std::span{code});
        bench.cpu.snoop_write(CpuBench::code_address, 64);
        return bench.run();
    }
    // The exception's vector; where it happened is in fault_eip().
    int exception(const Code& code) {
        run(code + hlt);
        return bench.halted_in();
    }
    [[nodiscard]] uint32_t on_stack(unsigned index) {
        return bench.get32(bench.cpu.state().general[reg_esp] + index * 4);
    }
    [[nodiscard]] uint16_t get16(uint32_t address) { return static_cast<uint16_t>(bench.get32(address)); }
    void control(uint16_t word) {
        change([word](CpuState& s) { s.x87.set_control(word); });
    }
    // Paging with every page mapped to itself but the one given.
    void page_missing(uint32_t address, uint32_t rights = 0) {
        constexpr uint32_t directory = 0x20'0000, table = 0x20'1000;
        bench.put32(directory, table | 7);
        for (uint32_t i = 0; i < 1024; ++i)
            bench.put32(table + i * 4, i << 12 | 7);
        bench.put32(table + (address >> 12) * 4, (address & ~0xFFFu) | rights);
        change([](CpuState& s) {
            s.cr3 = directory;
            s.cr0 |= 0x8001'0000; // PG, WP
        });
    }

    CpuBench bench;
};

} // namespace fixpoint::models::x87_tests
