#include "kernel-model/panic.hpp"

#include "kernel-model/abi/probes.hpp"
#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/entry_layout.h"
#include "kernel-model/arch/kernel_stack.hpp"
#include "kernel-model/arch/layout.hpp"
#include "kernel-model/devices/serial_console.hpp"
#include "kernel-model/symbols.hpp"
#include "kernel-model/thread/tcb.hpp"
#include "kernel-model/thread/tcb_array.hpp"

extern "C" {
[[noreturn]] void panic_enter(const char* reason);
extern char kernel_start[], kernel_text_end[], kernel_stack_top[], kernel_stack_bottom[];
}

namespace kernel {

namespace {

constinit const Frame* trap_frame = nullptr;
constinit bool panicking = false;

void print_registers(const Frame& frame) {
    console.print("  vector ", Hex{frame.vector}, " error ", Hex{frame.error}, " eip ", Hex{frame.eip},
                  " cs ", Hex{frame.cs}, " eflags ", Hex{frame.eflags}, "\n");
    console.print("  eax ", Hex{frame.eax}, " ebx ", Hex{frame.ebx}, " ecx ", Hex{frame.ecx}, " edx ",
                  Hex{frame.edx}, "\n");
    console.print("  esi ", Hex{frame.esi}, " edi ", Hex{frame.edi}, " ebp ", Hex{frame.ebp}, " cr2 ",
                  Hex{cpu::read_cr2()}, " cr3 ", Hex{cpu::read_cr3()}, "\n");
}

void print_address(uint32_t address) {
    console.print("  ", Hex{address});
    if (const Symbol symbol = symbol_at(address); symbol.name != nullptr)
        console.print(" ", symbol.name, "+", Decimal{symbol.offset});
    console.print("\n");
}

bool in_text(uint32_t address) {
    return address >= reinterpret_cast<uint32_t>(kernel_start) &&
           address < reinterpret_cast<uint32_t>(kernel_text_end);
}

// Does a CALL end at this address? E8 with a 32-bit distance, or FF /2 with any length of operand.
bool follows_call(uint32_t address) {
    constexpr uint8_t call_near = 0xE8, group_5 = 0xFF, call_indirect = 2;
    constexpr uint32_t longest_indirect = 7, call_near_bytes = 5;
    const auto* code = reinterpret_cast<const uint8_t*>(address);
    if (!in_text(address - longest_indirect) || !in_text(address))
        return false;
    if (code[-static_cast<int>(call_near_bytes)] == call_near)
        return true;
    for (int bytes = 2; bytes <= static_cast<int>(longest_indirect); ++bytes)
        if (code[-bytes] == group_5 && (code[1 - bytes] >> 3 & 7) == call_indirect)
            return true;
    return false;
}

// The kernel is compiled without frame pointers, which would cost each IPC: every word on its stack that a CALL may
// have pushed is shown. A few are left over from earlier calls.
void print_backtrace(uint32_t esp) {
    const uint32_t top = reinterpret_cast<uint32_t>(kernel_stack_top);
    const uint32_t bottom = reinterpret_cast<uint32_t>(kernel_stack_bottom);
    if (esp < bottom || esp >= top) {
        console.print("  the stack pointer was outside the kernel stack: ", Hex{esp}, "\n");
        return;
    }
    console.print("backtrace:\n");
    if (trap_frame != nullptr)
        print_address(trap_frame->eip);
    for (uint32_t address = esp & ~3u; address < top; address += 4) {
        const uint32_t word = *reinterpret_cast<const uint32_t*>(address);
        if (follows_call(word))
            print_address(word);
    }
}

void print_threads() {
    constexpr const char* state_names[] = {"unused", "running", "polling", "waiting", "halted", "locked"};
    console.print("threads:\n");
    for (unsigned page = 0; page < tcb_page_count; ++page) {
        if (!tcb_page_in_use(page))
            continue;
        for (unsigned slot = 0; slot < tcbs_per_page; ++slot) {
            const Tcb& thread = tcb_in_page(page, slot);
            if (thread.state == ThreadState::unused)
                continue;
            const auto state = static_cast<unsigned>(thread.state);
            console.print(&thread == current_thread ? "* " : "  ", thread.thread_id(), " ",
                          state < sizeof state_names / sizeof *state_names ? state_names[state] : "damaged",
                          thread.kind == IpcKind::user         ? ""
                          : thread.kind == IpcKind::page_fault ? " in a page fault"
                                                               : " in a TCB fault",
                          " partner ", Hex{thread.partner}, " eip ", Hex{thread.frame.eip}, " priority ",
                          Decimal{thread.priority}, "\n");
        }
    }
}

} // namespace

extern "C" [[noreturn]] void panic_on_own_stack(const char* reason, uint32_t esp) {
    if (!panicking) {
        panicking = true;
        console.print("\nkernel panic: ", reason, "\n");
        if (trap_frame != nullptr)
            print_registers(*trap_frame);
        // The stack of interrupted kernel code goes on where the processor's frame ends: ESP and SS are not in it.
        print_backtrace(trap_frame != nullptr ? reinterpret_cast<uint32_t>(&trap_frame->esp) : esp);
        console.print("kernel stack: ", Decimal{kernel_stack_used()}, " of ", Decimal{KERNEL_STACK_BYTES},
                      " bytes were in use at most\n");
        print_threads();
        l4::probe<l4::Probe::panic>();
    }
    cpu::halt_for_ever();
}

extern "C" [[noreturn]] void double_fault() {
    console.print("\nkernel panic: double fault, cr2 ", Hex{cpu::read_cr2()}, "\n");
    print_threads();
    l4::probe<l4::Probe::panic>();
    cpu::halt_for_ever();
}

void refuse_to_boot(const char* reason) {
    console.print("kernel: cannot boot: ", reason, "\n");
    l4::probe<l4::Probe::panic>();
    cpu::halt_for_ever();
}

void panic(const char* reason) {
    panic_enter(reason);
}

void panic_in_trap(const char* reason, const Frame& frame) {
    trap_frame = &frame;
    panic_enter(reason);
}

} // namespace kernel
