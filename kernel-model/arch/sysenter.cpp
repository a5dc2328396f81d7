#include "kernel-model/arch/sysenter.hpp"

#include "kernel-model/abi/sysenter.hpp"
#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/entry_layout.h"
#include "kernel-model/arch/handlers.hpp"
#include "kernel-model/arch/interrupt_table.hpp"
#include "kernel-model/arch/segments.hpp"
#include "kernel-model/arch/selectors.h"
#include "kernel-model/ipc/page_fault.hpp"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/task.hpp"

extern "C" {
void sysenter_entry();
void by_reference();
void sysenter_partner_touch();
[[noreturn]] void enter_as_sysenter();
extern const uint32_t sysenter_reads[], sysenter_reads_end[];
extern char kernel_stack_top[];
}

namespace kernel {

static_assert(offsetof(Frame, edi) == FRAME_EDI && offsetof(Frame, esi) == FRAME_ESI);
static_assert(offsetof(Frame, ebp) == FRAME_EBP && offsetof(Frame, ebx) == FRAME_EBX);
static_assert(offsetof(Frame, edx) == FRAME_EDX && offsetof(Frame, ecx) == FRAME_ECX);
static_assert(offsetof(Frame, eax) == FRAME_EAX && offsetof(Frame, error) == FRAME_ERROR);
static_assert(offsetof(Frame, eip) == FRAME_EIP && offsetof(Frame, eflags) == FRAME_EFLAGS);
static_assert(offsetof(Frame, esp) == FRAME_ESP && sizeof(Frame) == FRAME_BYTES);
static_assert(VECTOR_SYSENTER >= vector_count && VECTOR_SYSENTER_PLAIN > VECTOR_SYSENTER);
static_assert(offsetof(Tcb, id) == TCB_ID && offsetof(Tcb, state) == TCB_STATE);
static_assert(offsetof(Tcb, kind) == TCB_STATE + 1 && offsetof(Tcb, priority) == TCB_PRIORITY);
static_assert(offsetof(Tcb, partner) == TCB_PARTNER && offsetof(Tcb, senders) == TCB_SENDERS);
static_assert(offsetof(Tcb, last_sender) == TCB_LAST_SENDER);
static_assert(offsetof(Tcb, frame) == TCB_FRAME && offsetof(Tcb, wakeup_us) == TCB_WAKEUP);
static_assert(offsetof(Tcb, interrupt_lines) == TCB_INTERRUPT_LINES);
static_assert(static_cast<int>(ThreadState::running) == STATE_RUNNING);
static_assert((static_cast<int>(ThreadState::waiting) | static_cast<int>(IpcKind::user) << 8) ==
              STATE_WAITING_USER);
static_assert(any_partner == static_cast<uint32_t>(ANY_PARTNER));
static_assert(l4::tcb_array_base == TCB_ARRAY && l4::user_space_end == USER_SPACE_END);
static_assert(l4::tcb_address(l4::ThreadId::make(255, 63, 1023, 255)) == TCB_ARRAY + TCB_OFFSET_MASK);
static_assert(l4::send_registers == 0 && l4::receive_registers == 0 && l4::open_wait == 1);
static_assert(Scheduler::floor_offset() == SCHEDULER_FLOOR);
static_assert(Scheduler::directory_offset() == SCHEDULER_DIRECTORY);
static_assert(offsetof(TaskStateSegment, esp0) == TASK_STATE_ESP0);
static_assert(sizeof(Task) == TASK_BYTES && offsetof(Task, directory) == 0);

namespace {

constexpr uint32_t msr_sysenter_cs = 0x174, msr_sysenter_esp = 0x175, msr_sysenter_eip = 0x176;
constexpr uint32_t words_on_stack_bytes = 16;
constexpr uint32_t edx_slot_bytes = 4; // SYSENTER's ESP: the entry saves EDX there

constinit bool enabled = false;

// The user's EDX: the first instruction has saved it.
uint32_t saved_edx() {
    return *reinterpret_cast<const uint32_t*>(kernel_stack_top - edx_slot_bytes);
}

// The current thread's frame as if it had not executed its SYSENTER yet.
void back_before_sysenter(const Frame& trap, uint32_t edx, uint32_t ebp) {
    Frame& frame = current_thread->frame;
    frame.eax = trap.eax;
    frame.ebx = trap.ebx;
    frame.ecx = trap.ecx;
    frame.edx = edx;
    frame.esi = trap.esi;
    frame.edi = trap.edi;
    frame.ebp = ebp;
    frame.esp = trap.ecx;
    frame.eip = sysenter_repeat_address;
    frame.vector = trap.vector;
    frame.error = trap.error;
}

bool is_user_read(uint32_t eip) {
    for (const uint32_t* read = sysenter_reads; read != sysenter_reads_end; ++read)
        if (*read == eip)
            return true;
    return false;
}

} // namespace

void enable_sysenter(uint32_t signature, uint32_t features) {
    if (!l4::has_sysenter(signature, features))
        return;
    cpu::write_msr(msr_sysenter_cs, SELECTOR_KERNEL_CODE);
    cpu::write_msr(msr_sysenter_esp, reinterpret_cast<uint32_t>(kernel_stack_top) - edx_slot_bytes);
    cpu::write_msr(msr_sysenter_eip, reinterpret_cast<uint32_t>(&sysenter_entry));
    enabled = true;
}

SysenterTrap trap_in_sysenter(Frame& trap) {
    if (current_thread == nullptr || !enabled)
        return SysenterTrap::none;
    constexpr unsigned vector_debug = 1, first_instruction_bytes = 3;
    const uint32_t entry = reinterpret_cast<uint32_t>(&sysenter_entry);
    if (trap.vector == vector_debug && trap.eip - entry <= first_instruction_bytes) {
        back_before_sysenter(trap, trap.edx, trap.ebp);
        current_thread->frame.eflags |= cpu::eflags_trap;
        handle_exception();
        return SysenterTrap::abandoned;
    }
    if (trap.vector != vector_page_fault)
        return SysenterTrap::none;
    if (trap.eip == reinterpret_cast<uint32_t>(&sysenter_partner_touch)) {
        trap.eip = reinterpret_cast<uint32_t>(&by_reference);
        return SysenterTrap::go_on;
    }
    if (!is_user_read(trap.eip))
        return SysenterTrap::none;
    const uint32_t address = cpu::read_cr2();
    back_before_sysenter(trap, saved_edx(), current_thread->frame.ebp);
    page_fault_at(address, trap.error);
    return SysenterTrap::abandoned;
}

extern "C" void sysenter_stack_fault() {
    Frame& frame = current_thread->frame;
    constexpr uint32_t user_read = 4; // error code
    frame.esp = frame.ecx;
    frame.eip = sysenter_repeat_address;
    frame.vector = vector_page_fault;
    frame.error = user_read;
    page_fault_at(frame.ecx < l4::user_space_end ? l4::user_space_end : frame.ecx, user_read);
}

void rewind_sysenter(Frame& frame) {
    frame.esp -= words_on_stack_bytes;
    frame.ecx = frame.esp;
    frame.eip = sysenter_repeat_address;
    frame.vector = vector_page_fault; // EBP is still the receive descriptor
}

void repeat_sysenter(const Tcb& thread, uint32_t address) {
    if (enabled && address == sysenter_repeat_address && thread.frame.eip == sysenter_repeat_address)
        enter_as_sysenter();
}

} // namespace kernel
