// Exceptions, interrupts and privilege: vectors, error codes, stacks, restartability.
#include "tests/cpu/cpu_bench.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

class Protection : public testing::Test {
protected:
    Protection() { bench.install_tables(); }
    uint32_t on_stack(unsigned index) { return bench.get32(bench.cpu.state().general[reg_esp] + index * 4); }
    void expect_exception(int vector) {
        bench.run();
        EXPECT_EQ(bench.halted_in(), vector);
    }
    // With an error code, from level 0 or 3.
    void expect_error(int vector, uint32_t error, uint32_t eip = CpuBench::code_address) {
        bench.run();
        ASSERT_EQ(bench.halted_in(), vector);
        EXPECT_EQ(on_stack(0), error);
        EXPECT_EQ(on_stack(1), eip);
    }

    CpuBench bench;
};

TEST_F(Protection, DivisionByZeroIsAFault) {
    bench.code({0x31, 0xC9, 0xF7, 0xF1, 0xF4}); // xor ecx, ecx; div ecx
    expect_exception(0);
    EXPECT_EQ(on_stack(0), CpuBench::code_address + 2);
}
TEST_F(Protection, QuotientsOfTheMostNegativeNumber) {
    bench.code({0xB8, 0x00, 0x00, 0x00, 0x80, 0x99, 0x83, 0xC9, 0xFF, 0xF7, 0xF9, 0xF4}); // 80000000 / -1
    expect_exception(0);
}
TEST_F(Protection, BreakpointAndIntoAreTraps) {
    bench.code({0xCC});
    expect_exception(3);
    EXPECT_EQ(on_stack(0), CpuBench::code_address + 1);
}
TEST_F(Protection, IntoTrapsOnOverflowOnly) {
    bench.code({0xCE, 0xB0, 0x7F, 0xFE, 0xC0, 0xCE}); // into; mov al, 7f; inc al; into
    expect_exception(4);
    EXPECT_EQ(on_stack(0), CpuBench::code_address + 6);
}
TEST_F(Protection, BoundOutsideItsLimits) {
    bench.put32(0x5000, 1);
    bench.put32(0x5004, 5);
    bench.code({0xB8, 0x06, 0x00, 0x00, 0x00, 0x62, 0x05, 0x00, 0x50, 0x00, 0x00});
    expect_exception(5);
    EXPECT_EQ(on_stack(0), CpuBench::code_address + 5);
}
TEST_F(Protection, UndefinedOpcodes) {
    for (const auto& code : {std::initializer_list<uint8_t>{0x0F, 0x0B},
                             {0x0F, 0xFF},
                             {0x8D, 0xC0},
                             {0xF0, 0x01, 0xC0},
                             {0x66, 0x0F, 0x6F, 0xC0},
                             {0xD9, 0xEF},
                             {0x0F, 0x28, 0xC0},
                             {0xC5, 0xC0, 0x00}}) {
        CpuBench fresh;
        fresh.install_tables();
        fresh.code(code);
        fresh.run();
        EXPECT_EQ(fresh.halted_in(), 6);
    }
}
TEST_F(Protection, FloatingPointRaisesDeviceNotAvailableUnderEmulation) {
    CpuState s = bench.cpu.state();
    s.cr0 |= 4;
    bench.cpu.set_state(s);
    bench.code({0xD9, 0xEE});
    expect_exception(7);
}
TEST_F(Protection, InstructionOfSixteenBytesIsAProtectionFault) {
    bench.code(
        {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90});
    expect_error(13, 0);
}
TEST_F(Protection, UserModeMayNotTouchTheMachine) {
    for (const auto& code : {std::initializer_list<uint8_t>{0xF4},
                             {0xFA},
                             {0xFB},
                             {0x0F, 0x20, 0xC0},
                             {0x0F, 0x22, 0xD8},
                             {0x0F, 0x01, 0x38},
                             {0x0F, 0x06},
                             {0x0F, 0x30},
                             {0x0F, 0x32},
                             {0xE4, 0x10},
                             {0xEE},
                             {0x0F, 0x00, 0xD8},
                             {0x0F, 0x09},
                             {0x6C}}) {
        CpuBench fresh;
        fresh.install_tables();
        fresh.set_user();
        fresh.code(code);
        fresh.run();
        EXPECT_EQ(fresh.halted_in(), 13);
        EXPECT_TRUE(fresh.bus.reads.empty() && fresh.bus.writes.empty());
    }
}
TEST_F(Protection, ExceptionFromUserModeSwitchesToTheTaskStack) {
    bench.set_user(0x202);
    bench.code({0x0F, 0x0B});
    const CpuState s = bench.run();
    ASSERT_EQ(bench.halted_in(), 6);
    EXPECT_EQ(s.general[reg_esp], CpuBench::kernel_stack - 20);
    EXPECT_EQ(s.segment[seg_ss].selector, CpuBench::kernel_data);
    EXPECT_EQ(s.segment[seg_cs].selector, CpuBench::kernel_code);
    EXPECT_EQ(on_stack(0), CpuBench::code_address);
    EXPECT_EQ(on_stack(1), CpuBench::user_code);
    EXPECT_EQ(on_stack(2) & ~0x10000u, 0x202u);
    EXPECT_EQ(on_stack(3), CpuBench::stack_top);
    EXPECT_EQ(on_stack(4), CpuBench::user_data);
    EXPECT_EQ(s.eflags & 0x200u, 0u) << "an interrupt gate closes interrupts";
}
TEST_F(Protection, SoftwareInterruptNeedsAGateOfItsLevel) {
    bench.set_user();
    bench.code({0xCD, 0x30});
    expect_error(13, 0x30 * 8 + 2);
    CpuBench open;
    open.install_tables();
    open.gate(0x30, CpuBench::handler(0x30), 0xEE);
    open.set_user();
    open.code({0xCD, 0x30});
    open.run();
    EXPECT_EQ(open.halted_in(), 0x30);
    EXPECT_EQ(open.get32(open.cpu.state().general[reg_esp]), CpuBench::code_address + 2);
}
TEST_F(Protection, AbsentGateIsSegmentNotPresent) {
    bench.gate(0x40, 0x5000, 0x0E);
    bench.code({0xCD, 0x40});
    expect_error(11, 0x40 * 8 + 2);
}
TEST_F(Protection, InterruptReturnRestoresTheUser) {
    bench.gate(0x30, 0x5000, 0xEE);
    bench.put(0x5000, {0xCF});
    bench.set_user(0x246);
    bench.code({0xCD, 0x30, 0x0F, 0x0B});
    bench.run();
    ASSERT_EQ(bench.halted_in(), 6);
    EXPECT_EQ(on_stack(0), CpuBench::code_address + 2);
    EXPECT_EQ(on_stack(1), CpuBench::user_code);
    EXPECT_EQ(on_stack(2) & ~0x10000u, 0x246u);
    EXPECT_EQ(on_stack(3), CpuBench::stack_top);
}
TEST_F(Protection, ReturnToUserDropsKernelDataSegments) {
    // push 0x23; push stack; push 0x202; push 0x1B; push target; iret -- with DS still the kernel's
    bench.code({0x6A, 0x23, 0x68, 0x00, 0x00, 0x07, 0x00, 0x68, 0x02, 0x02,
                0x00, 0x00, 0x6A, 0x1B, 0x68, 0x20, 0x00, 0x10, 0x00, 0xCF});
    bench.put(CpuBench::code_address + 0x20, {0xA1, 0x00, 0x50, 0x00, 0x00}); // mov eax, [0x5000]
    bench.run();
    ASSERT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(bench.cpu.state().segment[seg_ds].attributes, 0u);
    EXPECT_EQ(on_stack(1), CpuBench::code_address + 0x20);
}
TEST_F(Protection, SegmentLimitIsChecked) {
    // mov ax, small; mov ds, ax; mov eax, [0xFFC]; mov eax, [0xFFD]
    bench.code(
        {0x66, 0xB8, 0x30, 0x00, 0x8E, 0xD8, 0xA1, 0xFC, 0x0F, 0x00, 0x00, 0xA1, 0xFD, 0x0F, 0x00, 0x00});
    expect_error(13, 0, CpuBench::code_address + 11);
}
TEST_F(Protection, ExpandDownSegmentHasItsOffsetsAboveTheLimit) {
    bench.code(
        {0x66, 0xB8, 0x40, 0x00, 0x8E, 0xD8, 0xA1, 0x00, 0x10, 0x00, 0x00, 0xA1, 0xFC, 0x0F, 0x00, 0x00});
    expect_error(13, 0, CpuBench::code_address + 11);
}
TEST_F(Protection, NullSegmentFaultsWhenUsed) {
    bench.code({0x31, 0xC0, 0x8E, 0xD8, 0xA1, 0x00, 0x50, 0x00, 0x00});
    expect_error(13, 0, CpuBench::code_address + 4);
}
TEST_F(Protection, AbsentSegmentFaultsWhenLoaded) {
    bench.code({0x66, 0xB8, 0x48, 0x00, 0x8E, 0xD8});
    expect_error(11, 0x48, CpuBench::code_address + 4);
}
TEST_F(Protection, SelectorBeyondTheTableIsAProtectionFault) {
    bench.code({0x66, 0xB8, 0x88, 0x00, 0x8E, 0xC0});
    expect_error(13, 0x88, CpuBench::code_address + 4);
}
TEST_F(Protection, CallGateSwitchesLevelAndCopiesParameters) {
    bench.put(0x4800, {0x8B, 0x7C, 0x24, 0x08, 0xCA, 0x04, 0x00}); // mov edi, [esp + 8]; retf 4
    bench.set_user();
    // push 0x77; call 0x3B:0; ud2
    bench.code({0x6A, 0x77, 0x9A, 0, 0, 0, 0, 0x3B, 0x00, 0x0F, 0x0B});
    bench.run();
    ASSERT_EQ(bench.halted_in(), 6);
    EXPECT_EQ(on_stack(0), CpuBench::code_address + 9);
    EXPECT_EQ(on_stack(1), CpuBench::user_code);
    EXPECT_EQ(on_stack(3), CpuBench::stack_top) << "the parameter is gone from the user's stack too";
    EXPECT_EQ(bench.cpu.state().general[reg_edi], 0x77u) << "and was on the kernel's";
}
TEST_F(Protection, InputIsAllowedByTheBitmap) {
    bench.memory.data()[CpuBench::tss_address + 0x68 + 0x60 / 8] = 0xFE; // port 0x60 only
    bench.bus.read_value = 0x5A;
    bench.set_user();
    bench.code({0xE4, 0x60, 0xE5, 0x60}); // in al, 0x60; in eax, 0x60
    bench.run();
    ASSERT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(bench.bus.reads.size(), 1u);
    EXPECT_EQ(on_stack(1), CpuBench::code_address + 2);
}
TEST_F(Protection, InputIsAllowedByThePrivilegeLevelOfTheFlags) {
    bench.set_user(0x3202);
    bench.code({0xE4, 0x60, 0x0F, 0x0B});
    expect_exception(6);
    EXPECT_EQ(bench.bus.reads.size(), 1u);
}
TEST_F(Protection, InterruptIsTakenAfterTheInstructionBehindSti) {
    bench.bus.interrupt_vector = 0x21;
    bench.cpu.set_interrupt_line(true);
    bench.code({0xFB, 0x40, 0x40, 0xF4}); // sti; inc eax; inc eax; hlt
    bench.bus.on_acknowledge = [this] { bench.cpu.set_interrupt_line(false); };
    bench.run();
    EXPECT_EQ(bench.halted_in(), 0x21);
    EXPECT_GE(bench.cpu.state().general[reg_eax], 1u);
    EXPECT_EQ(bench.bus.acknowledged, 1u);
}
TEST_F(Protection, InterruptComesBetweenStiAndCliThatHaveOneInstructionBetweenThem) {
    bench.put(CpuBench::handler(0x20), {0x43, 0xCF}); // inc ebx; iret
    bench.bus.on_acknowledge = [this] { bench.cpu.set_interrupt_line(false); };
    bench.cpu.set_interrupt_line(true);
    bench.code({0xFB, 0x90, 0xFA, 0xF4}); // sti; nop; cli; hlt
    EXPECT_EQ(bench.run().general[reg_ebx], 1u);
}
TEST_F(Protection, HaltWaitsForAnInterruptAndGoesOnBehindIt) {
    bench.put(CpuBench::handler(0x21), {0x43, 0xCF}); // inc ebx; iret
    bench.code({0xFB, 0xF4, 0x41, 0xFA, 0xF4});       // sti; hlt; inc ecx; cli; hlt
    bench.bus.interrupt_vector = 0x21;
    bench.bus.on_acknowledge = [this] { bench.cpu.set_interrupt_line(false); };
    bench.run();
    EXPECT_EQ(bench.stop, Cpu::Stop::halted);
    bench.cpu.skip_to(bench.cpu.cycles() + 1000);
    EXPECT_EQ(bench.cpu.idle_cycles(), 1000u);
    bench.cpu.set_interrupt_line(true);
    const CpuState s = bench.run();
    EXPECT_EQ(bench.stop, Cpu::Stop::halted_for_ever);
    EXPECT_EQ(s.general[reg_ebx], 1u);
    EXPECT_EQ(s.general[reg_ecx], 1u);
}
TEST_F(Protection, SingleStepTrapsBehindEachInstruction) {
    bench.put(CpuBench::handler(1), {0x43, 0xCF}); // inc ebx; iret
    // pushf; or dword [esp], 0x100; popf; inc ecx; inc ecx; pushf; and dword [esp], ~0x100; popf; hlt
    bench.code({0x9C, 0x81, 0x0C, 0x24, 0x00, 0x01, 0x00, 0x00, 0x9D, 0x41, 0x41,
                0x9C, 0x81, 0x24, 0x24, 0xFF, 0xFE, 0xFF, 0xFF, 0x9D, 0xF4});
    const CpuState s = bench.run();
    EXPECT_EQ(s.general[reg_ebx], 5u) << "inc, inc, pushf, and, popf";
}
TEST_F(Protection, ShutdownWithoutInterruptTable) {
    CpuState s = bench.cpu.state();
    s.idtr.limit = 0;
    bench.cpu.set_state(s);
    bench.code({0x0F, 0x0B});
    bench.run();
    EXPECT_EQ(bench.stop, Cpu::Stop::triple_fault);
    bench.run();
    EXPECT_EQ(bench.stop, Cpu::Stop::triple_fault) << "until reset";
}
// #AC is benign (SDM vol. 3, table 6-4): a second one is handled after the first, and so on for ever. Processors
// hang there, deaf to interrupts; the model does, too, and returns at its limit.
TEST_F(Protection, AlignmentCheckHandlerOnAMisalignedStackHangsTheProcessor) {
    constexpr uint32_t am = 1u << 18, ac = 1u << 18;
    const struct {
        const char* name = nullptr;
        std::initializer_list<uint8_t> code;
    } cases[] = {{"fault", {0x8B, 0x04, 0x24}}, {"software interrupt", {0xCD, 0x21}}};
    for (const auto& one : cases) {
        SCOPED_TRACE(one.name);
        bench.code(one.code);
        for (const unsigned vector : {0x11u, 0x21u})
            bench.gate(vector, CpuBench::handler(vector), 0xEE, CpuBench::user_code);
        bench.set_user(2 | 1u << 9 | ac);
        CpuState s = bench.cpu.state();
        s.cr0 |= am;
        s.eip = CpuBench::code_address;
        s.general[reg_esp] = CpuBench::stack_top - 0x101;
        bench.cpu.set_state(s);
        const uint64_t before = bench.cpu.counters().exceptions;
        for (unsigned i = 0; i < 2; ++i) {
            const uint64_t start = bench.cpu.cycles();
            const CpuState hung = bench.run(10'000);
            EXPECT_EQ(bench.stop, Cpu::Stop::limit);
            EXPECT_LT(bench.cpu.cycles() - start, 11'000u);
            EXPECT_TRUE(hung == s);
            bench.cpu.set_interrupt_line(true);
        }
        EXPECT_EQ(bench.bus.acknowledged, 0u);
        EXPECT_GT(bench.cpu.counters().exceptions - before, 100u);
        bench.cpu.set_interrupt_line(false);
    }
    // A stack that is aligned: the handler is entered, where HLT is not allowed.
    CpuState s = bench.cpu.state();
    s.general[reg_esp] = CpuBench::stack_top - 0x100;
    bench.cpu.set_state(s);
    bench.run();
    EXPECT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(on_stack(1), CpuBench::handler(0x21));
}
TEST_F(Protection, SysenterAndSysexit) {
    CpuState s = bench.cpu.state();
    s.sysenter_cs = CpuBench::kernel_code;
    s.sysenter_esp = CpuBench::kernel_stack;
    s.sysenter_eip = 0x5000;
    bench.cpu.set_state(s);
    bench.put(0x5000,
              {0xBA, 0x10, 0x00, 0x10, 0x00, 0xB9, 0x00, 0x00, 0x07, 0x00, 0x0F, 0x35}); // edx, ecx; sysexit
    bench.put(CpuBench::code_address + 0x10, {0x0F, 0x0B});
    bench.set_user();
    bench.code({0x0F, 0x34});
    bench.run();
    ASSERT_EQ(bench.halted_in(), 6);
    EXPECT_EQ(on_stack(0), CpuBench::code_address + 0x10);
    EXPECT_EQ(on_stack(1), CpuBench::user_code);
    EXPECT_EQ(on_stack(3), 0x7'0000u);
}
TEST_F(Protection, RealModeInterruptAndReturn) {
    CpuBench real;
    CpuState s;
    for (auto& segment : s.segment)
        segment = {0, 0x93, 0, 0xFFFF};
    s.cr0 = 0x10;
    s.segment[seg_cs] = {0x100, 0x9B, 0x1000, 0xFFFF};
    s.general[reg_esp] = 0x8000;
    s.eip = 0;
    real.cpu.set_state(s);
    real.put32(0x21 * 4, 0x0200'0010); // 0200:0010
    real.put(0x2010, {0x43, 0xCF});    // inc bx; iret
    real.put(0x1000,
             {0xCD, 0x21, 0xB8, 0x34, 0x12, 0x8E, 0xD8, 0xA3, 0x02, 0x00, 0xF4}); // ...; mov [2], ax at 12342
    const CpuState end = real.run();
    EXPECT_EQ(end.general[reg_ebx], 1u);
    EXPECT_EQ(real.get32(0x12342) & 0xFFFF, 0x1234u);
    EXPECT_EQ(end.general[reg_esp], 0x8000u);
}
TEST_F(Protection, VirtualModeEntersAndLeaves) {
    // A frame for IRET to V86: GS FS DS ES SS ESP EFLAGS CS EIP
    CpuState s = bench.cpu.state();
    s.general[reg_esp] = CpuBench::stack_top - 36;
    bench.cpu.set_state(s);
    const uint32_t frame[] = {0x0004, 0x1000, 0x2'0202, 0x100, 0x0400, 0x500, 0x600, 0x700, 0x800};
    for (uint32_t i = 0; i < 9; ++i)
        bench.put32(CpuBench::stack_top - 36 + i * 4, frame[i]);
    bench.code({0xCF});
    bench.put(0x10004, {0x8C, 0xD8, 0xFA}); // mov ax, ds; cli (IOPL 0: #GP)
    const CpuState end = bench.run();
    ASSERT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(end.general[reg_eax], 0x600u);
    EXPECT_EQ(on_stack(1), 6u);
    EXPECT_EQ(on_stack(2), 0x1000u);
    EXPECT_EQ(on_stack(3) & 0x2'0000u, 0x2'0000u);
    EXPECT_EQ(on_stack(6), 0x500u); // ES DS FS GS above SS:ESP
    EXPECT_EQ(on_stack(7), 0x600u);
    EXPECT_EQ(end.segment[seg_ds].attributes, 0u);
}
TEST_F(Protection, CpuidReportsX87AndMmxButNoSse) {
    bench.code({0xB8, 0x01, 0x00, 0x00, 0x00, 0x0F, 0xA2, 0xF4});
    const CpuState s = bench.run();
    EXPECT_EQ(s.general[reg_eax], 0x672u);
    constexpr uint32_t fpu = 1u << 0, cmov = 1u << 15, mmx = 1u << 23, fxsr = 1u << 24, sse = 3u << 25;
    EXPECT_EQ(s.general[reg_edx] & (fpu | cmov | mmx | fxsr | sse), fpu | cmov | mmx | fxsr);
}
TEST_F(Protection, UnknownModelSpecificRegisterIsAProtectionFault) {
    bench.code({0xB9, 0x78, 0x56, 0x34, 0x12, 0x0F, 0x32});
    expect_error(13, 0, CpuBench::code_address + 5);
}

} // namespace
} // namespace fixpoint::models
