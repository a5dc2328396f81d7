// Far JMP, CALL, RET and IRET: checks and their order, error codes, stacks of either width, and that a fault leaves no
// trace (SDM vol. 2 at each instruction; vol. 3, 5.8).
#include "tests/cpu/far_transfer_fixture.hpp"

#include "models/cpu/flags.hpp"

namespace fixpoint::models {
namespace {

class FarTransfer : public FarTransferFixture {};

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
TEST_F(FarTransfer, RefusedInnerCallDoesNotMarkTheNewStackAccessed) {
    bench.descriptor(tiny_stack, 0x0000'0FFF, 0x0040'9200);
    bench.put32(CpuBench::tss_address + 4, 0x800);
    bench.put32(CpuBench::tss_address + 8, tiny_stack);
    bench.gate(13, CpuBench::handler(13), 0x8E, conforming); // the handler stays at level 3
    bench.put(CpuBench::handler(13), {0xEB, 0xFE});
    bench.set_user();
    call_gate(gate32, narrow_code, 0x1000, 0xEC);
    far_call(gate32);
    EXPECT_EQ(bench.run().eip, CpuBench::handler(13));
    EXPECT_EQ(bench.get32(CpuBench::gdt_address + tiny_stack + 4), 0x0040'9200u);
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
TEST_F(FarTransfer, OuterReturnBeyondTheLimitDoesNotMarkTheNewStackAccessed) {
    bench.descriptor(user_data16, 0x0000'FFFF, 0x0000'F200);
    on_top({0x20'0000, user_code16, 0x2000, user_data16});
    bench.code({0xCB});
    expect_error(13, 0);
    EXPECT_EQ(bench.get32(CpuBench::gdt_address + (user_data16 & ~7u) + 4), 0x0000'F200u);
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

} // namespace
} // namespace fixpoint::models
