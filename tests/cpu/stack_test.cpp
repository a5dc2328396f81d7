// Stack instructions and near transfers: widths of stack, operand and address, limits, and that what faults has
// pushed nothing (SDM vol. 2).
#include "tests/cpu/cpu_bench.hpp"

#include "models/cpu/flags.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

constexpr uint32_t code = CpuBench::code_address, stack_top = CpuBench::stack_top;
constexpr uint32_t untouched = 0x5A5A'5A5A;

class StackInstructions : public testing::Test {
protected:
    StackInstructions() {
        bench.install_tables();
        // Faults on broken stacks need another one: level 3 has it.
        bench.set_user();
    }
    void edit(const std::function<void(CpuState&)>& change) {
        CpuState s = bench.cpu.state();
        change(s);
        bench.cpu.set_state(s);
    }
    void narrow_stack(uint32_t esp) {
        edit([&](CpuState& s) {
            s.segment[seg_ss] = {CpuBench::user_data, 0x00F3, 0, 0xFFFF};
            s.general[reg_esp] = esp;
        });
    }
    void set(RegisterIndex index, uint32_t value) {
        edit([&](CpuState& s) { s.general[index] = value; });
    }
    // Runs to the UD2 behind the code; the program's registers, its ESP from the frame.
    CpuState run_to_ud2(std::initializer_list<uint8_t> bytes) {
        bench.code(bytes);
        bench.put(code + static_cast<uint32_t>(bytes.size()), {0x0F, 0x0B});
        CpuState s = bench.run();
        EXPECT_EQ(bench.halted_in(), 6);
        s.general[reg_esp] = bench.get32(CpuBench::kernel_stack - 8);
        return s;
    }
    void expect_stack_fault(uint32_t esp) {
        bench.run();
        ASSERT_EQ(bench.halted_in(), 12);
        EXPECT_EQ(bench.get32(CpuBench::kernel_stack - 24), 0u);
        EXPECT_EQ(bench.get32(CpuBench::kernel_stack - 20), code);
        EXPECT_EQ(bench.get32(CpuBench::kernel_stack - 8), esp);
    }

    CpuBench bench;
};

