// What interrupts and exceptions do on their way to a handler: checks and their order, error codes, stacks of either
// width, faults on the way (SDM vol. 3, chapter 6).
#include "tests/cpu/far_transfer_fixture.hpp"

#include "models/cpu/flags.hpp"

namespace fixpoint::models {
namespace {

class EventDelivery : public FarTransferFixture {};

// ---- Interrupts and exceptions

TEST_F(EventDelivery, SixteenBitGatePushesWords) {
    bench.gate(0x30, CpuBench::handler(0x30), 0x86);
    bench.code({0xCD, 0x30});
    const CpuState s = bench.run();
    EXPECT_EQ(bench.halted_in(), 0x30);
    EXPECT_EQ(s.general[reg_esp], stack_top - 6);
    EXPECT_EQ(on_stack(0), uint32_t{CpuBench::kernel_code} << 16 | ((code + 2) & 0xFFFF));
}
TEST_F(EventDelivery, SixteenBitGatePushesTheErrorCodeAsAWord) {
    bench.gate(13, CpuBench::handler(13), 0x86);
    far_jump(CpuBench::kernel_data);
    const CpuState s = bench.run();
    EXPECT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(s.general[reg_esp], stack_top - 8);
    EXPECT_EQ(on_stack(0) & 0xFFFF, CpuBench::kernel_data);
}
TEST_F(EventDelivery, InterruptOnA16BitInnerStackLeavesTheHighHalfOfEsp) {
    bench.put32(CpuBench::tss_address + 4, 0x2800);
    bench.put32(CpuBench::tss_address + 8, kernel_data16);
    bench.set_user();
    edit([](CpuState& s) { s.general[reg_esp] = 0x7654'3210; });
    bench.code({0x0F, 0x0B});
    const CpuState s = bench.run();
    ASSERT_EQ(bench.halted_in(), 6);
    EXPECT_EQ(s.general[reg_esp], 0x7654'2800u - 20);
    EXPECT_EQ(bench.get32(0x2800 - 8), 0x7654'3210u);
}
TEST_F(EventDelivery, StackOfA16BitTssIsUsed) {
    bench.put32(CpuBench::tss_address + 2, uint32_t{CpuBench::kernel_data} << 16 | 0x2800);
    bench.set_user();
    edit([](CpuState& s) { s.tr.attributes = 0x83; });
    bench.code({0x0F, 0x0B});
    EXPECT_EQ(bench.run().general[reg_esp], 0x2800u - 20);
    EXPECT_EQ(bench.halted_in(), 6);
}
TEST_F(EventDelivery, HandlerInConformingCodeStaysAtTheLevel) {
    bench.gate(6, CpuBench::handler(6), 0x8E, conforming);
    bench.put(CpuBench::handler(6), {0xEB, 0xFE});
    bench.set_user();
    bench.code({0x0F, 0x0B});
    const CpuState s = bench.run();
    EXPECT_EQ(s.eip, CpuBench::handler(6));
    EXPECT_EQ(s.segment[seg_cs].selector, conforming | 3u);
    EXPECT_EQ(s.general[reg_esp], stack_top - 12);
}
TEST_F(EventDelivery, HandlerOfALesserLevelIsRefused) {
    bench.gate(0x30, CpuBench::handler(0x30), 0x8E, CpuBench::user_code);
    bench.code({0xCD, 0x30});
    expect_error(13, CpuBench::user_code & ~3u);
}
TEST_F(EventDelivery, FaultsOfAnEventHaveTheExternalBit) {
    bench.gate(6, CpuBench::handler(6), 0x8E, CpuBench::kernel_data);
    bench.code({0x0F, 0x0B});
    expect_error(13, CpuBench::kernel_data | 1u);
}
TEST_F(EventDelivery, FaultsOfInterruptsFromOutsideHaveTheExternalBit) {
    bench.gate(0x20, CpuBench::handler(0x20), 0x0E);
    bench.bus.on_acknowledge = [&] { bench.cpu.set_interrupt_line(false); };
    bench.code({0x90, 0xF4});
    edit([](CpuState& s) { s.eflags |= eflags::iif; });
    bench.cpu.set_interrupt_line(true);
    expect_error(11, 0x20 * 8 + 3);
}
TEST_F(EventDelivery, Int1CountsAsAnEventAndNeedsNoLevel) {
    bench.set_user();
    bench.code({0xF1});
    bench.run();
    EXPECT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(on_stack(0), code + 1);
    CpuBench absent;
    absent.install_tables();
    absent.gate(1, CpuBench::handler(1), 0x0E);
    absent.code({0xF1});
    absent.run();
    EXPECT_EQ(absent.halted_in(), 11);
    EXPECT_EQ(absent.get32(stack_top - 16), 1u * 8 + 3);
}
TEST_F(EventDelivery, OnlyGatesMayStandInTheInterruptTable) {
    bench.gate(0x30, CpuBench::handler(0x30), 0x8C);
    bench.code({0xCD, 0x30});
    expect_error(13, 0x30 * 8 + 2);
}
TEST_F(EventDelivery, HandlerBeyondItsSegmentIsFoundBeforeThePush) {
    bench.gate(0x30, 0x1000, 0x8E, narrow_code);
    bench.code({0xCD, 0x30});
    expect_error(13, 0);
    EXPECT_EQ(bench.get32(stack_top - 4) & ~eflags::rf, 2u);
    EXPECT_EQ(bench.get32(stack_top - 12), code) << "the fault's frame, where INT's would have been";
}
TEST_F(EventDelivery, InnerStackWithoutRoomNamesItselfAndIsNotWritten) {
    bench.put32(CpuBench::tss_address + 4, 16); // room for four of the five
    bench.put32(CpuBench::tss_address + 8, tiny_stack);
    bench.gate(0x30, CpuBench::handler(0x30), 0xEE);
    bench.gate(12, CpuBench::handler(12), 0x8E, conforming);
    bench.put(CpuBench::handler(12), {0xEB, 0xFE});
    bench.set_user();
    bench.code({0xCD, 0x30});
    EXPECT_EQ(bench.run().eip, CpuBench::handler(12));
    EXPECT_EQ(on_stack(0), tiny_stack);
    EXPECT_EQ(on_stack(1), code);
    EXPECT_EQ(bench.get32(12), 0u);
}
TEST_F(EventDelivery, PageFaultInTheMiddleOfAFrameWritesNothing) {
    constexpr uint32_t directory = 0x20'0000, table = 0x20'1000;
    bench.put32(directory, table | 7);
    for (uint32_t page = 0; page < 1024; ++page)
        bench.put32(table + page * 4, page << 12 | 7);
    bench.put32(table + (kernel_stack >> 12) * 4 - 4, (kernel_stack - 0x1000) | 6); // absent
    bench.put32(CpuBench::tss_address + 4, kernel_stack + 8);
    bench.gate(0x30, CpuBench::handler(0x30), 0xEE);
    bench.gate(14, CpuBench::handler(14), 0x8E, conforming);
    bench.put(CpuBench::handler(14), {0xEB, 0xFE});
    bench.put32(kernel_stack, untouched);
    bench.put32(kernel_stack + 4, untouched);
    bench.set_user();
    edit([](CpuState& s) {
        s.cr3 = directory;
        s.cr0 |= 1u << 31;
    });
    bench.code({0xCD, 0x30});
    const CpuState s = bench.run();
    EXPECT_EQ(s.eip, CpuBench::handler(14));
    EXPECT_EQ(on_stack(0), 2u) << "a supervisor's write";
    EXPECT_EQ(s.cr2, kernel_stack - 4);
    EXPECT_EQ(bench.get32(kernel_stack), untouched);
    EXPECT_EQ(bench.get32(kernel_stack + 4), untouched);
}
TEST_F(EventDelivery, UnalignedStackIsCheckedAtLevel3) {
    bench.gate(6, CpuBench::handler(6), 0x8E, conforming);
    bench.set_user(0x202 | eflags::ac);
    edit([](CpuState& s) {
        s.cr0 |= 1u << 18;
        s.general[reg_esp] = stack_top - 2;
    });
    bench.code({0x9A, 0x00, 0x48, 0, 0, CpuBench::user_code, 0});
    expect_error(17, 0);
}

// ---- Double and triple faults (table 6-5)

TEST_F(EventDelivery, ContributoryFaultDuringAContributoryOneIsDouble) {
    bench.gate(13, CpuBench::handler(13), 0x0E); // #GP, then #NP
    far_jump(CpuBench::kernel_data);
    expect_error(8, 0);
}
TEST_F(EventDelivery, ContributoryFaultDuringABenignOneIsItself) {
    bench.gate(6, CpuBench::handler(6), 0x0E);
    bench.code({0x0F, 0x0B});
    expect_error(11, 6 * 8 + 3);
}
TEST_F(EventDelivery, FaultOfASoftwareInterruptIsItself) {
    bench.gate(13, CpuBench::handler(13), 0x0E);
    bench.gate(8, CpuBench::handler(8), 0x8E);
    bench.code({0xCD, 13}); // INT 13 is no #GP: its #NP is the first fault
    expect_error(11, 13 * 8 + 2);
}
TEST_F(EventDelivery, FaultOfAnInterruptFromOutsideIsItself) {
    bench.bus.interrupt_vector = 13;
    bench.gate(13, CpuBench::handler(13), 0x0E);
    bench.bus.on_acknowledge = [&] { bench.cpu.set_interrupt_line(false); };
    bench.code({0x90, 0xF4});
    edit([](CpuState& s) { s.eflags |= eflags::iif; });
    bench.cpu.set_interrupt_line(true);
    expect_error(11, 13 * 8 + 3);
}
TEST_F(EventDelivery, FaultDuringADoubleFaultShutsDown) {
    bench.gate(13, CpuBench::handler(13), 0x0E);
    bench.gate(8, CpuBench::handler(8), 0x0E);
    far_jump(CpuBench::kernel_data);
    bench.run();
    EXPECT_EQ(bench.stop, Cpu::Stop::triple_fault);
}

} // namespace
} // namespace fixpoint::models
