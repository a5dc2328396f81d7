// Far JMP, CALL, RET and IRET, and what interrupts and exceptions do on their way to a handler: checks and their
// order, error codes, stacks of either width, and that a fault leaves no trace (SDM vol. 2 at each instruction;
// vol. 3, 5.8 and chapter 6).
#include "tests/cpu/cpu_bench.hpp"

#include "models/cpu/flags.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

constexpr uint32_t code = CpuBench::code_address, stack_top = CpuBench::stack_top,
                   kernel_stack = CpuBench::kernel_stack, untouched = 0x5A5A'5A5A;

class FarTransfer : public testing::Test {
protected:
    static constexpr uint16_t conforming = 0x60, other_code = 0x68, gate16 = 0x70, gate32 = 0x78,
                              narrow_code = 0x80, user_code16 = 0x88 | 3, user_data16 = 0x90 | 3,
                              kernel_data16 = 0x98, user_conforming = 0xA0, tiny_stack = 0xA8,
                              absent_code = 0xB0;

    FarTransfer() {
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

// ---- JMP and CALL to code segments

TEST_F(FarTransfer, NullSelectorIsAProtectionFault) {
    far_jump(3);
    expect_error(13, 0);
}
TEST_F(FarTransfer, DataIsNoTarget) {
    far_jump(CpuBench::kernel_data);
    expect_error(13, CpuBench::kernel_data);
}
TEST_F(FarTransfer, CodeOfAnotherLevelIsNoTarget) {
    far_jump(CpuBench::user_code);
    expect_error(13, CpuBench::user_code & ~3u);
}
TEST_F(FarTransfer, RequestedLevelAboveTheCurrentOneIsRefused) {
    far_jump(CpuBench::kernel_code | 3);
    expect_error(13, CpuBench::kernel_code);
}
TEST_F(FarTransfer, ConformingCodeKeepsTheLevel) {
    bench.put(0x4800, {0x0F, 0x0B});
    bench.set_user();
    far_jump(conforming);
    bench.run();
    ASSERT_EQ(bench.halted_in(), 6);
    EXPECT_EQ(on_stack(1), conforming | 3u);
}
TEST_F(FarTransfer, ConformingCodeOfALesserLevelIsNoTarget) {
    far_jump(user_conforming);
    expect_error(13, user_conforming);
}
TEST_F(FarTransfer, AbsentCodeIsNotPresent) {
    far_call(absent_code);
    expect_error(11, absent_code);
}
TEST_F(FarTransfer, TargetBeyondTheLimitIsFoundBeforeThePush) {
    far_call(narrow_code, 0x1000);
    expect_error(13, 0);
    EXPECT_EQ(bench.get32(stack_top - 4), eflags::rf | 2)
        << "the fault's frame, where CALL's would have been";
}
TEST_F(FarTransfer, RoomOnTheStackIsCheckedBeforeTheTarget) {
    edit([](CpuState& s) {
        s.segment[seg_ss] = {tiny_stack, 0x4093, 0, 0xFFF};
        s.general[reg_esp] = 4;
    });
    far_call(narrow_code, 0x1000);
    bench.run();
    EXPECT_EQ(bench.stop, Cpu::Stop::triple_fault) << "the #SS finds no stack either";
}
TEST_F(FarTransfer, LoadedCodeSegmentIsMarkedAccessed) {
    bench.put(0x4800, {0xF4});
    far_jump(other_code);
    bench.run();
    EXPECT_EQ(bench.get32(CpuBench::gdt_address + other_code + 4) & 0x100, 0x100u);
}
TEST_F(FarTransfer, RefusedCodeSegmentIsNotMarkedAccessed) {
    bench.descriptor(other_code, 0x0000'0FFF, 0x0040'9A00);
    far_call(other_code, 0x1000);
    expect_error(13, 0);
    EXPECT_EQ(bench.get32(CpuBench::gdt_address + other_code + 4) & 0x100, 0u);
}
TEST_F(FarTransfer, SixteenBitCallPushesWordsAndTruncates) {
    bench.put(0x4800, {0xF4});
    bench.code({0x66, 0x9A, 0x00, 0x48, CpuBench::kernel_code, 0x00});
    const CpuState s = bench.run();
    EXPECT_EQ(s.eip, 0x4801u);
    EXPECT_EQ(s.general[reg_esp], stack_top - 4);
    EXPECT_EQ(on_stack(0), uint32_t{CpuBench::kernel_code} << 16 | ((code + 6) & 0xFFFF));
}

// ---- Call gates

TEST_F(FarTransfer, GateMustBeOfTheCallersLevel) {
    call_gate(gate32, CpuBench::kernel_code, 0x4800, 0x8C);
    bench.set_user();
    far_call(gate32);
    expect_error(13, gate32);
}
TEST_F(FarTransfer, GateMustBeWithinTheRequestedLevel) {
    call_gate(gate32, CpuBench::kernel_code, 0x4800, 0x8C);
    far_call(gate32 | 1);
    expect_error(13, gate32);
}
TEST_F(FarTransfer, AbsentGateIsNotPresent) {
    call_gate(gate32, CpuBench::kernel_code, 0x4800, 0x6C);
    far_call(gate32 | 3);
    expect_error(11, gate32);
}
TEST_F(FarTransfer, GateToTheNullSelector) {
    call_gate(gate32, 2, 0x4800, 0xEC);
    far_call(gate32);
    expect_error(13, 0);
}
TEST_F(FarTransfer, GateToData) {
    call_gate(gate32, CpuBench::kernel_data, 0x4800, 0xEC);
    far_call(gate32);
    expect_error(13, CpuBench::kernel_data);
}
TEST_F(FarTransfer, GateToAbsentCode) {
    call_gate(gate32, absent_code, 0x4800, 0xEC);
    far_call(gate32);
    expect_error(11, absent_code);
}
TEST_F(FarTransfer, JumpThroughAGateNeverChangesTheLevel) {
    call_gate(gate32, CpuBench::kernel_code, 0x4800, 0xEC);
    bench.set_user();
    far_jump(gate32);
    expect_error(13, CpuBench::kernel_code);
}
TEST_F(FarTransfer, GateTargetsLowWordsOnlyWith16Bits) {
    call_gate(gate16, CpuBench::kernel_code, 0xFFFF'4800, 0xE4);
    bench.put(0x4800, {0xF4});
    far_jump(gate16, 0x1234);
    EXPECT_EQ(bench.run().eip, 0x4801u);
}
TEST_F(FarTransfer, InnerCallCopiesParametersInOrder) {
    call_gate(gate32, CpuBench::kernel_code, 0x4800, 0xEC, 3);
    bench.put(0x4800, {0xF4});
    bench.set_user();
    on_top({0x11, 0x22, 0x33});
    far_call(gate32);
    const CpuState s = bench.run();
    EXPECT_EQ(s.general[reg_esp], kernel_stack - 28);
    const uint32_t expected[] = {code + 7,       CpuBench::user_code, 0x11, 0x22, 0x33,
                                 stack_top - 12, CpuBench::user_data};
    for (unsigned i = 0; i < 7; ++i)
        EXPECT_EQ(on_stack(i), expected[i]) << i;
}
TEST_F(FarTransfer, SixteenBitGateCopiesWords) {
    call_gate(gate16, CpuBench::kernel_code, 0x4800, 0xE4, 2);
    bench.put(0x4800, {0xF4});
    bench.set_user();
    on_top({0x1111, 0x2222}, 2);
    far_call(gate16);
    const CpuState s = bench.run();
    EXPECT_EQ(s.general[reg_esp], kernel_stack - 12);
    EXPECT_EQ(on_stack(0), uint32_t{CpuBench::user_code} << 16 | ((code + 7) & 0xFFFF));
    EXPECT_EQ(on_stack(1), 0x2222'1111u);
    EXPECT_EQ(on_stack(2), uint32_t{CpuBench::user_data} << 16 | ((stack_top - 4) & 0xFFFF));
}
TEST_F(FarTransfer, InnerCallWithoutRoomNamesTheNewStack) {
    call_gate(gate32, CpuBench::kernel_code, 0x4800, 0xEC, 0);
    bench.put32(CpuBench::tss_address + 4, 12); // room for three of the four
    bench.put32(CpuBench::tss_address + 8, tiny_stack);
    bench.gate(12, CpuBench::handler(12), 0x8E, conforming); // the handler stays at level 3
    bench.set_user();
    bench.put(CpuBench::handler(12), {0xEB, 0xFE});
    far_call(gate32);
    const CpuState s = bench.run();
    EXPECT_EQ(s.eip, CpuBench::handler(12));
    EXPECT_EQ(on_stack(0), tiny_stack);
    EXPECT_EQ(on_stack(1), code);
    EXPECT_EQ(bench.get32(8), 0u) << "nothing was pushed on the inner stack";
    EXPECT_EQ(bench.get32(4), 0u);
}
TEST_F(FarTransfer, ParametersBeyondTheCallersStackAreAStackFault) {
    call_gate(gate32, CpuBench::kernel_code, 0x4800, 0xEC, 2);
    bench.set_user();
    edit([](CpuState& s) {
        s.segment[seg_ss].limit = stack_top - 1;
        s.general[reg_esp] = stack_top - 4;
    });
    far_call(gate32);
    expect_error(12, 0);
}
TEST_F(FarTransfer, StackOfTheTaskMustBeWritableDataOfTheLevel) {
    call_gate(gate32, CpuBench::kernel_code, 0x4800, 0xEC);
    bench.put32(CpuBench::tss_address + 8, CpuBench::user_data);
    bench.gate(10, CpuBench::handler(10), 0x8E, conforming);
    bench.put(CpuBench::handler(10), {0xEB, 0xFE});
    bench.set_user();
    far_call(gate32);
    EXPECT_EQ(bench.run().eip, CpuBench::handler(10));
    EXPECT_EQ(on_stack(0), CpuBench::user_data & ~3u);
}
TEST_F(FarTransfer, TssTooShortForTheStackIsInvalid) {
    call_gate(gate32, CpuBench::kernel_code, 0x4800, 0xEC);
    bench.gate(10, CpuBench::handler(10), 0x8E, conforming);
    bench.put(CpuBench::handler(10), {0xEB, 0xFE});
    bench.set_user();
    edit([](CpuState& s) { s.tr.limit = 10; });
    far_call(gate32);
    EXPECT_EQ(bench.run().eip, CpuBench::handler(10));
    EXPECT_EQ(on_stack(0), CpuBench::tss);
}

// ---- RET and IRET

TEST_F(FarTransfer, ReturnToAnInnerLevelIsRefused) {
    bench.set_user();
    on_top({0x4800, CpuBench::kernel_code});
    bench.code({0xCB});
    expect_error(13, CpuBench::kernel_code);
}
TEST_F(FarTransfer, ReturnChecksConformingCodeAgainstTheRequestedLevel) {
    on_top({0x4800, user_conforming});
    bench.code({0xCB});
    expect_error(13, user_conforming);
}
TEST_F(FarTransfer, ReturnToTheNullSelector) {
    on_top({0x4800, 1});
    bench.code({0xCB});
    expect_error(13, 0);
}
TEST_F(FarTransfer, OuterReturnWithANullStackIsRefused) {
    on_top({0x4800, CpuBench::user_code, stack_top, 3});
    bench.code({0xCB});
    expect_error(13, 0);
}
TEST_F(FarTransfer, OuterReturnNeedsAStackOfItsLevel) {
    on_top({0x4800, CpuBench::user_code, stack_top, CpuBench::kernel_data});
    bench.code({0xCB});
    expect_error(13, CpuBench::kernel_data);
}
TEST_F(FarTransfer, OuterReturnReleasesParametersOnBothStacks) {
    on_top({0x4800, CpuBench::user_code, 0x77, 0x6'0000, CpuBench::user_data});
    bench.put(0x4800, {0x0F, 0x0B});
    bench.code({0xCA, 0x04, 0x00});
    bench.run();
    ASSERT_EQ(bench.halted_in(), 6);
    EXPECT_EQ(on_stack(3), 0x6'0004u);
}
TEST_F(FarTransfer, OuterReturnToA16BitStackLeavesTheHighHalfOfEsp) {
    on_top({0x4800, user_code16, 0x1234'2000, user_data16});
    bench.put(0x4800, {0x0F, 0x0B});
    bench.code({0xCB});
    bench.run();
    ASSERT_EQ(bench.halted_in(), 6);
    EXPECT_EQ(on_stack(3), ((stack_top - 16) & 0xFFFF'0000) | 0x2000);
    EXPECT_EQ(on_stack(4), user_data16);
}
TEST_F(FarTransfer, OuterReturnDropsSegmentsOfTheInnerLevelOnly) {
    edit([](CpuState& s) {
        s.segment[seg_es] = {CpuBench::user_data, 0xC0F3, 0, 0xFFFF'FFFF};
        s.segment[seg_fs] = {conforming, 0xC09F, 0, 0xFFFF'FFFF};
        s.segment[seg_gs] = {CpuBench::kernel_code, 0xC09B, 0, 0xFFFF'FFFF};
    });
    on_top({code + 0x20, CpuBench::user_code, 0x6'0000, CpuBench::user_data});
    bench.code({0xCB});
    bench.put(code + 0x20, {0x0F, 0x0B});
    const CpuState s = bench.run();
    EXPECT_EQ(s.segment[seg_ds].selector, 0u);
    EXPECT_EQ(s.segment[seg_ds].attributes, 0u);
    EXPECT_EQ(s.segment[seg_es].selector, CpuBench::user_data);
    EXPECT_EQ(s.segment[seg_fs].selector, conforming);
    EXPECT_EQ(s.segment[seg_gs].selector, 0u);
}
TEST_F(FarTransfer, ReturnBeyondTheLimitLeavesTheStackPointer) {
    on_top({0x1000, narrow_code});
    bench.code({0xCB});
    expect_error(13, 0);
    EXPECT_EQ(bench.cpu.state().general[reg_esp], stack_top - 8 - 16);
}
TEST_F(FarTransfer, IretAtLevel3ChangesNeitherIoplNorTheInterruptFlag) {
    bench.set_user(0x202);
    on_top({code + 0x20, CpuBench::user_code, 0x3CD7});
    bench.code({0xCF});
    bench.put(code + 0x20, {0x0F, 0x0B});
    bench.run();
    ASSERT_EQ(bench.halted_in(), 6);
    EXPECT_EQ(on_stack(2) & ~eflags::rf, 0xED7u);
}
TEST_F(FarTransfer, SixteenBitIretKeepsTheHighHalfOfTheFlags) {
    edit([](CpuState& s) { s.eflags = eflags::id | eflags::ac | 2; });
    on_top({0x4800, CpuBench::kernel_code, 0x0003}, 2);
    bench.put(0x4800, {0xF4});
    bench.code({0x66, 0xCF});
    EXPECT_EQ(bench.run().eflags, eflags::id | eflags::ac | 3u);
}

// ---- Interrupts and exceptions

TEST_F(FarTransfer, SixteenBitGatePushesWords) {
    bench.gate(0x30, CpuBench::handler(0x30), 0x86);
    bench.code({0xCD, 0x30});
    const CpuState s = bench.run();
    EXPECT_EQ(bench.halted_in(), 0x30);
    EXPECT_EQ(s.general[reg_esp], stack_top - 6);
    EXPECT_EQ(on_stack(0), uint32_t{CpuBench::kernel_code} << 16 | ((code + 2) & 0xFFFF));
}
TEST_F(FarTransfer, SixteenBitGatePushesTheErrorCodeAsAWord) {
    bench.gate(13, CpuBench::handler(13), 0x86);
    far_jump(CpuBench::kernel_data);
    const CpuState s = bench.run();
    EXPECT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(s.general[reg_esp], stack_top - 8);
    EXPECT_EQ(on_stack(0) & 0xFFFF, CpuBench::kernel_data);
}
TEST_F(FarTransfer, InterruptOnA16BitInnerStackLeavesTheHighHalfOfEsp) {
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
TEST_F(FarTransfer, StackOfA16BitTssIsUsed) {
    bench.put32(CpuBench::tss_address + 2, uint32_t{CpuBench::kernel_data} << 16 | 0x2800);
    bench.set_user();
    edit([](CpuState& s) { s.tr.attributes = 0x83; });
    bench.code({0x0F, 0x0B});
    EXPECT_EQ(bench.run().general[reg_esp], 0x2800u - 20);
    EXPECT_EQ(bench.halted_in(), 6);
}
TEST_F(FarTransfer, HandlerInConformingCodeStaysAtTheLevel) {
    bench.gate(6, CpuBench::handler(6), 0x8E, conforming);
    bench.put(CpuBench::handler(6), {0xEB, 0xFE});
    bench.set_user();
    bench.code({0x0F, 0x0B});
    const CpuState s = bench.run();
    EXPECT_EQ(s.eip, CpuBench::handler(6));
    EXPECT_EQ(s.segment[seg_cs].selector, conforming | 3u);
    EXPECT_EQ(s.general[reg_esp], stack_top - 12);
}
TEST_F(FarTransfer, HandlerOfALesserLevelIsRefused) {
    bench.gate(0x30, CpuBench::handler(0x30), 0x8E, CpuBench::user_code);
    bench.code({0xCD, 0x30});
    expect_error(13, CpuBench::user_code & ~3u);
}
TEST_F(FarTransfer, FaultsOfAnEventHaveTheExternalBit) {
    bench.gate(6, CpuBench::handler(6), 0x8E, CpuBench::kernel_data);
    bench.code({0x0F, 0x0B});
    expect_error(13, CpuBench::kernel_data | 1u);
}
TEST_F(FarTransfer, FaultsOfInterruptsFromOutsideHaveTheExternalBit) {
    bench.gate(0x20, CpuBench::handler(0x20), 0x0E);
    bench.bus.on_acknowledge = [&] { bench.cpu.set_interrupt_line(false); };
    bench.code({0x90, 0xF4});
    edit([](CpuState& s) { s.eflags |= eflags::iif; });
    bench.cpu.set_interrupt_line(true);
    expect_error(11, 0x20 * 8 + 3);
}
TEST_F(FarTransfer, Int1CountsAsAnEventAndNeedsNoLevel) {
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
TEST_F(FarTransfer, OnlyGatesMayStandInTheInterruptTable) {
    bench.gate(0x30, CpuBench::handler(0x30), 0x8C);
    bench.code({0xCD, 0x30});
    expect_error(13, 0x30 * 8 + 2);
}
TEST_F(FarTransfer, HandlerBeyondItsSegmentIsFoundBeforeThePush) {
    bench.gate(0x30, 0x1000, 0x8E, narrow_code);
    bench.code({0xCD, 0x30});
    expect_error(13, 0);
    EXPECT_EQ(bench.get32(stack_top - 4) & ~eflags::rf, 2u);
    EXPECT_EQ(bench.get32(stack_top - 12), code) << "the fault's frame, where INT's would have been";
}
TEST_F(FarTransfer, InnerStackWithoutRoomNamesItselfAndIsNotWritten) {
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
TEST_F(FarTransfer, PageFaultInTheMiddleOfAFrameWritesNothing) {
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
TEST_F(FarTransfer, UnalignedStackIsCheckedAtLevel3) {
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

TEST_F(FarTransfer, ContributoryFaultDuringAContributoryOneIsDouble) {
    bench.gate(13, CpuBench::handler(13), 0x0E); // #GP, then #NP
    far_jump(CpuBench::kernel_data);
    expect_error(8, 0);
}
TEST_F(FarTransfer, ContributoryFaultDuringABenignOneIsItself) {
    bench.gate(6, CpuBench::handler(6), 0x0E);
    bench.code({0x0F, 0x0B});
    expect_error(11, 6 * 8 + 3);
}
TEST_F(FarTransfer, FaultOfASoftwareInterruptIsItself) {
    bench.gate(13, CpuBench::handler(13), 0x0E);
    bench.gate(8, CpuBench::handler(8), 0x8E);
    bench.code({0xCD, 13}); // INT 13 is no #GP: its #NP is the first fault
    expect_error(11, 13 * 8 + 2);
}
TEST_F(FarTransfer, FaultOfAnInterruptFromOutsideIsItself) {
    bench.bus.interrupt_vector = 13;
    bench.gate(13, CpuBench::handler(13), 0x0E);
    bench.bus.on_acknowledge = [&] { bench.cpu.set_interrupt_line(false); };
    bench.code({0x90, 0xF4});
    edit([](CpuState& s) { s.eflags |= eflags::iif; });
    bench.cpu.set_interrupt_line(true);
    expect_error(11, 13 * 8 + 3);
}
TEST_F(FarTransfer, FaultDuringADoubleFaultShutsDown) {
    bench.gate(13, CpuBench::handler(13), 0x0E);
    bench.gate(8, CpuBench::handler(8), 0x0E);
    far_jump(CpuBench::kernel_data);
    bench.run();
    EXPECT_EQ(bench.stop, Cpu::Stop::triple_fault);
}

} // namespace
} // namespace fixpoint::models