TEST_F(StackInstructions, PushEspPushesItsOldValue) {
    run_to_ud2({0x54});
    EXPECT_EQ(bench.get32(stack_top - 4), stack_top);
}
TEST_F(StackInstructions, PopEspTakesTheValue) {
    bench.put32(stack_top, 0x1234'0000);
    EXPECT_EQ(run_to_ud2({0x5C}).general[reg_esp], 0x1234'0000u);
}
TEST_F(StackInstructions, PopIntoTheStackAddressesBehindThePop) {
    bench.put32(stack_top, 0x77);
    run_to_ud2({0x8F, 0x04, 0x24}); // pop [esp]
    EXPECT_EQ(bench.get32(stack_top + 4), 0x77u);
}
TEST_F(StackInstructions, PopThatCannotStoreLeavesEsp) {
    edit([](CpuState& s) { s.segment[seg_es] = {}; });
    bench.code({0x26, 0x8F, 0x00});
    bench.run();
    ASSERT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(bench.get32(CpuBench::kernel_stack - 8), stack_top);
}
TEST_F(StackInstructions, NarrowStackWrapsAndKeepsTheHighHalf) {
    narrow_stack(0x7654'0000);
    EXPECT_EQ(run_to_ud2({0x68, 0x44, 0x33, 0x22, 0x11}).general[reg_esp], 0x7654'FFFCu);
    EXPECT_EQ(bench.get32(0xFFFC), 0x1122'3344u);
}
TEST_F(StackInstructions, PushAcrossTheWrapIsAStackFault) {
    narrow_stack(2);
    bench.code({0x68, 0x44, 0x33, 0x22, 0x11});
    expect_stack_fault(2);
}
TEST_F(StackInstructions, PushaFaultsBeforeItsFirstPush) {
    narrow_stack(18); // the fifth doubleword would cross the segment's end
    bench.put32(14, untouched);
    bench.code({0x60});
    expect_stack_fault(18);
    EXPECT_EQ(bench.get32(14), untouched);
}
TEST_F(StackInstructions, PushaWrapsBetweenItsPushes) {
    narrow_stack(16);
    set(reg_eax, 0xAAAA'AAAA);
    set(reg_edi, 0xDDDD'DDDD);
    EXPECT_EQ(run_to_ud2({0x60}).general[reg_esp], 0xFFF0u);
    EXPECT_EQ(bench.get32(12), 0xAAAA'AAAAu);
    EXPECT_EQ(bench.get32(0xFFF0), 0xDDDD'DDDDu);
}
TEST_F(StackInstructions, PopaLeavesEspAlone) {
    for (uint32_t i = 0; i < 8; ++i)
        bench.put32(stack_top - 32 + i * 4, 0x100 + i);
    set(reg_esp, stack_top - 32);
    const CpuState s = run_to_ud2({0x61});
    EXPECT_EQ(s.general[reg_esp], stack_top);
    EXPECT_EQ(s.general[reg_edi], 0x100u);
    EXPECT_EQ(s.general[reg_eax], 0x107u);
}
TEST_F(StackInstructions, SegmentPushWritesAWordIntoADoubleword) {
    bench.put32(stack_top - 4, untouched);
    EXPECT_EQ(run_to_ud2({0x1E}).general[reg_esp], stack_top - 4);
    EXPECT_EQ(bench.get32(stack_top - 4), (untouched & 0xFFFF'0000) | CpuBench::user_data);
}
TEST_F(StackInstructions, EnterCopiesFramePointers) {
    set(reg_ebp, 0x8'1000);
    bench.put32(0x8'0FFC, 0x1111);
    bench.put32(0x8'0FF8, 0x2222);
    const CpuState s = run_to_ud2({0xC8, 0x10, 0x00, 0x03}); // enter 16, 3
    EXPECT_EQ(bench.get32(stack_top - 4), 0x8'1000u);
    EXPECT_EQ(bench.get32(stack_top - 8), 0x1111u);
    EXPECT_EQ(bench.get32(stack_top - 12), 0x2222u);
    EXPECT_EQ(bench.get32(stack_top - 16), stack_top - 4);
    EXPECT_EQ(s.general[reg_ebp], stack_top - 4);
    EXPECT_EQ(s.general[reg_esp], stack_top - 16 - 16);
}
TEST_F(StackInstructions, EnterTakesItsLevelModulo32) {
    EXPECT_EQ(run_to_ud2({0xC8, 0x00, 0x00, 0x21}).general[reg_esp], stack_top - 8);
}
TEST_F(StackInstructions, EnterMayCopyWhatItHasJustPushed) {
    set(reg_ebp, stack_top);
    run_to_ud2({0xC8, 0x00, 0x00, 0x02});
    EXPECT_EQ(bench.get32(stack_top - 8), stack_top) << "[EBP - 4] is the EBP just pushed";
}
TEST_F(StackInstructions, EnterWhoseFrameDoesNotFitPushesNothing) {
    edit([](CpuState& s) { s.segment[seg_ss] = {CpuBench::user_data, 0x40F7, 0, stack_top - 0x101}; });
    bench.put32(stack_top - 4, untouched);
    bench.code({0xC8, 0x00, 0x02, 0x00}); // enter 512, 0
    expect_stack_fault(stack_top);
    EXPECT_EQ(bench.get32(stack_top - 4), untouched);
    EXPECT_EQ(bench.cpu.state().general[reg_ebp], 0u);
}
TEST_F(StackInstructions, EnterThatCannotReadAFrameChangesNothing) {
    edit([](CpuState& s) {
        s.segment[seg_ss] = {CpuBench::user_data, 0x40F3, 0, stack_top + 0xFFF};
        s.general[reg_ebp] = stack_top + 0x2000;
    });
    bench.put32(stack_top - 4, untouched);
    bench.code({0xC8, 0x00, 0x00, 0x02});
    expect_stack_fault(stack_top);
    EXPECT_EQ(bench.get32(stack_top - 4), untouched);
}
TEST_F(StackInstructions, LeaveOnANarrowStackUsesBp) {
    narrow_stack(0x1234'0100);
    set(reg_ebp, 0xFFFF'0200);
    bench.put32(0x200, 0x0BAD'CAFE);
    const CpuState s = run_to_ud2({0xC9});
    EXPECT_EQ(s.general[reg_ebp], 0x0BAD'CAFEu);
    EXPECT_EQ(s.general[reg_esp], 0x1234'0204u);
}

// ---- Near transfers

class NearTransfers : public StackInstructions {
protected:
    // Code ends 64 KB above its segment's base: the code is at offset 0 of it.
    void narrow_code(uint32_t limit) {
        edit([&](CpuState& s) {
            s.segment[seg_cs] = {CpuBench::user_code, 0x40FB, code, limit};
            s.eip = 0;
        });
    }
    void expect_protection(uint32_t eip, uint32_t esp = stack_top) {
        bench.run();
        ASSERT_EQ(bench.halted_in(), 13);
        EXPECT_EQ(bench.get32(CpuBench::kernel_stack - 24), 0u);
        EXPECT_EQ(bench.get32(CpuBench::kernel_stack - 20), eip);
        EXPECT_EQ(bench.get32(CpuBench::kernel_stack - 8), esp);
    }
};

TEST_F(NearTransfers, CallBeyondTheLimitPushesNothing) {
    narrow_code(0xFFF);
    bench.put32(stack_top - 4, untouched);
    bench.code({0xE8, 0x00, 0x10, 0x00, 0x00});
    expect_protection(0);
    EXPECT_EQ(bench.get32(stack_top - 4), untouched);
}
TEST_F(NearTransfers, ReturnBeyondTheLimitPopsNothing) {
    narrow_code(0xFFF);
    bench.put32(stack_top, 0x1000);
    bench.code({0xC3});
    expect_protection(0);
}
TEST_F(NearTransfers, TakenJumpFaultsItself) {
    narrow_code(0xFFF);
    bench.code({0x90, 0x0F, 0x84, 0x00, 0x10, 0x00, 0x00, 0x31, 0xC0, 0x0F, 0x84, 0x00, 0x10, 0x00, 0x00});
    expect_protection(9);
}
TEST_F(NearTransfers, JumpNotTakenAtTheEndLeavesTheFaultToTheNextInstruction) {
    narrow_code(1);
    bench.code({0x74, 0x00, 0x90}); // jz, not taken
    expect_protection(2);
}
TEST_F(NearTransfers, LoopThatFaultsHasNotCounted) {
    narrow_code(0x7F);
    set(reg_ecx, 5);
    bench.code({0xE2, 0x7E});
    expect_protection(0);
    EXPECT_EQ(bench.cpu.state().general[reg_ecx], 5u);
}
TEST_F(NearTransfers, LoopCountsByAddressSize) {
    set(reg_ecx, 0x1'0001);
    EXPECT_EQ(run_to_ud2({0x67, 0xE2, 0x02, 0xEB, 0x02, 0x0F, 0xFF}).general[reg_ecx], 0x1'0000u);
}
TEST_F(NearTransfers, JcxzLooksAtTheAddressSizesCounter) {
    set(reg_ecx, 0x1'0000);
    run_to_ud2({0xE3, 0x03, 0x67, 0xE3, 0x02, 0x0F, 0xFF}); // jecxz not taken, jcxz taken
}
TEST_F(NearTransfers, SixteenBitJumpTruncates) {
    narrow_code(0xFFFF'FFFF);
    edit([](CpuState& s) {
        s.segment[seg_cs].base = 0;
        s.eip = code;
    });
    bench.put(0x10, {0x0F, 0x0B});
    bench.code({0x66, 0xE9, 0x0C, 0x00}); // to 10'0010, of which 0010 is left
    bench.run();
    ASSERT_EQ(bench.halted_in(), 6);
    EXPECT_EQ(bench.get32(CpuBench::kernel_stack - 20), 0x10u);
}
TEST_F(NearTransfers, SixteenBitCallPushesAWord) {
    bench.put(0x10, {0x0F, 0x0B});
    bench.put32(stack_top - 4, untouched);
    bench.code({0x66, 0xE8, 0x0C, 0x00});
    bench.run();
    ASSERT_EQ(bench.halted_in(), 6);
    EXPECT_EQ(bench.get32(CpuBench::kernel_stack - 8), stack_top - 2);
    EXPECT_EQ(bench.get32(stack_top - 4), 0x0004'5A5Au);
}
TEST_F(NearTransfers, IndirectCallThroughEspReadsBeforeItPushes) {
    bench.put32(stack_top, code + 0x20);
    bench.put(code + 0x20, {0x0F, 0x0B});
    bench.code({0xFF, 0x14, 0x24}); // call [esp]
    bench.run();
    ASSERT_EQ(bench.halted_in(), 6);
    EXPECT_EQ(bench.get32(CpuBench::kernel_stack - 20), code + 0x20);
}
TEST_F(NearTransfers, BoundReadsBothLimits) {
    edit([](CpuState& s) { s.segment[seg_ds].limit = 0x1006; });
    bench.put32(0x1000, 0);
    bench.code({0x62, 0x05, 0x00, 0x10, 0x00, 0x00});
    bench.run();
    EXPECT_EQ(bench.halted_in(), 13);
}
TEST_F(NearTransfers, SixteenBitBoundIsSigned) {
    bench.put32(0x1000, 0x0005'FFFE); // -2 .. 5
    set(reg_eax, 0x1234'FFFE);
    run_to_ud2({0x66, 0x62, 0x05, 0x00, 0x10, 0x00, 0x00});
}

} // namespace
} // namespace fixpoint::models
