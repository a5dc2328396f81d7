#include "kernel-model/memory/kernel_memory.hpp"

#include "kernel-model/arch/pages.hpp"
#include "kernel-model/memory/address_spaces.hpp"
#include "kernel-model/panic.hpp"
#include "kernel-model/thread/scheduler.hpp"

namespace kernel {

constinit KernelPool kernel_pool;

namespace {

// A page is usually mapped at sigma0, at its pager and at one client; shared pages more often.
constexpr uint32_t nodes_per_frame = 4;
// Tables: eight bytes a mapped page (entry and shadow), three spaces; and directories, sparse tables, TCBs.
constexpr uint32_t table_bytes_per_frame = 3 * 8;
constexpr uint32_t fixed_bytes = 5u << 20;

uint32_t node_bytes(uint32_t memory_bytes) {
    return round_up_to_page(memory_bytes / l4::page_size * nodes_per_frame * sizeof(MappingNode));
}
constexpr uint32_t scheduler_bytes = round_up_to_page(thread_index_count * sizeof(SchedulerEntry));
constexpr uint32_t heap_bytes = round_up_to_page(thread_index_count * sizeof(uint16_t));

void clear_range(uint32_t low, uint32_t bytes) {
    for (uint32_t page = low; page < low + bytes; page += l4::page_size)
        clear_page(window(page));
}

} // namespace

uint32_t kernel_memory_bytes(uint32_t memory_bytes) {
    const uint32_t frames = memory_bytes / l4::page_size;
    return scheduler_bytes + heap_bytes + node_bytes(memory_bytes) +
           round_up_to_page(frames * table_bytes_per_frame) + fixed_bytes;
}

void initialise_kernel_memory(uint32_t low, uint32_t high, uint32_t memory_bytes) {
    const uint32_t scheduler_base = low, heap_base = scheduler_base + scheduler_bytes;
    const uint32_t node_base = heap_base + heap_bytes, pool_base = node_base + node_bytes(memory_bytes);
    require(pool_base < high, "too little memory for the kernel");
    clear_range(low, scheduler_bytes + heap_bytes);
    scheduler.initialise(window<SchedulerEntry>(scheduler_base), window<uint16_t>(heap_base));
    mapping_database = {AddressSpaces{}, window<MappingNode>(node_base),
                        node_bytes(memory_bytes) / static_cast<uint32_t>(sizeof(MappingNode))};
    kernel_pool = KernelPool(pool_base, high);
}

} // namespace kernel
