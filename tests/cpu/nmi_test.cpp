// Non-maskable interrupts: what holds them back and what does not (SDM vol. 3, 6.7).
#include "tests/cpu/cpu_bench.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

class Nmi : public testing::Test {
protected:
    Nmi() { bench.install_tables(); }
    CpuBench bench;
};

TEST_F(Nmi, ComesThroughWithInterruptsOffAndWakesFromHalt) {
    bench.code({0xF4, 0x90});
    bench.run();
    EXPECT_EQ(bench.stop, Cpu::Stop::halted_for_ever);
    bench.cpu.raise_nmi();
    bench.run();
    EXPECT_EQ(bench.halted_in(), 2);
    EXPECT_EQ(bench.bus.acknowledged, 0u) << "its vector is fixed";
}

TEST_F(Nmi, IsBlockedUntilTheNextIret) {
    bench.gate(2, 0x4800);
    bench.put(0x4800, {0x43, 0xF4, 0xCF}); // INC EBX; HLT; IRET
    bench.code({0x90, 0x90, 0xF4});
    bench.cpu.raise_nmi();
    EXPECT_EQ(bench.run().general[reg_ebx], 1u);
    bench.cpu.raise_nmi();
    bench.cpu.raise_nmi(); // there is room for one
    EXPECT_FALSE(bench.cpu.nmi_pending());
    CpuState s = bench.cpu.state();
    s.halted = false;
    bench.cpu.set_state(s); // behind HLT: IRET, and at once the other one
    EXPECT_EQ(bench.run().general[reg_ebx], 2u);
    EXPECT_EQ(bench.cpu.state().eip, 0x4802u);
    s = bench.cpu.state();
    s.halted = false;
    bench.cpu.set_state(s);
    bench.run();
    EXPECT_EQ(bench.cpu.state().general[reg_ebx], 2u);
    EXPECT_EQ(bench.cpu.state().eip, CpuBench::code_address + 3);
}

TEST_F(Nmi, WaitsForTheInstructionAfterMovSs) {
    bench.gate(2, 0x4800);
    bench.put(0x4800, {0xF4});
    bench.bus.on_write = [this] { bench.cpu.raise_nmi(); };
    // OUT 80h, AL is followed by the NMI at once; MOV SS, AX and INC EBX stay together.
    bench.code({0xB8, 0x10, 0x00, 0x00, 0x00, 0xE6, 0x80, 0x8E, 0xD0, 0x43, 0xF4});
    bench.run();
    EXPECT_EQ(bench.get32(bench.cpu.state().general[reg_esp]), CpuBench::code_address + 7);
}

TEST_F(Nmi, TakesPrecedenceOverAMaskableInterrupt) {
    bench.code({0xFB, 0x90, 0x90, 0xF4});
    bench.cpu.set_interrupt_line(true);
    bench.cpu.raise_nmi();
    bench.run();
    EXPECT_EQ(bench.halted_in(), 2);
}

TEST_F(Nmi, ResetForgetsIt) {
    bench.cpu.raise_nmi();
    bench.cpu.reset();
    EXPECT_FALSE(bench.cpu.nmi_pending());
}

} // namespace
} // namespace fixpoint::models
