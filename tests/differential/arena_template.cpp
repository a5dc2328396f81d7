// The arena as every case finds it before its patches.
#include "tests/differential/case.hpp"
#include "tests/differential/descriptors.hpp"

#include <cstring>

namespace differential {
namespace {

class Arena {
public:
    std::vector<uint8_t> bytes = std::vector<uint8_t>(arena_bytes);

    void put(uint32_t offset, uint32_t value, unsigned width = 4) {
        std::memcpy(&bytes[offset], &value, width);
    }
    void put_descriptor(uint32_t table, uint32_t selector, uint64_t value) {
        std::memcpy(&bytes[table + (selector & ~7u)], &value, sizeof value);
    }
    void fill(uint32_t offset, uint32_t count, uint8_t value) { std::memset(&bytes[offset], value, count); }
};

constexpr uint32_t test_limit = arena_bytes - 1;

// Accessed already, so that the environment itself changes nothing; a case's own segments need not be.
void put_segments(Arena& a) {
    using namespace descriptor;
    const auto gdt = [&](uint32_t selector, uint64_t value) { a.put_descriptor(at::gdt, selector, value); };
    gdt(selector::driver_code,
        segment_descriptor(code, 0, 0, 0xF'FFFF, big | granular) | uint64_t{accessed} << 40);
    gdt(selector::driver_data,
        segment_descriptor(data, 0, 0, 0xF'FFFF, big | granular) | uint64_t{accessed} << 40);
    gdt(selector::main_tss, segment_descriptor(tss_32, 0, arena + at::tss_main, 0x10F, 0));
    gdt(selector::double_fault_tss, segment_descriptor(tss_32, 0, arena + at::tss_double_fault, 0x67, 0));
    gdt(selector::real_switch_code, segment_descriptor(code | accessed, 0, real_mode_code, 0xFFFF, 0));
    gdt(selector::real_switch_data, segment_descriptor(data | accessed, 0, 0, 0xFFFF, 0));
    for (unsigned level = 0; level < 4; ++level) {
        gdt(selector::code32(level), segment_descriptor(code | accessed, level, arena, test_limit, big));
        gdt(selector::data32(level), segment_descriptor(data | accessed, level, arena, test_limit, big));
        gdt(selector::code16(level), segment_descriptor(code | accessed, level, arena, test_limit, 0));
        gdt(selector::data16(level), segment_descriptor(data | accessed, level, arena, test_limit, 0));
        gdt(selector::conforming(level),
            segment_descriptor(conforming | accessed, level, arena, test_limit, big));
    }
    gdt(selector::ldt, segment_descriptor(ldt, 0, arena + at::ldt, selector::ldt_count * 8 - 1, 0));
    gdt(selector::tss_32, segment_descriptor(tss_32, 0, arena + at::tss_32, 0x67, 0));
    gdt(selector::tss_16, segment_descriptor(tss_16, 0, arena + at::tss_16, 0x2B, 0));
    gdt(selector::tss_32b, segment_descriptor(tss_32, 0, arena + at::tss_32b, 0x67, 0));
    gdt(selector::tss_16b, segment_descriptor(tss_16, 0, arena + at::tss_16b, 0x2B, 0));
    for (unsigned level = 0; level < 4; ++level) {
        a.put_descriptor(at::ldt, 8 * level,
                         segment_descriptor(data | accessed, level, arena, test_limit, big));
        a.put_descriptor(at::ldt, 32 + 8 * level,
                         segment_descriptor(code | accessed, level, arena, test_limit, big));
    }
}

void put_interrupt_tables(Arena& a) {
    for (unsigned vector = 0; vector < 256; ++vector) {
        const unsigned level = vector == 3 || vector == 4 || vector >= 0x20 ? 3 : 0;
        a.put_descriptor(
            at::idt, vector * 8,
            gate(descriptor::interrupt_gate_32, level, selector::driver_code, stubs + stub_bytes * vector));
        a.put(at::ivt + vector * 4, real_stub_bytes * vector | (real_mode_code >> 4) << 16);
    }
    a.put_descriptor(at::idt, 8 * 8, gate(descriptor::task_gate, 0, selector::double_fault_tss, 0));
}

// SDM vol. 3, 7.2.1: offsets in a 32-bit TSS.
void put_tss_32(Arena& a, uint32_t offset, uint32_t eip, uint32_t esp, uint16_t code, uint16_t data) {
    a.put(offset + 4, at::stack0 + 0xF00);
    a.put(offset + 8, selector::data32(0));
    a.put(offset + 12, at::stacks + 0x500);
    a.put(offset + 16, selector::data32(1));
    a.put(offset + 20, at::stacks + 0xA00);
    a.put(offset + 24, selector::data32(2));
    a.put(offset + 28, arena + at::page_directory);
    a.put(offset + 32, eip);
    a.put(offset + 36, 2);
    for (unsigned i = 0; i < 8; ++i)
        a.put(offset + 40 + 4 * i, 0x1111'1111 * (i + 1));
    a.put(offset + 56, esp);
    for (unsigned i = 0; i < 6; ++i)
        a.put(offset + 72 + 4 * i, i == 1 ? code : data);
    a.put(offset + 100, 0x68 << 16);
}
// SDM vol. 3, 7.6.
void put_tss_16(Arena& a, uint32_t offset, uint32_t ip, uint32_t sp, uint16_t code, uint16_t data) {
    for (unsigned level = 0; level < 3; ++level) {
        a.put(offset + 2 + 4 * level, level == 0 ? at::stack0 + 0xF00 : at::stacks + 0x500 * level, 2);
        a.put(offset + 4 + 4 * level, selector::data16(level), 2);
    }
    a.put(offset + 14, ip, 2);
    a.put(offset + 16, 2, 2);
    for (unsigned i = 0; i < 8; ++i)
        a.put(offset + 18 + 2 * i, 0x1111 * (i + 1), 2);
    a.put(offset + 26, sp, 2);
    for (unsigned i = 0; i < 4; ++i)
        a.put(offset + 34 + 2 * i, i == 1 ? code : data, 2);
}

void put_tasks(Arena& a) {
    put_tss_32(a, at::tss_main, 0, 0, 0, 0);
    // The main TSS has the interrupt redirection map (all to the IDT) and permission for the first 1,024 ports but 0-7.
    a.put(at::tss_main + 100, 0x88 << 16);
    a.fill(at::tss_main + 0x68, 32, 0xFF);
    a.put(at::tss_main + 0x88, 0xFF, 1);
    a.put(at::tss_main + 0x108, 0xFF, 1);
    put_tss_32(a, at::tss_double_fault, double_fault_task, double_fault_stack, selector::driver_code,
               selector::driver_data);
    put_tss_32(a, at::tss_32, at::landing + 0x100, at::stack0 + 0xA00, selector::code32(0),
               selector::data32(0));
    put_tss_32(a, at::tss_32b, at::landing + 0x200, at::stacks + 0xF00, selector::code32(3),
               selector::data32(3));
    put_tss_16(a, at::tss_16, at::landing + 0x300, at::stack0 + 0xA00, selector::code16(0),
               selector::data16(0));
    put_tss_16(a, at::tss_16b, at::landing + 0x400, at::stacks + 0xF00, selector::code16(3),
               selector::data16(3));
}

// SDM vol. 3, 4.3 and 4.4.1: the arena for everybody, the driver for supervisors, each page where it is.
void put_page_tables(Arena& a) {
    constexpr uint32_t supervisor = 3, user = 7, page_bytes = 4096;
    a.put(at::page_directory, (arena + at::page_table) | user);
    a.put(at::pae_pointers, (arena + at::pae_directory) | 1);
    a.put(at::pae_directory, (arena + at::pae_table) | user);
    const auto map = [&](uint32_t page, uint32_t entry) {
        a.put(at::page_table + 4 * page, entry);
        a.put(at::pae_table + 8 * page, entry);
    };
    for (uint32_t page = arena / page_bytes; page < (arena + arena_bytes) / page_bytes; ++page)
        map(page, page * page_bytes | user);
    map(driver_stack / page_bytes - 1, (driver_stack - page_bytes) | supervisor);
    for (uint32_t page = driver_first_page; page < driver_first_page + driver_pages; ++page)
        map(page, page * page_bytes | supervisor);
}

std::vector<uint8_t> build() {
    constexpr uint8_t int3 = 0xCC;
    Arena a;
    a.fill(at::code, at::stack0 - at::code, int3); // wherever a case goes, it ends at once
    for (uint32_t offset = at::stack0; offset < at::page_directory; offset += 4)
        a.put(offset, offset * 0x0001'0003u | 1);
    a.fill(at::spare, 0x1000, int3);
    put_segments(a);
    put_interrupt_tables(a);
    put_tasks(a);
    put_page_tables(a);
    return a.bytes;
}

} // namespace

const std::vector<uint8_t>& arena_template() {
    static const std::vector<uint8_t> bytes = build();
    return bytes;
}

} // namespace differential
