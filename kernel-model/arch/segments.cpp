#include "kernel-model/arch/segments.hpp"

#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/selectors.h"
#include "kernel-model/memory/port_spaces.hpp"

extern "C" {
void load_segments();
void double_fault_entry();
extern char panic_stack_top[];
}

namespace kernel {

// Within one page: the I/O map begins at the next one.
alignas(128) constinit TaskStateSegment task_state{};

namespace {

constinit TaskStateSegment double_fault_state{};

// Accessed bits are set beforehand, so that the processor never writes to the table.
constexpr uint64_t flat_segment(uint8_t access) {
    return 0x00CF00000000FFFFull | uint64_t{access} << 40;
}
constexpr uint8_t kernel_code = 0x9B, kernel_data = 0x93, user_code = 0xFB, user_data = 0xF3;
constexpr uint8_t available_task_state = 0x89;

alignas(8) constinit uint64_t descriptors[7] = {0,
                                                flat_segment(kernel_code),
                                                flat_segment(kernel_data),
                                                flat_segment(user_code),
                                                flat_segment(user_data),
                                                0,
                                                0};

constexpr uint64_t task_state_descriptor(uint64_t base, uint32_t limit) {
    return limit | (base & 0xFFFFFF) << 16 | uint64_t{available_task_state} << 40 | (base >> 24) << 56;
}

// TR points to the place where task_state is followed by an I/O map and one more byte (port_spaces.hpp).
uint64_t current_task_state_descriptor() {
    constexpr uint32_t map_bytes = l4::io_port_count / 8;
    const uint32_t offset = reinterpret_cast<uint32_t>(&task_state) % l4::page_size;
    task_state.io_bitmap_offset = static_cast<uint16_t>(l4::page_size - offset);
    return task_state_descriptor(port_space_base + offset, task_state.io_bitmap_offset + map_bytes);
}

} // namespace

void load_segment_tables() {
    task_state.ss0 = SELECTOR_KERNEL_STACK;

    double_fault_state.cr3 = cpu::read_cr3();
    double_fault_state.eip = reinterpret_cast<uint32_t>(&double_fault_entry);
    double_fault_state.esp = reinterpret_cast<uint32_t>(panic_stack_top);
    double_fault_state.eflags = cpu::eflags_reserved_one;
    double_fault_state.cs = SELECTOR_KERNEL_CODE;
    double_fault_state.ss = SELECTOR_KERNEL_STACK;
    double_fault_state.ds = double_fault_state.es = SELECTOR_USER_DATA;
    double_fault_state.io_bitmap_offset = sizeof(TaskStateSegment);

    descriptors[SELECTOR_TASK_STATE / 8] = current_task_state_descriptor();
    descriptors[SELECTOR_DOUBLE_FAULT / 8] =
        task_state_descriptor(reinterpret_cast<uint32_t>(&double_fault_state), sizeof(TaskStateSegment) - 1);

    struct [[gnu::packed]] {
        uint16_t limit;
        uint32_t base;
    } const pointer{sizeof descriptors - 1, reinterpret_cast<uint32_t>(descriptors)};
    asm volatile("lgdt %0" : : "m"(pointer));
    load_segments();
    asm volatile("ltr %w0" : : "r"(SELECTOR_TASK_STATE));
}

} // namespace kernel
