#include "kernel-model/memory/fpage_operations.hpp"

#include "kernel-model/arch/handlers.hpp"
#include "kernel-model/arch/layout.hpp"
#include "kernel-model/memory/address_spaces.hpp"
#include "kernel-model/memory/fpage_arithmetic.hpp"
#include "kernel-model/memory/port_spaces.hpp"
#include "kernel-model/thread/task.hpp"
#include "kernel-model/thread/tcb.hpp"

namespace kernel {

namespace {

uint64_t end_of(uint32_t start, unsigned log2_size) {
    return uint64_t{start} + (uint64_t{1} << log2_size);
}

} // namespace

bool map_fpage(unsigned from_task, MapItem item, unsigned to_task, l4::Fpage window) {
    if (l4::IoFpage::is(item.fpage.raw))
        return to_task == tcb_array_task || map_ports(from_task, {item.fpage.raw}, to_task);
    const MapGeometry geometry = map_geometry(item.send_base, item.fpage, window);
    if (geometry.log2_size == 0)
        return true;
    const uint64_t source_limit = end_of(geometry.source, geometry.log2_size);
    const uint32_t source_end =
        source_limit < l4::user_space_end ? static_cast<uint32_t>(source_limit) : l4::user_space_end;
    const uint32_t part =
        geometry.log2_size < l4::superpage_bits ? 1u << geometry.log2_size : l4::superpage_size;
    const bool idempotent = from_task == l4::sigma0_task;

    bool complete = true;
    for (uint32_t page = geometry.source; page < source_end && complete; page += part) {
        const uint32_t target = geometry.target + (page - geometry.source);
        if (target >= l4::user_space_end)
            break;
        complete = (!idempotent || ensure_sigma0_pages(page, part)) &&
                   mapping_database.map(from_task, page, to_task, target, part, item.fpage.writable(),
                                        item.fpage.grant());
    }
    finish_tlb_changes();
    return complete;
}

PageRange user_part(l4::Fpage fpage) {
    const unsigned size = fpage.log2_size();
    if (size < l4::page_bits || size > 32)
        return {0, 0};
    const uint32_t low = fpage.base() & ~offset_mask(size);
    if (low >= l4::user_space_end)
        return {0, 0};
    const uint64_t high = end_of(low, size);
    return {low, high < l4::user_space_end ? static_cast<uint32_t>(high) : l4::user_space_end};
}

void call_fpage_unmap() {
    Frame& frame = current_thread->frame;
    const unsigned task = task_of(*current_thread);
    if (l4::IoFpage::is(frame.eax)) {
        if (!(frame.ecx & l4::unmap_nothing))
            unmap_ports(task, {frame.eax}, frame.ecx & l4::unmap_own_too);
        return;
    }
    const PageRange range = user_part(l4::Fpage{frame.eax});
    if (frame.ecx & l4::unmap_take_status)
        frame.eax = frame.ecx & l4::unmap_status_by_page
                        ? mapping_database.take_written(task, range.low, range.high)
                        : mapping_database.take_status(task, range.low, range.high);
    if (!(frame.ecx & l4::unmap_nothing))
        mapping_database.unmap(task, range.low, range.high, frame.ecx & l4::unmap_own_too,
                               frame.ecx & l4::unmap_fully);
    finish_tlb_changes();
}

} // namespace kernel
