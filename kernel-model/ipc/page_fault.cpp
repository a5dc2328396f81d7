// Page faults of user threads become IPC to the thread's pager.
//
// The thread blocks in a call to its pager: w0 = fault address with bit 1 = write, w1 = EIP; the reply's map
// item goes into its space, then it repeats the instruction. sigma0's faults are served here: its space is
// all memory, 1:1.
//
// The use of a port without the right to it is a page fault as well: w0 is the I/O fpage of the ports that the
// instruction wanted, as Hazelnut has it.
#include "kernel-model/ipc/page_fault.hpp"
#include "kernel-model/abi/io_fpage.hpp"
#include "kernel-model/abi/probes.hpp"
#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/handlers.hpp"
#include "kernel-model/arch/layout.hpp"
#include "kernel-model/arch/sysenter.hpp"
#include "kernel-model/ipc/ipc_engine.hpp"
#include "kernel-model/memory/address_spaces.hpp"
#include "kernel-model/thread/exceptions.hpp"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/tcb_array.hpp"

namespace kernel {

namespace {

constexpr uint32_t error_protection = 1u << 0, error_write = 1u << 1;

void call_pager(Tcb& thread, Tcb& pager, uint32_t w0, l4::Phase phase) {
    l4::probe<l4::Probe::phase>(static_cast<uint32_t>(phase));
    start_kernel_rpc(thread, IpcKind::page_fault, pager, w0, thread.frame.eip, l4::Timeouts::infinite_us);
    scheduler.reschedule();
}

} // namespace

Tcb* pager_of(const Tcb& thread) {
    Tcb* const pager = find_thread({thread.pager});
    return pager != &thread ? pager : nullptr;
}

void page_fault_at(uint32_t address, uint32_t error) {
    Tcb& thread = *current_thread;
    const unsigned task = task_of(thread);
    if (address >= l4::user_space_end) {
        stop_thread(thread, "page fault outside user space", address);
        return;
    }
    if (task == l4::sigma0_task) {
        if ((error & error_protection) || !ensure_sigma0_page(page_of(address)))
            stop_thread(thread, "sigma0 touched memory that is not its own", address);
        return;
    }
    Tcb* const pager = pager_of(thread);
    if (pager == nullptr) {
        stop_thread(thread, "page fault without a pager", address);
        return;
    }
    const bool protected_write = (error & error_write) && is_persistent(task);
    l4::probe<l4::Probe::fault_begin>(address, error);
    call_pager(thread, *pager, fault_word(address, error & error_write),
               protected_write ? l4::Phase::write_fault : l4::Phase::read_fault);
}

void io_page_fault_at(unsigned port, unsigned log2_count) {
    Tcb& thread = *current_thread;
    const l4::IoFpage fault = l4::IoFpage::make(port, log2_count);
    Tcb* const pager = pager_of(thread);
    if (pager == nullptr) {
        stop_thread(thread, "I/O page fault without a pager", fault.raw);
        return;
    }
    l4::probe<l4::Probe::fault_begin>(fault.raw, 0);
    call_pager(thread, *pager, fault.raw, l4::Phase::read_fault);
}

void handle_page_fault() {
    const uint32_t address = cpu::read_cr2();
    repeat_sysenter(*current_thread, address);
    if (repeat_trap(address))
        return;
    page_fault_at(address, current_thread->frame.error);
}

} // namespace kernel
