// Two tasks beside the one that CpuBench starts, for tests of hardware task switches.
#pragma once

#include "tests/cpu/cpu_bench.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {

// Task B has a 32-bit TSS, task C a 16-bit one; both begin at their own code and stack, at level 0.
class TaskBench : public testing::Test {
protected:
    static constexpr uint16_t tss_b = 0x60, tss_c = 0x68, task_gate = 0x70, ldt = 0x78, far_entry = 0x80,
                              user_conforming = 0x88, narrow_code = 0x90;
    static constexpr uint32_t b = 0x1'6000, c = 0x1'6200, ldt_address = 0x1'6400, b_code = 0x11'0000,
                              c_code = 0x8000, b_stack = 0x7'0000, b_kernel_stack = 0x7'8000;

    TaskBench() {
        bench.install_tables();
        CpuState s = bench.cpu.state();
        s.gdtr.limit = 0xFF;
        bench.cpu.set_state(s);
        bench.descriptor(tss_b, b << 16 | 0x67, 0x0000'8900 | b >> 16);
        bench.descriptor(tss_c, c << 16 | 0x2B, 0x0000'8100 | c >> 16);
        bench.descriptor(task_gate, uint32_t{tss_b} << 16, 0x0000'8500);
        bench.descriptor(ldt, ldt_address << 16 | 0x17, 0x0000'8200 | ldt_address >> 16);
        bench.descriptor(user_conforming, 0x0000'FFFF, 0x00CF'FF00);
        bench.descriptor(narrow_code, 0x0000'0FFF, 0x0040'9B00);
        put(b + 0x04, b_kernel_stack);
        put(b + 0x08, CpuBench::kernel_data);
        put(b + 0x20, b_code);
        put(b + 0x24, 0x2);
        for (unsigned i = 0; i < 8; ++i)
            put(b + 0x28 + i * 4, 0xB000'0000 + i);
        put(b + 0x38, b_stack);
        const uint16_t selectors[] = {
            CpuBench::kernel_data, CpuBench::kernel_code, CpuBench::kernel_data, CpuBench::kernel_data, 0, 0};
        for (unsigned i = 0; i < 6; ++i)
            put(b + 0x48 + i * 4, selectors[i]);
        put(b + 0x64, 0x0068'0000);
        bench.put(b_code, {0xF4});

        put16(c + 0x0E, c_code);
        put16(c + 0x10, 0x2);
        for (unsigned i = 0; i < 8; ++i)
            put16(c + 0x12 + i * 2, 0xC000 + i);
        put16(c + 0x1A, 0x9000);
        for (unsigned i = 0; i < 4; ++i)
            put16(c + 0x22 + i * 2, selectors[i]);
        bench.put(c_code, {0xF4});
    }
    void put(uint32_t address, uint32_t value) { bench.put32(address, value); }
    void put16(uint32_t address, uint32_t value) { std::memcpy(bench.memory.data() + address, &value, 2); }
    uint16_t get16(uint32_t address) { return static_cast<uint16_t>(bench.get32(address)); }
    // 8 or 9 and the busy bit.
    unsigned type(uint16_t selector) { return bench.get32(CpuBench::gdt_address + selector + 4) >> 8 & 0x1F; }
    void code_jump(uint16_t selector) { far(0xEA, selector); }
    void code_call(uint16_t selector) { far(0x9A, selector); }
    void far(uint8_t opcode, uint16_t selector) {
        bench.code(
            {opcode, 0, 0, 0, 0, static_cast<uint8_t>(selector), static_cast<uint8_t>(selector >> 8), 0xF4});
    }
    uint32_t on_stack(unsigned index) { return bench.get32(bench.cpu.state().general[reg_esp] + index * 4); }
    void edit(const std::function<void(CpuState&)>& change) {
        CpuState s = bench.cpu.state();
        change(s);
        bench.cpu.set_state(s);
    }
    // A fault of the old task, at the instruction: nothing has happened.
    void expect_refused(int vector, uint32_t error) {
        const CpuState before = bench.cpu.state();
        const CpuState s = bench.run();
        ASSERT_EQ(bench.halted_in(), vector);
        EXPECT_EQ(on_stack(0), error);
        EXPECT_EQ(on_stack(1), CpuBench::code_address);
        EXPECT_EQ(s.tr, before.tr);
        EXPECT_EQ(s.cr0, before.cr0);
        EXPECT_EQ(s.general[reg_eax], before.general[reg_eax]);
        EXPECT_EQ(bench.get32(CpuBench::tss_address + 0x20), 0u) << "nothing was saved";
        EXPECT_EQ(type(CpuBench::tss), 11u);
    }
    // A fault of the new task, before its first instruction.
    void expect_fault_in_b(int vector, uint32_t error) {
        const CpuState s = bench.run();
        ASSERT_EQ(bench.halted_in(), vector);
        EXPECT_EQ(on_stack(0), error);
        EXPECT_EQ(on_stack(1), b_code);
        EXPECT_EQ(s.tr.selector, tss_b);
        EXPECT_EQ(s.general[reg_eax], 0xB000'0000u);
        EXPECT_EQ(bench.get32(CpuBench::tss_address + 0x20), CpuBench::code_address + 7)
            << "the old task is behind its jump";
        EXPECT_EQ(type(CpuBench::tss), 9u);
        EXPECT_EQ(type(tss_b), 11u);
    }

    CpuBench bench;
};

} // namespace fixpoint::models
