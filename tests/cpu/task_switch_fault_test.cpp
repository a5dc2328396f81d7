// The checks of a hardware task switch before and after its point of no return, and what a fault on either side
// leaves behind (SDM vol. 3, chapter 7).
#include "tests/cpu/task_bench.hpp"

#include "models/cpu/flags.hpp"

namespace fixpoint::models {
namespace {

constexpr uint32_t tss_a = CpuBench::tss_address;

class TaskSwitchFault : public TaskBench {};

// ---- Before the point of no return

TEST_F(TaskSwitchFault, BusyTaskIsAProtectionFault) {
    bench.descriptor(tss_b, b << 16 | 0x67, 0x0000'8B00 | b >> 16);
    code_jump(tss_b);
    expect_refused(13, tss_b);
}
TEST_F(TaskSwitchFault, TaskCannotJumpToItself) {
    code_jump(CpuBench::tss);
    expect_refused(13, CpuBench::tss);
}
TEST_F(TaskSwitchFault, AbsentTssIsNotPresent) {
    bench.descriptor(tss_b, b << 16 | 0x67, 0x0000'0900 | b >> 16);
    code_jump(tss_b);
    expect_refused(11, tss_b);
}
TEST_F(TaskSwitchFault, ShortTssIsInvalid) {
    bench.descriptor(tss_b, b << 16 | 0x66, 0x0000'8900 | b >> 16);
    code_call(tss_b);
    expect_refused(10, tss_b);
}
TEST_F(TaskSwitchFault, Short16BitTssIsInvalid) {
    bench.descriptor(tss_c, c << 16 | 0x2A, 0x0000'8100 | c >> 16);
    code_call(tss_c);
    expect_refused(10, tss_c);
}
TEST_F(TaskSwitchFault, OldTssThatCannotHoldTheStateIsInvalid) {
    edit([](CpuState& s) { s.tr.limit = 0x5C; });
    code_call(tss_b);
    expect_refused(10, CpuBench::tss);
}
TEST_F(TaskSwitchFault, TaskGateOfAnInnerLevelIsNotForUsers) {
    bench.set_user();
    code_call(task_gate);
    expect_refused(13, task_gate);
}
TEST_F(TaskSwitchFault, TssOfAnInnerLevelIsNotForUsers) {
    bench.set_user();
    code_jump(tss_b);
    expect_refused(13, tss_b);
}
TEST_F(TaskSwitchFault, AbsentTaskGateIsNotPresent) {
    bench.descriptor(task_gate, uint32_t{tss_b} << 16, 0x0000'0500);
    code_call(task_gate);
    expect_refused(11, task_gate);
}
TEST_F(TaskSwitchFault, TaskGateToSomethingElseIsAProtectionFault) {
    bench.descriptor(task_gate, uint32_t{CpuBench::kernel_data} << 16, 0x0000'8500);
    code_call(task_gate);
    expect_refused(13, CpuBench::kernel_data);
}
TEST_F(TaskSwitchFault, TaskGateIntoALocalTableIsAProtectionFault) {
    bench.descriptor(task_gate, uint32_t{tss_b | 4} << 16, 0x0000'8500);
    code_call(task_gate);
    expect_refused(13, tss_b | 4);
}
TEST_F(TaskSwitchFault, EventThroughATaskGateToABusyTaskHasTheExternalBit) {
    put(CpuBench::idt_address + 6 * 8, uint32_t{CpuBench::tss} << 16);
    put(CpuBench::idt_address + 6 * 8 + 4, 0x0000'8500);
    bench.code({0x0F, 0x0B});
    expect_refused(13, CpuBench::tss | 1);
}
TEST_F(TaskSwitchFault, SoftwareInterruptToABusyTaskHasNot) {
    put(CpuBench::idt_address + 0x30 * 8, uint32_t{CpuBench::tss} << 16);
    put(CpuBench::idt_address + 0x30 * 8 + 4, 0x0000'8500);
    bench.code({0xCD, 0x30});
    expect_refused(13, CpuBench::tss);
}
TEST_F(TaskSwitchFault, IretToATaskThatIsNotBusyIsAnInvalidTss) {
    put16(tss_a, tss_b);
    bench.code({0xCF});
    edit([](CpuState& s) { s.eflags |= eflags::nt; });
    expect_refused(10, tss_b);
}
TEST_F(TaskSwitchFault, IretToWhatIsNoTssIsAnInvalidTss) {
    put16(tss_a, CpuBench::kernel_data);
    bench.code({0xCF});
    edit([](CpuState& s) { s.eflags |= eflags::nt; });
    expect_refused(10, CpuBench::kernel_data);
}
TEST_F(TaskSwitchFault, PageFaultOnTheNewTssLeavesTheOldTaskRestartable) {
    constexpr uint32_t directory = 0x20'0000, table = 0x20'1000, new_tss = 0x30'0FC0;
    put(directory, table | 3);
    for (uint32_t page = 0; page < 1024; ++page)
        put(table + page * 4, page << 12 | 3);
    std::memcpy(bench.memory.data() + new_tss, bench.memory.data() + b, 0x68);
    put(table + 0x301 * 4, 0x30'1002); // its second half is absent
    bench.descriptor(tss_b, new_tss << 16 | 0x67, 0x0000'8900 | (new_tss >> 16 & 0xFF));
    edit([](CpuState& s) {
        s.cr3 = directory;
        s.cr0 |= 1u << 31;
    });
    put(b + 0x1C, directory);
    code_call(tss_b);
    expect_refused(14, 0);
    EXPECT_EQ(bench.cpu.state().cr2, new_tss + 0x67) << "its last byte";
}

// ---- After it: table 7-1

TEST_F(TaskSwitchFault, LocalTableMustBeOne) {
    put(b + 0x60, CpuBench::kernel_data);
    code_jump(tss_b);
    expect_fault_in_b(10, CpuBench::kernel_data);
}
TEST_F(TaskSwitchFault, LocalTableMustBePresent) {
    bench.descriptor(ldt, ldt_address << 16 | 0x17, 0x0000'0200 | ldt_address >> 16);
    put(b + 0x60, ldt);
    code_jump(tss_b);
    expect_fault_in_b(10, ldt);
}
TEST_F(TaskSwitchFault, LocalTableIsLoadedBeforeTheSegmentsThatAreInIt) {
    put(ldt_address + 8, 0x0000'FFFF);
    put(ldt_address + 12, 0x00CF'9300);
    put(b + 0x60, ldt);
    put(b + 0x54, 0x0C);
    code_jump(tss_b);
    const CpuState s = bench.run();
    EXPECT_EQ(s.eip, b_code + 1);
    EXPECT_EQ(s.ldtr.selector, ldt);
    EXPECT_EQ(s.segment[seg_ds].selector, 0x0Cu);
    EXPECT_EQ(s.segment[seg_ds].limit, 0xFFFF'FFFFu);
}
TEST_F(TaskSwitchFault, CodeSegmentMustBeCode) {
    put(b + 0x4C, CpuBench::kernel_data);
    code_jump(tss_b);
    expect_fault_in_b(10, CpuBench::kernel_data);
}
TEST_F(TaskSwitchFault, CodeSegmentMustNotBeNull) {
    put(b + 0x4C, 0);
    code_jump(tss_b);
    expect_fault_in_b(10, 0);
}
TEST_F(TaskSwitchFault, CodeSegmentMustBeOfItsSelectorsLevel) {
    put(b + 0x4C, CpuBench::kernel_code | 3);
    code_jump(tss_b);
    expect_fault_in_b(10, CpuBench::kernel_code);
}
TEST_F(TaskSwitchFault, CodeSegmentMustBePresent) {
    bench.descriptor(far_entry, 0x0000'FFFF, 0x00CF'1B00);
    put(b + 0x4C, far_entry);
    code_jump(tss_b);
    expect_fault_in_b(11, far_entry);
}
TEST_F(TaskSwitchFault, ConformingCodeMustNotBeMorePrivate) {
    put(b + 0x4C, user_conforming); // DPL 3, RPL 0
    code_jump(tss_b);
    expect_fault_in_b(10, user_conforming);
}
TEST_F(TaskSwitchFault, StackMustBeWritableData) {
    put(b + 0x50, CpuBench::kernel_code);
    code_jump(tss_b);
    expect_fault_in_b(10, CpuBench::kernel_code);
    EXPECT_EQ(bench.cpu.state().general[reg_esp], b_kernel_stack - 24) << "events use the level's own stack";
}
TEST_F(TaskSwitchFault, StackMustBeOfTheLevel) {
    put(b + 0x50, CpuBench::user_data);
    code_jump(tss_b);
    expect_fault_in_b(10, CpuBench::user_data & ~3u);
}
TEST_F(TaskSwitchFault, StackMustBePresent) {
    put(b + 0x50, CpuBench::absent);
    code_jump(tss_b);
    expect_fault_in_b(12, CpuBench::absent);
}
TEST_F(TaskSwitchFault, DataSegmentMustBeReadable) {
    put(b + 0x54, tss_c);
    code_jump(tss_b);
    expect_fault_in_b(10, tss_c);
    EXPECT_EQ(bench.cpu.state().general[reg_esp], b_stack - 16);
}
TEST_F(TaskSwitchFault, DataSegmentMustBeOfTheLevel) {
    put(b + 0x58, CpuBench::kernel_data | 3);
    code_jump(tss_b);
    expect_fault_in_b(10, CpuBench::kernel_data);
}
TEST_F(TaskSwitchFault, DataSegmentMustBePresent) {
    put(b + 0x5C, CpuBench::absent);
    code_jump(tss_b);
    expect_fault_in_b(11, CpuBench::absent);
}
TEST_F(TaskSwitchFault, InstructionPointerMustBeWithinTheCodeSegment) {
    put(b + 0x4C, narrow_code);
    code_jump(tss_b);
    expect_fault_in_b(13, 0);
}
TEST_F(TaskSwitchFault, ErrorCodeIsPushedBeforeTheInstructionPointerIsChecked) {
    put(CpuBench::idt_address + 11 * 8, uint32_t{tss_b} << 16);
    put(CpuBench::idt_address + 11 * 8 + 4, 0x0000'8500);
    put(b + 0x4C, narrow_code);
    // #NP, then #GP at the new task's EIP: a double fault, whose frame is below the error code
    bench.code({0x66, 0xB8, CpuBench::absent, 0x00, 0x8E, 0xC0});
    bench.run();
    ASSERT_EQ(bench.halted_in(), 8);
    EXPECT_EQ(on_stack(0), 0u);
    EXPECT_EQ(on_stack(1), b_code);
    EXPECT_EQ(bench.get32(b_stack - 4), CpuBench::absent);
}

// ---- Two errors at once: the one that the P6 family looks for first (table 7-1)

class TaskSwitchTwoFaults : public TaskBench {
protected:
    static constexpr uint16_t absent_ldt = 0x98, absent_user_data = 0xA0, user_stack = 0xA8;
    static constexpr uint32_t code_field = b + 0x4C, stack_field = b + 0x50, data_field = b + 0x54,
                              local_table_field = b + 0x60;
    TaskSwitchTwoFaults() {
        bench.descriptor(absent_ldt, ldt_address << 16 | 0x17, 0x0000'0200 | ldt_address >> 16);
        bench.descriptor(absent_user_data, 0x0000'FFFF, 0x00CF'7300);
        bench.descriptor(user_stack, 0x0000'FFFF, 0x00CF'F300);
        bench.descriptor(far_entry, 0x0000'FFFF, 0x00CF'1B00); // absent code
    }
    void expect(int vector, uint32_t error) {
        code_jump(tss_b);
        expect_fault_in_b(vector, error);
    }
};

TEST_F(TaskSwitchTwoFaults, LocalTablesTypeComesBeforeTheCodesLevel) {
    put(local_table_field, CpuBench::kernel_data);
    put(code_field, CpuBench::kernel_code | 3);
    expect(10, CpuBench::kernel_data);
}
TEST_F(TaskSwitchTwoFaults, CodesLevelComesBeforeTheStack) {
    put(code_field, CpuBench::kernel_code | 3);
    put(stack_field, 0);
    expect(10, CpuBench::kernel_code);
}
TEST_F(TaskSwitchTwoFaults, CodesLevelComesBeforeItsPresence) {
    put(code_field, far_entry | 3);
    expect(10, far_entry);
}
TEST_F(TaskSwitchTwoFaults, ConformingCodesLevelComesBeforeTheStack) {
    put(code_field, user_conforming);
    put(stack_field, CpuBench::absent);
    expect(10, user_conforming);
}
TEST_F(TaskSwitchTwoFaults, StackComesBeforeTheCodesType) {
    put(code_field, tss_c | 2);
    put(stack_field, user_stack | 3);
    expect(10, user_stack);
}
TEST_F(TaskSwitchTwoFaults, StackComesBeforeANullCodeSegment) {
    put(code_field, 0);
    put(stack_field, CpuBench::absent);
    expect(12, CpuBench::absent);
}
TEST_F(TaskSwitchTwoFaults, StackComesBeforeTheCodesPresence) {
    put(code_field, far_entry);
    put(stack_field, CpuBench::kernel_code);
    expect(10, CpuBench::kernel_code);
}
TEST_F(TaskSwitchTwoFaults, StacksPresenceComesBeforeItsLevel) {
    put(stack_field, absent_user_data);
    expect(12, absent_user_data);
}
TEST_F(TaskSwitchTwoFaults, StacksLevelComesBeforeTheLocalTablesPresence) {
    put(local_table_field, absent_ldt);
    put(stack_field, user_stack | 3);
    expect(10, user_stack);
}
TEST_F(TaskSwitchTwoFaults, LocalTablesPresenceComesBeforeTheCodesType) {
    put(local_table_field, absent_ldt);
    put(code_field, CpuBench::kernel_data);
    expect(10, absent_ldt);
}
TEST_F(TaskSwitchTwoFaults, AbsentLocalTableIsNamedWhenTheStackIsInIt) {
    put(ldt_address + 8, 0x0000'FFFF);
    put(ldt_address + 12, 0x00CF'9300);
    put(local_table_field, absent_ldt);
    put(stack_field, 0x0C);
    expect(10, absent_ldt);
    EXPECT_EQ(bench.cpu.state().ldtr.attributes, 0u) << "and is not in use afterwards";
}
TEST_F(TaskSwitchTwoFaults, CodesPresenceComesBeforeTheStackSelectorsLevel) {
    put(code_field, far_entry);
    put(stack_field, CpuBench::kernel_data | 3);
    expect(11, far_entry);
}
TEST_F(TaskSwitchTwoFaults, StackSelectorsLevelComesBeforeTheDataSegments) {
    put(stack_field, CpuBench::kernel_data | 3);
    put(data_field, CpuBench::absent);
    expect(10, CpuBench::kernel_data);
}
TEST_F(TaskSwitchTwoFaults, DataSegmentsPresenceComesBeforeItsLevel) {
    put(data_field, CpuBench::absent | 3);
    expect(11, CpuBench::absent);
}
TEST_F(TaskSwitchTwoFaults, FaultOfTheCodeSegmentFindsTheTasksStack) {
    put(code_field, CpuBench::kernel_data);
    expect(10, CpuBench::kernel_data);
    EXPECT_EQ(bench.cpu.state().general[reg_esp], b_stack - 16);
}
TEST_F(TaskSwitchTwoFaults, CodeSegmentIsNotMarkedAccessedBeforeTheStackIsChecked) {
    bench.descriptor(far_entry, 0x0000'FFFF, 0x00CF'9A00);
    put(code_field, far_entry);
    put(stack_field, CpuBench::kernel_data | 3);
    expect(10, CpuBench::kernel_data);
    EXPECT_EQ(type(far_entry), 0x1Au);
}

} // namespace
} // namespace fixpoint::models
