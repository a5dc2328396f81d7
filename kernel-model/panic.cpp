#include "kernel-model/panic.hpp"

#include "kernel-model/abi/probes.hpp"
#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/layout.hpp"
#include "kernel-model/devices/serial_console.hpp"
#include "kernel-model/thread/tcb.hpp"
#include "kernel-model/thread/tcb_array.hpp"

extern "C" {
[[noreturn]] void panic_enter(const char* reason);
extern char kernel_start[], kernel_text_end[], kernel_stack_top[], kernel_stack_guard[];
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

// The kernel is compiled without frame pointers, so every word on its stack that points into its text is
// shown.
void print_return_addresses(uint32_t esp) {
    const uint32_t top = reinterpret_cast<uint32_t>(kernel_stack_top);
    const uint32_t bottom = reinterpret_cast<uint32_t>(kernel_stack_guard) + l4::page_size;
    if (esp < bottom || esp >= top) {
        console.print("  the stack pointer was outside the kernel stack: ", Hex{esp}, "\n");
        return;
    }
    console.print("  text addresses on the stack:");
    for (uint32_t address = esp & ~3u; address < top; address += 4) {
        const uint32_t word = *reinterpret_cast<const uint32_t*>(address);
        if (word >= reinterpret_cast<uint32_t>(kernel_start) &&
            word < reinterpret_cast<uint32_t>(kernel_text_end))
            console.print(" ", Hex{word});
    }
    console.print("\n");
}

void print_threads() {
    constexpr const char* state_names[] = {"unused", "running", "polling", "waiting", "halted"};
    for (unsigned page = 0; page < tcb_page_count; ++page) {
        if (!tcb_page_in_use(page))
            continue;
        for (unsigned half = 0; half < tcbs_per_page; ++half) {
            const Tcb& thread = tcb_in_page(page, half);
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
        print_return_addresses(esp);
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
