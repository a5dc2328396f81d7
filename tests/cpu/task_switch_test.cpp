// Hardware task switches by every route, and what a switch does to registers, TSSs and descriptors (SDM vol. 3,
// chapter 7).
#include "tests/cpu/task_bench.hpp"

#include "models/cpu/breakpoints.hpp"
#include "models/cpu/flags.hpp"

namespace fixpoint::models {
namespace {

constexpr uint32_t code = CpuBench::code_address, tss_a = CpuBench::tss_address;

class TaskSwitch : public TaskBench {};

TEST_F(TaskSwitch, JumpSavesTheOldStateAndLoadsTheNewOne) {
    edit([](CpuState& s) {
        for (unsigned i = 0; i < 8; ++i)
            s.general[i] = 0xA000'0000 + i;
        s.eflags = 0x0C97;
    });
    code_jump(tss_b);
    const CpuState s = bench.run();
    EXPECT_EQ(s.eip, b_code + 1);
    EXPECT_EQ(bench.get32(tss_a + 0x20), code + 7);
    EXPECT_EQ(bench.get32(tss_a + 0x24), 0x0C97u);
    for (unsigned i = 0; i < 8; ++i)
        EXPECT_EQ(bench.get32(tss_a + 0x28 + i * 4), 0xA000'0000u + i);
    EXPECT_EQ(get16(tss_a + 0x48), CpuBench::kernel_data);
    EXPECT_EQ(get16(tss_a + 0x4C), CpuBench::kernel_code);
    EXPECT_EQ(get16(tss_a + 0x5C), CpuBench::kernel_data);
    for (const unsigned i : {reg_eax, reg_ecx, reg_edx, reg_ebx, reg_ebp, reg_esi, reg_edi})
        EXPECT_EQ(s.general[i], 0xB000'0000u + i);
    EXPECT_EQ(s.general[reg_esp], b_stack);
    EXPECT_EQ(s.eflags, 2u);
    EXPECT_EQ(s.segment[seg_fs].attributes, 0u);
    EXPECT_EQ(s.segment[seg_ds].limit, 0xFFFF'FFFFu);
    EXPECT_EQ(s.cr0 & 8, 8u) << "TS";
    EXPECT_EQ(s.tr.selector, tss_b);
    EXPECT_EQ(s.tr.base, b);
    EXPECT_EQ(type(CpuBench::tss), 9u);
    EXPECT_EQ(type(tss_b), 11u);
    EXPECT_EQ(get16(b), 0u) << "a jump leaves no way back";
}
TEST_F(TaskSwitch, CallLinksTheTasksAndIretGoesBack) {
    bench.put(b_code, {0x43, 0xCF, 0x43, 0xF4}); // inc ebx; iret; inc ebx; hlt
    code_call(tss_b);
    const CpuState s = bench.run();
    EXPECT_EQ(s.eip, code + 8);
    EXPECT_EQ(s.eflags & eflags::nt, 0u);
    EXPECT_EQ(s.tr.selector, CpuBench::tss);
    EXPECT_EQ(s.general[reg_esp], CpuBench::stack_top);
    EXPECT_EQ(get16(b), CpuBench::tss);
    EXPECT_EQ(bench.get32(b + 0x20), b_code + 2);
    EXPECT_EQ(bench.get32(b + 0x34), 0xB000'0004u) << "EBX of the task that was left";
    EXPECT_EQ(bench.get32(b + 0x24) & eflags::nt, 0u) << "IRET clears NT in the image it saves";
    EXPECT_EQ(type(CpuBench::tss), 11u);
    EXPECT_EQ(type(tss_b), 9u);
}
TEST_F(TaskSwitch, CallLeavesTheOldTaskBusyAndSetsNested) {
    code_call(tss_b);
    const CpuState s = bench.run();
    EXPECT_EQ(s.eflags & eflags::nt, eflags::nt);
    EXPECT_EQ(bench.get32(tss_a + 0x24) & eflags::nt, 0u);
    EXPECT_EQ(type(CpuBench::tss), 11u);
    EXPECT_EQ(type(tss_b), 11u);
}
TEST_F(TaskSwitch, JumpThroughATaskGate) {
    code_jump(task_gate);
    const CpuState s = bench.run();
    EXPECT_EQ(s.tr.selector, tss_b);
    EXPECT_EQ(s.eflags & eflags::nt, 0u);
    EXPECT_EQ(type(CpuBench::tss), 9u);
}
TEST_F(TaskSwitch, CallThroughATaskGate) {
    code_call(task_gate);
    const CpuState s = bench.run();
    EXPECT_EQ(s.tr.selector, tss_b);
    EXPECT_EQ(s.eflags & eflags::nt, eflags::nt);
    EXPECT_EQ(get16(b), CpuBench::tss);
}
TEST_F(TaskSwitch, UserMayUseATaskGateOfItsLevelToAPrivateTask) {
    bench.descriptor(task_gate, uint32_t{tss_b} << 16, 0x0000'E500);
    bench.set_user();
    code_call(task_gate);
    const CpuState s = bench.run();
    EXPECT_EQ(s.tr.selector, tss_b);
    EXPECT_EQ(s.segment[seg_cs].selector, CpuBench::kernel_code);
    EXPECT_EQ(s.eip, b_code + 1);
}
TEST_F(TaskSwitch, SoftwareInterruptThroughATaskGate) {
    put(CpuBench::idt_address + 0x30 * 8, uint32_t{tss_b} << 16);
    put(CpuBench::idt_address + 0x30 * 8 + 4, 0x0000'8500);
    bench.code({0xCD, 0x30});
    const CpuState s = bench.run();
    EXPECT_EQ(s.tr.selector, tss_b);
    EXPECT_EQ(s.general[reg_esp], b_stack) << "no error code";
    EXPECT_EQ(bench.get32(tss_a + 0x20), code + 2);
    EXPECT_EQ(s.eflags & eflags::nt, eflags::nt);
}
TEST_F(TaskSwitch, ExceptionThroughATaskGatePushesItsErrorCodeOnTheNewStack) {
    put(CpuBench::idt_address + 13 * 8, uint32_t{tss_b} << 16);
    put(CpuBench::idt_address + 13 * 8 + 4, 0x0000'8500);
    bench.code({0x66, 0xB8, 0x88, 0x01, 0x8E, 0xC0}); // mov ax, 188h; mov es, ax: beyond the table
    const CpuState s = bench.run();
    EXPECT_EQ(s.tr.selector, tss_b);
    EXPECT_EQ(s.general[reg_esp], b_stack - 4);
    EXPECT_EQ(on_stack(0), 0x188u);
    EXPECT_EQ(bench.get32(tss_a + 0x20), code + 4) << "restartable";
    EXPECT_EQ(bench.get32(tss_a + 0x24) & eflags::rf, eflags::rf);
}
TEST_F(TaskSwitch, ErrorCodeOfA16BitTaskIsAWord) {
    put(CpuBench::idt_address + 13 * 8, uint32_t{tss_c} << 16);
    put(CpuBench::idt_address + 13 * 8 + 4, 0x0000'8500);
    bench.code({0x66, 0xB8, 0x88, 0x01, 0x8E, 0xC0});
    put16(c + 0x26, CpuBench::data16);
    const CpuState s = bench.run();
    EXPECT_EQ(s.tr.selector, tss_c);
    EXPECT_EQ(s.general[reg_esp], 0xFFFF'8FFEu);
    EXPECT_EQ(get16(0x8FFE), 0x188u);
}
TEST_F(TaskSwitch, ErrorCodeThatDoesNotFitIsAFaultOfTheNewTask) {
    put(CpuBench::idt_address + 13 * 8, uint32_t{tss_b} << 16);
    put(CpuBench::idt_address + 13 * 8 + 4, 0x0000'8500);
    put(b + 0x50, CpuBench::small_data);
    put(b + 0x38, 0x2000);
    // #GP, then #SS for the push: a double fault, whose handler needs a stack: its own task's
    put(CpuBench::idt_address + 8 * 8, uint32_t{tss_c} << 16);
    put(CpuBench::idt_address + 8 * 8 + 4, 0x0000'8500);
    bench.code({0x66, 0xB8, 0x88, 0x01, 0x8E, 0xC0});
    const CpuState s = bench.run();
    EXPECT_EQ(s.tr.selector, tss_c);
    EXPECT_EQ(get16(c), tss_b) << "the double fault came while the new task was current";
    EXPECT_EQ(bench.get32(b + 0x20), b_code);
}
TEST_F(TaskSwitch, ExternalInterruptEntersATask) {
    put(CpuBench::idt_address + 0x20 * 8, uint32_t{tss_b} << 16);
    put(CpuBench::idt_address + 0x20 * 8 + 4, 0x0000'8500);
    bench.put(b_code, {0x43, 0xCF}); // inc ebx; iret
    bench.bus.on_acknowledge = [&] { bench.cpu.set_interrupt_line(false); };
    bench.code({0x90, 0x90, 0xFA, 0xF4}); // nop; nop; cli; hlt
    edit([](CpuState& s) { s.eflags |= eflags::iif; });
    bench.cpu.set_interrupt_line(true);
    const CpuState s = bench.run();
    EXPECT_EQ(bench.bus.acknowledged, 1u);
    EXPECT_EQ(s.eip, code + 4);
    EXPECT_EQ(s.tr.selector, CpuBench::tss);
    EXPECT_EQ(bench.get32(b + 0x34), 0xB000'0004u);
}
TEST_F(TaskSwitch, DoubleFaultTaskRescuesABrokenStack) {
    put(CpuBench::idt_address + 8 * 8, uint32_t{tss_b} << 16);
    put(CpuBench::idt_address + 8 * 8 + 4, 0x0000'8500);
    bench.code({0x0F, 0x0B});
    edit([](CpuState& s) {
        s.segment[seg_ss] = {CpuBench::small_data, 0x4093, 0, 0xFFF};
        s.general[reg_esp] = 0x2000;
    });
    const CpuState s = bench.run();
    EXPECT_EQ(s.tr.selector, tss_b);
    EXPECT_EQ(on_stack(0), 0u);
    EXPECT_EQ(bench.get32(tss_a + 0x20), code);
}
TEST_F(TaskSwitch, SixteenBitTaskReturnsToA32BitOne) {
    bench.put(c_code, {0x40, 0xCF}); // inc eax; iret
    edit([](CpuState& s) { s.general[reg_edi] = 0x1234'5678; });
    code_call(tss_c);
    const CpuState s = bench.run();
    EXPECT_EQ(s.eip, code + 8);
    EXPECT_EQ(s.general[reg_edi], 0x1234'5678u);
    EXPECT_EQ(get16(c), CpuBench::tss);
    EXPECT_EQ(get16(c + 0x0E), c_code + 2);
    EXPECT_EQ(get16(c + 0x12), 0xC001u);
    EXPECT_EQ(get16(c + 0x10) & eflags::nt, 0u);
    EXPECT_EQ(type(tss_c), 1u);
}
TEST_F(TaskSwitch, SixteenBitTaskLoadsHalfRegistersAndNullSegments) {
    code_jump(tss_c);
    const CpuState s = bench.run();
    EXPECT_EQ(s.eip, c_code + 1);
    EXPECT_EQ(s.general[reg_ecx], 0xFFFF'C001u);
    EXPECT_EQ(s.general[reg_esp], 0xFFFF'9000u);
    EXPECT_EQ(s.segment[seg_fs].selector, 0u);
    EXPECT_EQ(s.segment[seg_gs].attributes, 0u);
    EXPECT_EQ(type(tss_c), 3u);
}
TEST_F(TaskSwitch, SixteenBitTaskJumpsToA32BitOne) {
    bench.put(c_code, {0xEA, 0, 0, 0, 0, tss_b, 0});
    code_jump(tss_c);
    const CpuState s = bench.run();
    EXPECT_EQ(s.tr.selector, tss_b);
    EXPECT_EQ(get16(c + 0x0E), c_code + 7);
    EXPECT_EQ(type(tss_c), 1u);
}

// ---- What else a switch does

TEST_F(TaskSwitch, TrapBitIsADebugExceptionBeforeTheFirstInstruction) {
    put(b + 0x64, 0x0068'0001);
    code_jump(tss_b);
    const CpuState s = bench.run();
    ASSERT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(on_stack(0), b_code);
    EXPECT_EQ(s.debug[6] & dr6::task_switch, dr6::task_switch);
}
TEST_F(TaskSwitch, TrapBitHoldsForTasksThatInterruptsEnter) {
    put(CpuBench::idt_address + 0x20 * 8, uint32_t{tss_b} << 16);
    put(CpuBench::idt_address + 0x20 * 8 + 4, 0x0000'8500);
    put(b + 0x64, 0x0068'0001);
    bench.code({0x90, 0xF4});
    edit([](CpuState& s) { s.eflags |= eflags::iif; });
    bench.cpu.set_interrupt_line(true);
    bench.run();
    ASSERT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(on_stack(0), b_code);
}
// The SDM warns of a loop (vol. 3, 17.3.1.4): the second trap is due before the handler's first instruction; its task
// is busy.
TEST_F(TaskSwitch, TrapBitOfTheDebugHandlersOwnTaskComesFirst) {
    put(CpuBench::idt_address + 1 * 8, uint32_t{tss_b} << 16);
    put(CpuBench::idt_address + 1 * 8 + 4, 0x0000'8500);
    put(b + 0x64, 0x0068'0001);
    bench.code({0x90, 0xF4});
    edit([](CpuState& s) { s.eflags |= eflags::tf; });
    bench.run();
    ASSERT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(on_stack(0), tss_b | 1u) << "an external event's";
    EXPECT_EQ(on_stack(1), b_code);
}
TEST_F(TaskSwitch, LocalBreakpointsAreDisarmed) {
    edit([](CpuState& s) { s.debug[7] = 0x4FF; });
    code_jump(tss_b);
    EXPECT_EQ(bench.run().debug[7], 0x4AAu);
}
TEST_F(TaskSwitch, PageDirectoryIsLoadedOnlyWithPaging) {
    put(b + 0x1C, 0x1234'5000);
    code_jump(tss_b);
    EXPECT_EQ(bench.run().cr3, 0u);
}
TEST_F(TaskSwitch, NewAddressSpaceHoldsForTheNewTask) {
    constexpr uint32_t directory = 0x20'0000, other = 0x20'2000, pages = 0x20'1000, other_pages = 0x20'3000;
    put(directory, pages | 3);
    put(other, other_pages | 3);
    for (uint32_t page = 0; page < 1024; ++page)
        put(pages + page * 4, page << 12 | 3), put(other_pages + page * 4, page << 12 | 3);
    put(other_pages + (b_code >> 12) * 4, 0x12'0003);
    bench.put(0x12'0000, {0x40, 0xF4}); // inc eax; hlt
    put(b + 0x1C, other);
    edit([](CpuState& s) {
        s.cr3 = directory;
        s.cr0 |= 1u << 31;
    });
    code_jump(tss_b);
    const CpuState s = bench.run();
    EXPECT_EQ(s.cr3, other);
    EXPECT_EQ(s.general[reg_eax], 0xB000'0001u);
}
TEST_F(TaskSwitch, VirtualMachineTaskBeginsInVirtual8086Mode) {
    put(b + 0x24, eflags::vm | 0x2);
    put(b + 0x20, 0x0010);
    for (unsigned i = 0; i < 6; ++i)
        put(b + 0x48 + i * 4, 0x3000 + i * 0x100);
    bench.put(0x3'1010, {0xF4}); // hlt: #GP in virtual-8086 mode
    code_jump(tss_b);
    bench.run();
    ASSERT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(on_stack(1), 0x10u);
    EXPECT_EQ(on_stack(2), 0x3100u);
    EXPECT_EQ(on_stack(3) & eflags::vm, eflags::vm);
    EXPECT_EQ(on_stack(5), 0x3200u);
    EXPECT_EQ(on_stack(6), 0x3000u);
}
TEST_F(TaskSwitch, VirtualMachineIsLeftAndReenteredByTasks) {
    put(CpuBench::idt_address + 13 * 8, uint32_t{tss_b} << 16);
    put(CpuBench::idt_address + 13 * 8 + 4, 0x0000'8500);
    edit([](CpuState& s) {
        s.eflags = eflags::vm | 2;
        for (unsigned i = 0; i < 6; ++i)
            s.segment[i] = {static_cast<uint16_t>(0x3000 + i * 0x100), 0xF3, 0x3'0000 + i * 0x1000, 0xFFFF};
        s.eip = 0x20;
        s.general[reg_esp] = 0x100;
    });
    bench.put(0x3'1020, {0xF4, 0x40, 0xFA}); // hlt; inc ax; cli
    // pop eax; inc dword [tss_a + 0x20]; iret; pop ebx; hlt
    bench.put(b_code, {0x58, 0xFF, 0x05, 0x20, 0x30, 0x00, 0x00, 0xCF, 0x5B, 0xF4});
    const CpuState s = bench.run();
    EXPECT_EQ(s.eip, b_code + 10) << "CLI faulted too, and the task went on behind its IRET";
    EXPECT_EQ(bench.get32(tss_a + 0x20), 0x22u);
    EXPECT_EQ(bench.get32(tss_a + 0x24) & eflags::vm, eflags::vm);
    EXPECT_EQ(get16(tss_a + 0x4C), 0x3100u);
}
TEST_F(TaskSwitch, UserTaskRunsAtItsLevel) {
    const uint32_t user[] = {
        CpuBench::user_data, CpuBench::user_code, CpuBench::user_data, CpuBench::user_data, 0, 0};
    for (unsigned i = 0; i < 6; ++i)
        put(b + 0x48 + i * 4, user[i]);
    code_jump(tss_b);
    bench.run();
    ASSERT_EQ(bench.halted_in(), 13) << "HLT";
    EXPECT_EQ(bench.cpu.state().general[reg_esp], b_kernel_stack - 24);
    EXPECT_EQ(on_stack(1), b_code);
    EXPECT_EQ(on_stack(2), CpuBench::user_code);
}

} // namespace
} // namespace fixpoint::models
