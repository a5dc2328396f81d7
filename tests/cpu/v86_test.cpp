// Virtual-8086 mode: what is the monitor's, what CR4.VME gives to the 8086 program, and CR4.PVI in protected
// mode (SDM vol. 3, chapter 20).
#include "tests/cpu/cpu_bench.hpp"

#include "models/cpu/flags.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

constexpr uint32_t vme = 1, pvi = 2, iopl3 = eflags::iopl, iopl0 = 0;

// The program's segments begin at 30000 (ES) and follow each other at 64 KB: CS is 4000.
class V86 : public testing::Test {
protected:
    static constexpr uint32_t code = 0x4'0100, stack = 0x5'0000, sp = 0x200;
    static constexpr uint16_t cs = 0x4000, ip = 0x100;

    V86() { bench.install_tables(); }
    void start(uint32_t flags, std::initializer_list<uint8_t> bytes, uint32_t cr4 = 0) {
        CpuState s = CpuBench::flat_state();
        s.eflags = eflags::vm | 2 | flags;
        s.cr4 = cr4;
        for (unsigned i = 0; i < 6; ++i)
            s.segment[i] = {static_cast<uint16_t>(0x3000 + i * 0x1000), 0xF3, 0x3'0000 + i * 0x1'0000,
                            0xFFFF};
        s.eip = ip;
        s.general[reg_esp] = sp;
        bench.cpu.set_state(s);
        bench.put(code, bytes);
        bench.cpu.snoop_write(code, static_cast<uint32_t>(bytes.size()));
    }
    uint32_t on_stack(unsigned index) { return bench.get32(bench.cpu.state().general[reg_esp] + index * 4); }
    uint16_t word(uint32_t offset) { return static_cast<uint16_t>(bench.get32(stack + offset)); }
    // A fault that pushes error code 0, at `offset` of the program.
    void expect_fault(uint32_t offset, int vector = 13) {
        bench.run();
        ASSERT_EQ(bench.halted_in(), vector);
        EXPECT_EQ(on_stack(0), 0u);
        EXPECT_EQ(on_stack(1), ip + offset);
        EXPECT_EQ(on_stack(2), cs);
        EXPECT_EQ(on_stack(4), sp) << "nothing was pushed or popped";
    }
    // UD2 at `offset` was reached: the flags then.
    uint32_t flags_at_ud2(uint32_t offset) {
        bench.run();
        EXPECT_EQ(bench.halted_in(), 6);
        EXPECT_EQ(on_stack(0), ip + offset);
        return on_stack(2) & ~eflags::rf;
    }
    uint32_t user_sp() { return on_stack(3); }
    void redirect(unsigned vector, uint16_t to_cs, uint16_t to_ip) { // a clear bit before the I/O map
        bench.put32(CpuBench::tss_address + 0x64, 0x0088'0000);
        std::memset(bench.memory.data() + CpuBench::tss_address + 0x68, 0xFF, 32);
        bench.memory.data()[CpuBench::tss_address + 0x68 + vector / 8] =
            static_cast<uint8_t>(~(1u << vector % 8));
        bench.put32(vector * 4, uint32_t{to_cs} << 16 | to_ip);
    }

    CpuBench bench;
};

// ---- IOPL below 3, no extensions

TEST_F(V86, FlagAndInterruptInstructionsAreTheMonitors) {
    for (const auto& bytes : {std::initializer_list<uint8_t>{0xFA},
                              {0xFB},
                              {0x9C},
                              {0x9D},
                              {0xCF},
                              {0xCD, 0x21},
                              {0x66, 0x9C},
                              {0x66, 0x9D},
                              {0x66, 0xCF}}) {
        start(iopl0, bytes);
        expect_fault(0);
    }
}
TEST_F(V86, BreakpointAndOverflowGoThroughTheirGatesAtEveryIopl) {
    bench.gate(3, CpuBench::handler(3), 0xEE);
    start(iopl0, {0xCC});
    bench.run();
    EXPECT_EQ(bench.halted_in(), 3);
    EXPECT_EQ(on_stack(0), ip + 1u);
}
TEST_F(V86, BreakpointNeedsAGateOfLevel3) {
    start(iopl0, {0xCC});
    bench.run();
    ASSERT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(on_stack(0), 3u * 8 + 2);
}
TEST_F(V86, SystemInstructionsFault) {
    for (const auto& bytes : {std::initializer_list<uint8_t>{0xF4},
                              {0x0F, 0x20, 0xC0},
                              {0x0F, 0x01, 0x17},
                              {0x0F, 0x06},
                              {0x0F, 0x30}}) {
        start(iopl3, bytes);
        expect_fault(0);
    }
}
TEST_F(V86, SelectorInstructionsAreUndefined) {
    for (const auto& bytes : {std::initializer_list<uint8_t>{0x0F, 0x00, 0xC0},
                              {0x0F, 0x00, 0xC8},
                              {0x0F, 0x00, 0xE0},
                              {0x0F, 0x02, 0xC0},
                              {0x0F, 0x03, 0xC0},
                              {0x63, 0xC0}}) {
        start(iopl3, bytes);
        bench.run();
        EXPECT_EQ(bench.halted_in(), 6);
    }
}
TEST_F(V86, PortsAlwaysGoThroughTheBitmap) {
    start(iopl3, {0xE4, 0x60});
    expect_fault(0);
    EXPECT_TRUE(bench.bus.reads.empty());
}
TEST_F(V86, OpenPortIsRead) {
    bench.memory.data()[CpuBench::tss_address + 0x68 + 0x60 / 8] = 0xFE;
    start(iopl0, {0xE4, 0x60, 0x0F, 0x0B});
    flags_at_ud2(2);
    EXPECT_EQ(bench.bus.reads.size(), 1u);
}

// ---- IOPL 3

TEST_F(V86, ProgramOwnsTheInterruptFlagAtIopl3) {
    start(iopl3, {0xFB, 0x9C, 0xFA, 0x0F, 0x0B}); // sti; pushf; cli; ud2
    EXPECT_EQ(flags_at_ud2(3) & eflags::iif, 0u);
    EXPECT_EQ(word(sp - 2), 0x3202u);
}
TEST_F(V86, PopfCannotChangeIopl) {
    start(iopl3, {0x6A, 0x00, 0x9D, 0x0F, 0x0B}); // push 0; popf
    EXPECT_EQ(flags_at_ud2(3), eflags::vm | iopl3 | 2);
}
TEST_F(V86, IretStaysInVirtualModeWithItsIopl) {
    // push 0FFFh & flags; push 4000h; push 110h; iret
    start(iopl3, {0x68, 0xD7, 0x0E, 0x68, 0x00, 0x40, 0x68, 0x10, 0x01, 0xCF});
    bench.put(code + 0x10, {0x0F, 0x0B});
    EXPECT_EQ(flags_at_ud2(0x10), eflags::vm | iopl3 | 0xED7u);
    EXPECT_EQ(user_sp(), sp);
}
TEST_F(V86, SoftwareInterruptGoesToTheMonitorAtIopl3) {
    bench.gate(0x21, CpuBench::handler(0x21), 0xEE);
    start(iopl3, {0xCD, 0x21});
    const CpuState s = bench.run();
    ASSERT_EQ(bench.halted_in(), 0x21);
    EXPECT_EQ(on_stack(0), ip + 2u);
    EXPECT_EQ(on_stack(4), 0x5000u);
    EXPECT_EQ(on_stack(5), 0x3000u);
    EXPECT_EQ(on_stack(8), 0x8000u);
    EXPECT_EQ(s.segment[seg_gs].attributes, 0u);
    EXPECT_EQ(s.eflags & eflags::vm, 0u);
}
TEST_F(V86, GateMustLeadToLevel0) {
    bench.gate(0x21, CpuBench::handler(0x21), 0xEE, CpuBench::user_code);
    start(iopl3, {0xCD, 0x21});
    bench.run();
    ASSERT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(on_stack(0), CpuBench::user_code & ~3u);
}
TEST_F(V86, GateMustNotLeadToConformingCode) {
    bench.descriptor(0x60, 0x0000'FFFF, 0x00CF'9F00);
    bench.gate(0x21, CpuBench::handler(0x21), 0xEE, 0x60);
    start(iopl3, {0xCD, 0x21});
    bench.run();
    ASSERT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(on_stack(0), 0x60u);
}
TEST_F(V86, SixteenBitGatePushesWords) {
    bench.gate(6, CpuBench::handler(6), 0x86);
    start(iopl3, {0x0F, 0x0B});
    const CpuState s = bench.run();
    EXPECT_EQ(bench.halted_in(), 6);
    EXPECT_EQ(s.general[reg_esp], CpuBench::kernel_stack - 18);
    EXPECT_EQ(on_stack(0), uint32_t{cs} << 16 | ip);
}

// ---- CR4.VME

TEST_F(V86, VmeLetsCliAndStiWorkOnTheVirtualFlag) {
    start(iopl0 | eflags::iif, {0xFB, 0x0F, 0x0B}, vme);
    EXPECT_EQ(flags_at_ud2(1), eflags::vm | eflags::iif | eflags::vif | 2);
}
TEST_F(V86, VmeCliLeavesInterruptsOpen) {
    start(iopl0 | eflags::iif | eflags::vif, {0xFA, 0x0F, 0x0B}, vme);
    EXPECT_EQ(flags_at_ud2(1), eflags::vm | eflags::iif | 2);
}
TEST_F(V86, VmeStiWithAPendingInterruptIsTheMonitors) {
    start(iopl0 | eflags::vip, {0xFB}, vme);
    expect_fault(0);
}
TEST_F(V86, VmeProgramEnteredWithAPendingInterruptOpenIsTheMonitors) {
    start(iopl0 | eflags::vif | eflags::vip, {0x90, 0x0F, 0x0B}, vme);
    expect_fault(0);
    start(iopl0 | eflags::vif | eflags::vip, {0x90, 0x0F, 0x0B}, 0);
    EXPECT_EQ(flags_at_ud2(1) & (eflags::vif | eflags::vip), eflags::vif | eflags::vip)
        << "without VME they are but bits";
    start(eflags::iopl | eflags::vif | eflags::vip, {0x90, 0x0F, 0x0B}, vme);
    EXPECT_EQ(flags_at_ud2(1) & (eflags::vif | eflags::vip), eflags::vif | eflags::vip)
        << "the program has the real flag";
}
TEST_F(V86, IretIntoAVmeProgramWithAPendingInterruptOpenIsTheMonitors) {
    CpuState s = bench.cpu.state();
    s.cr4 = vme;
    s.general[reg_esp] = CpuBench::stack_top - 36;
    bench.cpu.set_state(s);
    const uint32_t frame[] = {
        ip, cs, eflags::vm | eflags::vif | eflags::vip | 2, sp, 0x400, 0x500, 0x600, 0x700, 0x800};
    for (unsigned i = 0; i < std::size(frame); ++i)
        bench.put32(CpuBench::stack_top - 36 + i * 4, frame[i]);
    bench.code({0xCF});
    bench.put(code, {0x90, 0x0F, 0x0B});
    expect_fault(0);
}
TEST_F(V86, VmePushfShowsTheVirtualFlagAndIopl3) {
    start(iopl0 | eflags::vif, {0x9C, 0x0F, 0x0B}, vme);
    flags_at_ud2(1);
    EXPECT_EQ(word(sp - 2), 0x3202u);
}
TEST_F(V86, VmePushfHidesTheRealFlag) {
    start(iopl0 | eflags::iif, {0x9C, 0x0F, 0x0B}, vme);
    flags_at_ud2(1);
    EXPECT_EQ(word(sp - 2), 0x3002u);
}
TEST_F(V86, Vme32BitFlagInstructionsAreStillTheMonitors) {
    for (const auto& bytes : {std::initializer_list<uint8_t>{0x66, 0x9C}, {0x66, 0x9D}, {0x66, 0xCF}}) {
        start(iopl0, bytes, vme);
        expect_fault(0);
    }
}
TEST_F(V86, VmePopfSetsTheVirtualFlag) {
    start(iopl0, {0x68, 0x03, 0x02, 0x9D, 0x0F, 0x0B}, vme); // push 203h; popf
    EXPECT_EQ(flags_at_ud2(4), eflags::vm | eflags::vif | 3);
}
TEST_F(V86, VmePopfClearsTheVirtualFlagAlone) {
    start(iopl0 | eflags::vif | eflags::iif, {0x6A, 0x02, 0x9D, 0x0F, 0x0B}, vme);
    EXPECT_EQ(flags_at_ud2(3), eflags::vm | eflags::iif | 2);
}
TEST_F(V86, VmePopfThatSetsTfIsTheMonitors) {
    start(iopl0, {0x9D}, vme);
    bench.put32(stack + sp, 0x0102);
    expect_fault(0);
}
TEST_F(V86, VmePopfThatOpensAPendingInterruptIsTheMonitors) {
    start(iopl0 | eflags::vip, {0x9D}, vme);
    bench.put32(stack + sp, 0x0202);
    expect_fault(0);
}
TEST_F(V86, VmeIretRestoresTheVirtualFlag) {
    start(iopl0, {0xCF}, vme);
    bench.put32(stack + sp, uint32_t{cs} << 16 | 0x110);
    bench.put32(stack + sp + 4, 0x0282);
    bench.put(code + 0x10, {0x0F, 0x0B});
    EXPECT_EQ(flags_at_ud2(0x10), eflags::vm | eflags::vif | 0x82u);
    EXPECT_EQ(user_sp(), sp + 6);
}
TEST_F(V86, VmeIretThatSetsTfIsTheMonitors) {
    start(iopl0, {0xCF}, vme);
    bench.put32(stack + sp, uint32_t{cs} << 16 | 0x110);
    bench.put32(stack + sp + 4, 0x0102);
    expect_fault(0);
}
TEST_F(V86, ClearBitRedirectsToTheProgramsVector) {
    redirect(0x21, 0x4000, 0x180);
    bench.put(0x4'0180, {0x0F, 0x0B});
    start(iopl0 | eflags::iif | eflags::vif, {0xCD, 0x21}, vme);
    EXPECT_EQ(flags_at_ud2(0x80), eflags::vm | eflags::iif | 2) << "VIF is cleared, IF is not";
    EXPECT_EQ(user_sp(), sp - 6);
    EXPECT_EQ(word(sp - 2), 0x3202u) << "IOPL 3, IF as VIF was";
    EXPECT_EQ(word(sp - 4), cs);
    EXPECT_EQ(word(sp - 6), ip + 2);
}
TEST_F(V86, RedirectionAtIopl3UsesTheRealFlag) {
    redirect(0x21, 0x4000, 0x180);
    bench.put(0x4'0180, {0x0F, 0x0B});
    start(iopl3 | eflags::iif, {0xCD, 0x21}, vme);
    EXPECT_EQ(flags_at_ud2(0x80), eflags::vm | iopl3 | 2);
    EXPECT_EQ(word(sp - 2), 0x3202u);
}
TEST_F(V86, SetBitLeavesTheInterruptToTheMonitor) {
    redirect(0x22, 0x4000, 0x180);
    start(iopl0, {0xCD, 0x21}, vme);
    expect_fault(0);
}
TEST_F(V86, SetBitAtIopl3GoesThroughTheGate) {
    redirect(0x22, 0x4000, 0x180);
    bench.gate(0x21, CpuBench::handler(0x21), 0xEE);
    start(iopl3, {0xCD, 0x21}, vme);
    bench.run();
    EXPECT_EQ(bench.halted_in(), 0x21);
}
TEST_F(V86, BreakpointIsNotRedirected) {
    redirect(3, 0x4000, 0x180);
    bench.gate(3, CpuBench::handler(3), 0xEE);
    start(iopl0, {0xCC}, vme);
    bench.run();
    EXPECT_EQ(bench.halted_in(), 3);
}
TEST_F(V86, RedirectionWithoutRoomOnTheStackHasNoEffect) {
    redirect(0x21, 0x4000, 0x180);
    start(iopl0 | eflags::vif, {0xCD, 0x21}, vme);
    CpuState s = bench.cpu.state();
    s.general[reg_esp] = 5; // the third word would cross the segment's end
    bench.cpu.set_state(s);
    bench.put32(stack, 0x1111'1111);
    bench.run();
    ASSERT_EQ(bench.halted_in(), 12);
    EXPECT_EQ(on_stack(4), 5u);
    EXPECT_EQ(bench.get32(stack), 0x1111'1111u);
    EXPECT_EQ(on_stack(3) & eflags::vif, eflags::vif);
}

// ---- CR4.PVI

class Pvi : public V86 {
protected:
    void start_user(uint32_t flags, uint32_t cr4, std::initializer_list<uint8_t> bytes) {
        bench.set_user(2 | flags);
        CpuState s = bench.cpu.state();
        s.cr4 = cr4;
        s.eip = CpuBench::code_address;
        s.halted = false;
        bench.cpu.set_state(s);
        bench.code(bytes);
    }
};
TEST_F(Pvi, StiAndCliWorkOnTheVirtualFlag) {
    start_user(eflags::iif, pvi, {0xFB, 0x0F, 0x0B});
    bench.run();
    ASSERT_EQ(bench.halted_in(), 6);
    EXPECT_EQ(on_stack(2) & ~eflags::rf, eflags::iif | eflags::vif | 2);
}
TEST_F(Pvi, StiWithAPendingInterruptFaults) {
    start_user(eflags::vip, pvi, {0xFB});
    bench.run();
    EXPECT_EQ(bench.halted_in(), 13);
}
TEST_F(Pvi, APendingInterruptThatIsLetInFaults) {
    start_user(eflags::vif | eflags::vip, pvi, {0x90, 0x0F, 0x0B});
    bench.run();
    EXPECT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(on_stack(1), CpuBench::code_address);
    start_user(eflags::vif | eflags::vip, 0, {0x90, 0x0F, 0x0B});
    bench.run();
    EXPECT_EQ(bench.halted_in(), 6);
}
TEST_F(Pvi, VmeAloneDoesNothingForProtectedMode) {
    start_user(0, vme, {0xFA});
    bench.run();
    EXPECT_EQ(bench.halted_in(), 13);
}
TEST_F(Pvi, PopfStillIgnoresTheInterruptFlag) {
    start_user(0, pvi, {0x68, 0x02, 0x02, 0, 0, 0x9D, 0x0F, 0x0B});
    bench.run();
    ASSERT_EQ(bench.halted_in(), 6);
    EXPECT_EQ(on_stack(2) & ~eflags::rf, 2u);
}
TEST_F(Pvi, SupervisorUsesTheRealFlag) {
    bench.code({0xFB, 0x90, 0xFA, 0xF4});
    CpuState s = bench.cpu.state();
    s.cr4 = pvi;
    bench.cpu.set_state(s);
    EXPECT_EQ(bench.run().eflags, 2u);
}

// ---- Flags that only level 0 restores

TEST_F(V86, PopfLeavesVirtualFlagsAlone) {
    bench.code({0x68, 0x02, 0x00, 0x18, 0x00, 0x9D, 0xF4}); // push VIP | VIF; popf
    EXPECT_EQ(bench.run().eflags, 2u);
}
TEST_F(V86, IretAtLevel0RestoresVirtualFlags) {
    bench.code({0x68, 0x02, 0x00, 0x18, 0x00, 0x6A, 0x08, 0x68, 0x10, 0x00, 0x10, 0x00, 0xCF});
    bench.put(CpuBench::code_address + 0x10, {0xF4});
    EXPECT_EQ(bench.run().eflags, eflags::vip | eflags::vif | 2);
}
TEST_F(V86, IretBeyond64KIsAProtectionFault) {
    CpuState s = bench.cpu.state();
    s.general[reg_esp] = CpuBench::stack_top - 36;
    bench.cpu.set_state(s);
    const uint32_t frame[] = {0x1'0000, 0x1000, eflags::vm | 2, 0x100, 0x400, 0x500, 0x600, 0x700, 0x800};
    for (uint32_t i = 0; i < 9; ++i)
        bench.put32(CpuBench::stack_top - 36 + i * 4, frame[i]);
    bench.code({0xCF});
    bench.run();
    ASSERT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(on_stack(1), CpuBench::code_address);
    EXPECT_EQ(on_stack(2), CpuBench::kernel_code) << "from where it was";
}

} // namespace
} // namespace fixpoint::models
