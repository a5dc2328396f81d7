#include "kernel-model/thread/tcb_array.hpp"

#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/layout.hpp"
#include "kernel-model/arch/pages.hpp"
#include "kernel-model/arch/restart.hpp"
#include "kernel-model/ipc/ipc_engine.hpp"
#include "kernel-model/memory/address_spaces.hpp"
#include "kernel-model/memory/kernel_memory.hpp"
#include "kernel-model/panic.hpp"
#include "kernel-model/thread/exceptions.hpp"
#include "kernel-model/thread/recovery.hpp"
#include "kernel-model/thread/scheduler.hpp"

extern "C" char kernel_directory[];

namespace kernel {

constinit TcbPaging tcb_paging;

namespace {

constinit uint32_t zero_page = 0; // physical

uint32_t page_address(unsigned page) {
    return l4::tcb_array_base + page * l4::page_size;
}
unsigned page_number(uint32_t address) {
    return (address - l4::tcb_array_base) / l4::page_size;
}

PageEntry entry_of(uint32_t address) {
    return AddressSpaces{}.find(tcb_array_task, address);
}

void set_entry(uint32_t address, uint32_t physical, uint32_t rights) {
    *entry_of(address).pte = physical | pte::present | global_page_flag() | rights;
    cpu::invalidate_page(page_of(address));
}

bool maps_zero_page(uint32_t address) {
    const uint32_t value = *entry_of(address).pte;
    return (value & pte::present) && (value & pte::frame_mask) == zero_page;
}

// The kernel's own memory, for TCBs that nobody pages. False: none left.
bool provide_kernel_page(uint32_t address) {
    const uint32_t physical = kernel_pool.allocate_page();
    if (physical == 0)
        return false;
    clear_page(window(physical));
    set_entry(address, physical, pte::writable);
    return true;
}

} // namespace

void initialise_tcb_array() {
    zero_page = kernel_pool.allocate_page();
    require(zero_page != 0, "no memory for the first TCB page");
    clear_page(window(zero_page));
    for (uint32_t address = l4::tcb_array_base; address < tcb_array_end; address += l4::superpage_size)
        require(AddressSpaces{}.create(tcb_array_task, address).pte != nullptr,
                "no memory for the TCB array");
}

bool provide_tcb_page(unsigned page) {
    return tcb_page_in_use(page) || provide_kernel_page(page_address(page));
}

bool tcb_page_in_use(unsigned page) {
    const PageEntry entry = entry_of(page_address(page));
    return entry.pte != nullptr && (*entry.pte & pte::present) && !maps_zero_page(page_address(page));
}

bool is_thread_present(l4::ThreadId id) {
    if (id.is_nil() || id == l4::invalid_thread || id.task() == 0)
        return false;
    const Tcb& tcb = tcb_of(id);
    return tcb_page_in_use(index_of(tcb) / tcbs_per_page) && scheduler.entry(tcb).known && tcb.id == id.raw;
}

TcbFaultOutcome handle_tcb_fault(uint32_t address, bool write) {
    Tcb& thread = *current_thread;
    if (!is_persistent(l4::task_of_tcb_address(address))) {
        if (!write) {
            set_entry(address, zero_page, 0);
            return TcbFaultOutcome::retry;
        }
        if (provide_kernel_page(address))
            return TcbFaultOutcome::retry;
        stop_thread(thread, "no memory for another TCB", address);
        return TcbFaultOutcome::abandoned;
    }
    if (thread.id == tcb_paging.pager) {
        if (!write) {
            set_entry(address, zero_page, 0);
            return TcbFaultOutcome::retry;
        }
        stop_thread(thread, "the TCB pager needs a TCB of its own", address);
        return TcbFaultOutcome::abandoned;
    }
    Tcb& pager = tcb_of({tcb_paging.pager});
    if (pager.id != tcb_paging.pager) {
        stop_thread(thread, "the TCB pager does not exist", address);
        return TcbFaultOutcome::abandoned;
    }
    rewind_system_call(thread.frame);
    constexpr uint32_t write_flag = 2;
    start_kernel_rpc(thread, IpcKind::tcb_fault, pager, page_of(address) | (write ? write_flag : 0),
                     thread.frame.eip, l4::Timeouts::infinite_us);
    scheduler.reschedule();
    return TcbFaultOutcome::abandoned;
}

bool receive_tcb_page(const Tcb& pager, const Tcb& thread, MapItem item) {
    const uint32_t address = page_of(thread.fault_w0);
    const PageEntry entry = entry_of(address);
    if (maps_zero_page(address)) {
        *entry.pte = 0;
        cpu::invalidate_page(address);
    } else if (*entry.pte & pte::present) {
        return true; // another thread's fault has brought it meanwhile
    }
    if (!map_fpage(task_of(pager), item, tcb_array_task, l4::Fpage::make(address, l4::page_bits)))
        return false;
    if (*entry.pte & pte::present)
        tcb_page_arrived(page_number(address));
    return true;
}

void tcb_pager_knows_nothing(const Tcb& thread) {
    const uint32_t address = page_of(thread.fault_w0);
    if (!(*entry_of(address).pte & pte::present))
        set_entry(address, zero_page, 0);
}

} // namespace kernel
