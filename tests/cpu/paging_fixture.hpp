// A processor with paging on and a page of interest, for the tests of address translation.
#pragma once

#include "tests/cpu/code_builder.hpp"
#include "tests/cpu/cpu_bench.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {

namespace page_bits {
inline constexpr uint32_t present = 1, writable = 2, user = 4, accessed = 0x20, dirty = 0x40, large = 0x80,
                          global = 0x100;
inline constexpr uint32_t cr0_wp = 1u << 16, cr0_pg = 1u << 31, cr4_pse = 0x10, cr4_pae = 0x20,
                          cr4_pge = 0x80;
} // namespace page_bits
using namespace page_bits;

// Paging on, the first 4 MB mapped one to one for everybody; a page of interest at `page`, its entry at
// `entry`.
class Paging : public testing::Test {
protected:
    static constexpr uint32_t directory = 0x20'0000, table = 0x20'1000, second_table = 0x20'2000;
    static constexpr uint32_t page = 0x0040'3000, entry = second_table + 3 * 4, frame = 0x30'3000;

    Paging() {
        bench.install_tables();
        bench.put32(directory, table | present | writable | user);
        bench.put32(directory + 4, second_table | present | writable | user);
        for (uint32_t i = 0; i < 1024; ++i)
            bench.put32(table + i * 4, i << 12 | present | writable | user);
        bench.put32(entry, frame | present | writable | user);
        CpuState s = CpuBench::flat_state();
        s.cr0 |= 0x8000'0000u | cr0_wp;
        s.cr3 = directory;
        s.cr4 = cr4_pse;
        bench.cpu.set_state(s);
    }
    void change(void (*edit)(CpuState&)) {
        CpuState s = bench.cpu.state();
        edit(s);
        bench.cpu.set_state(s);
    }
    // The error code that the handler of a page fault finds on its stack.
    uint32_t error_code() { return bench.get32(bench.cpu.state().general[reg_esp]); }
    void expect_fault(uint32_t error, uint32_t address) {
        const CpuState s = bench.run();
        ASSERT_EQ(bench.halted_in(), 14);
        EXPECT_EQ(error_code(), error);
        EXPECT_EQ(s.cr2, address);
        EXPECT_EQ(bench.get32(s.general[reg_esp] + 4), CpuBench::code_address)
            << "EIP of the faulting instruction";
    }
    void read_page() { bench.code({0xA1, 0x00, 0x30, 0x40, 0x00, 0xF4}); }  // mov eax, [page]
    void write_page() { bench.code({0xA3, 0x00, 0x30, 0x40, 0x00, 0xF4}); } // mov [page], eax

    // Puts `code` where EIP stands at first and runs it to its end.
    CpuState run(const Code& code) {
        place(code);
        return bench.run();
    }
    void place(const Code& code) { bench.put(CpuBench::code_address, code.bytes()); }
    void expect_no_fault() { EXPECT_EQ(bench.halted_in(), -1) << "an exception's handler was entered"; }

    CpuBench bench;
};

} // namespace fixpoint::models
