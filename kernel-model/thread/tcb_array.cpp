#include "kernel-model/thread/tcb_array.hpp"

#include "kernel-model/abi/kernel_info.hpp"
#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/layout.hpp"
#include "kernel-model/arch/pages.hpp"
#include "kernel-model/arch/restart.hpp"
#include "kernel-model/boot/boot_information.hpp"
#include "kernel-model/ipc/ipc_engine.hpp"
#include "kernel-model/memory/address_spaces.hpp"
#include "kernel-model/memory/fpage_arithmetic.hpp"
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

// The frames that the TCB pager has given: a bit for each frame of main memory, in pages of the kernel's.
class FrameSet {
public:
    // False: no memory.
    bool cover(uint32_t memory_bytes) {
        for (uint32_t part = 0; part <= (memory_bytes - 1) / part_bytes; ++part) {
            const uint32_t page = kernel_pool.allocate_page();
            if (page == 0)
                return false;
            parts_[part] = window(page);
            clear_page(parts_[part]);
        }
        return true;
    }
    bool contains(uint32_t frame) const { return (word_of(frame) & mask_of(frame)) != 0; }
    void insert(uint32_t frame) { word_of(frame) |= mask_of(frame); }

private:
    static constexpr uint32_t mask_of(uint32_t frame) { return 1u << frame / l4::page_size % 32; }
    uint32_t& word_of(uint32_t frame) const {
        return parts_[frame / part_bytes][frame % part_bytes / l4::page_size / 32];
    }

    static constexpr uint32_t part_bytes = l4::page_size * 8 * l4::page_size; // that a page has bits for
    uint32_t* parts_[32] = {};
    static_assert(uint64_t{part_bytes} * 32 == uint64_t{1} << 32);
};
constinit FrameSet frames_taken;

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

// What a map item offers for one page of the array.
struct OfferedPage {
    uint32_t address; // in the TCB pager's space
    uint32_t frame;   // 0: nothing that may hold TCBs
};
OfferedPage page_offered_by(unsigned task, MapItem item) {
    const MapGeometry geometry = map_geometry(item.send_base, item.fpage, l4::Fpage::make(0, l4::page_bits));
    const uint32_t address = geometry.source;
    if (geometry.log2_size == 0 || address >= l4::user_space_end || !item.fpage.writable())
        return {address, 0};
    if (task == l4::sigma0_task)
        ensure_sigma0_page(address);
    const PageEntry entry = AddressSpaces{}.find(task, address);
    const bool memory = entry.present() && entry.writable() && !(*entry.pte & pte::cache_disable);
    return {address, memory ? entry.frame_of(address) : 0};
}

} // namespace

void initialise_tcb_array() {
    zero_page = kernel_pool.allocate_page();
    require(zero_page != 0, "no memory for the first TCB page");
    clear_page(window(zero_page));
    require(frames_taken.cover(kernel_info.main_memory.high), "no memory for the set of TCB frames");
    for (uint32_t address = l4::tcb_array_base; address < tcb_array_end; address += l4::superpage_size)
        require(AddressSpaces{}.create(tcb_array_task, address).pte != nullptr,
                "no memory for the TCB array");
}

bool provide_tcb_page(unsigned page) {
    return tcb_page_in_use(page) || provide_kernel_page(page_address(page));
}

void forget_unused_tcb_page(unsigned page) {
    const uint32_t address = page_address(page);
    if (!maps_zero_page(address))
        return;
    *entry_of(address).pte = 0;
    cpu::invalidate_page(address);
}

bool take_written_tcb_pages(uint32_t& first_and_written) {
    static_assert(l4::superpage_size % l4::tcb_group_bytes == 0, "a group's entries are in one table");
    if (!in_tcb_array(first_and_written) ||
        (first_and_written - l4::tcb_array_base) % l4::tcb_group_bytes != 0)
        return false;
    first_and_written = mapping_database.take_written_pinned(first_and_written, l4::tcb_group_pages);
    finish_tlb_changes();
    return true;
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
        if (!write)
            return TcbFaultOutcome::absent;
        stop_thread(thread, "the TCB pager needs a TCB of its own", address);
        return TcbFaultOutcome::abandoned;
    }
    Tcb& pager = tcb_of({tcb_paging.pager});
    const bool exists = tcb_page_in_use(index_of(pager) / tcbs_per_page) && pager.id == tcb_paging.pager;
    if (!exists) {
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

bool receive_tcb_page(unsigned pager_task, uint32_t address, MapItem item) {
    const unsigned page = page_number(address);
    if (tcb_page_in_use(page))
        return true; // another thread's fault has brought it meanwhile
    const OfferedPage offer = page_offered_by(pager_task, item);
    if (offer.frame == 0 || frames_taken.contains(offer.frame))
        return false;
    forget_unused_tcb_page(page);
    if (!mapping_database.map(pager_task, offer.address, tcb_array_task, page_address(page), l4::page_size,
                              true, false))
        return false;
    frames_taken.insert(offer.frame);
    if (item.fpage.grant()) {
        mapping_database.unmap(pager_task, offer.address, offer.address + l4::page_size, true, true);
        finish_tlb_changes();
    }
    tcb_page_arrived(page);
    return true;
}

void tcb_pager_knows_nothing(const Tcb& thread) {
    const uint32_t address = page_of(thread.fault_w0);
    if (!(*entry_of(address).pte & pte::present))
        set_entry(address, zero_page, 0);
}

} // namespace kernel
