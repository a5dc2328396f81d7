// What the generator on the host and the driver in the guest agree on: the arena that cases live in, the case table
// (the image's Multiboot module) and the results on the serial line. Everything is little-endian, as both sides are.
//
// A case only ever sees the *arena*: 64 KiB below 1 MB, where every test segment has its base, in every mode. So a
// pointer of a case is an offset in the arena whether it is used in real, virtual-8086 or protected mode. Before each
// case the driver puts the template into the arena and applies the case's patches; afterwards it looks for what has
// changed.
#pragma once

#include <cstdint>

namespace differential {

// Physical (and, with paging, by default also linear) addresses.
inline constexpr uint32_t arena = 0x2'0000, arena_bytes = 0x1'0000;
inline constexpr uint32_t real_mode_code = 0x1'0000; // the driver's 16-bit part, segment real_mode_code >> 4
inline constexpr uint32_t progress_address = 0x300'0000; // survives a reset of the processor
inline constexpr uint32_t machine_memory_bytes = 0x400'0000;

// Where an image's parts are in memory when no Multiboot loader chooses (the model, and boot_rom.S for Bochs).
inline constexpr uint32_t driver_entry = 0x10'0010, module_address = 0x40'0000;

// Driver code at fixed places, so that the template can hold gates to it.
inline constexpr uint32_t stubs = 0x10'1000, stub_bytes = 16; // protected mode, one for each vector
inline constexpr uint32_t double_fault_task = 0x10'2000, double_fault_stack = 0x10'4000;
inline constexpr uint32_t driver_first_page = 0x100,
                          driver_pages = 0x80; // page numbers: supervisor, writable
// Below 64 KiB: IRET to a 16-bit stack leaves the high half of ESP, and it must not lead an emulator that does not check
// limits into the driver.
inline constexpr uint32_t driver_stack = 0xF000;
inline constexpr uint32_t real_stub_bytes = 8; // IVT targets, in real_mode_code

// Offsets in the arena.
namespace at {
inline constexpr uint32_t gdt = 0x0000, ldt = 0x0400, idt = 0x1000, ivt = 0x1800;
inline constexpr uint32_t tss_main = 0x2000, tss_double_fault = 0x2200, tss_32 = 0x2300, tss_16 = 0x2400,
                          tss_32b = 0x2500, tss_16b = 0x2600;
inline constexpr uint32_t code = 0x3000, landing = 0x3800, second_code = 0x4000;
inline constexpr uint32_t stack0 = 0x5000, stacks = 0x6000, data = 0x7000;
inline constexpr uint32_t page_directory = 0xA000, page_table = 0xB000, pae_pointers = 0xC000,
                          pae_directory = 0xD000, pae_table = 0xE000, spare = 0xF000;
} // namespace at
inline constexpr uint32_t page_bytes = 4096;
// Data of cases is within so many bytes of a page boundary (of at::data to at::page_directory).
inline constexpr uint32_t data_island = 0x80;

// Selectors that the driver itself relies on in every case's GDT.
namespace selector {
inline constexpr uint16_t driver_code = 0x08, driver_data = 0x10, main_tss = 0x18, double_fault_tss = 0x20;
} // namespace selector

enum class Entry : uint32_t {
    same_level,   // protected mode, ring 0: IRET without stack switch
    outer_level,  // protected mode, rings 1-3: IRET with SS:ESP
    virtual_8086, // IRET with VM
    real,         // real mode
    real_big,     // real mode with 4 GB limits left in DS, ES, FS and GS
};

// The state that a case starts in. Followed by `patches` times {uint16_t offset, bytes; content padded to even}.
struct CaseRecord {
    uint32_t bytes; // of the whole record, a multiple of 4
    Entry entry;
    uint32_t general[8]; // EAX ECX EDX EBX ESP EBP ESI EDI
    uint32_t eip, eflags;
    uint32_t cs, ss, ds, es, fs, gs, ldtr, tr;
    uint32_t cr0, cr3, cr4; // CR0.PE is set by the driver where the entry needs it
    uint32_t debug[6];      // DR0-DR3, DR6, DR7
    uint32_t gdt_limit, idt_base, idt_limit;
    uint32_t patches;
};

// The module.
struct TableHeader {
    static constexpr uint32_t the_magic = 0x5443'4658;
    uint32_t magic;
    uint32_t verbose; // 0: Digests of each case; 1: Outcome and changes
    uint32_t cases;
    uint32_t first;       // where to begin (cases before are skipped without output)
    uint32_t template_at; // offsets from the header
    uint32_t records_at;
};

// Kept in memory over resets, so that a triple fault is the outcome of its case.
struct Progress {
    static constexpr uint32_t the_magic = 0x4652'4F47;
    uint32_t magic, next_case, records_offset, running;
};

// Of the words of Outcome and all changes. `lenient` is for QEMU, where nearly every case would differ else: RF counts as
// 0 in EFLAGS, in stacks and in TSSs (QEMU never stores it), and the PAE page directory pointers do not count (QEMU sets
// an accessed bit there).
struct Digests {
    uint32_t exact, lenient;
    bool operator==(const Digests&) const = default;
};

inline constexpr uint32_t eflags_resume = 0x1'0000; // RF
constexpr bool counts_leniently(uint32_t offset) {
    return offset < at::pae_pointers || offset >= at::pae_directory;
}
constexpr uint32_t lenient_value(uint32_t offset, uint32_t value) {
    const bool may_hold_flags = offset >= at::tss_main && offset < at::data;
    return may_hold_flags ? value & ~eflags_resume : value;
}

// What happened.
struct Outcome {
    uint32_t vector; // where the case ended: the exception's vector; Outcome::shut_down
    uint32_t error;
    uint32_t general[8];
    uint32_t eip, cs, eflags, ss;
    uint32_t ds, es, fs, gs;
    uint32_t cr0, cr2, cr3, cr4, dr6, dr7;
    uint32_t ldtr, tr;
    uint32_t gdt_base, gdt_limit, idt_base, idt_limit;
    uint32_t nested;                                // exceptions within the driver's own recording
    uint32_t changes;                               // doublewords of the arena that differ from before
    uint32_t changes_digest;                        // of all of them: {offset, value}
    static constexpr uint32_t shut_down = 0x100;    // vector: triple fault
    static constexpr uint32_t double_fault = 0x200; // added to vector: came through the double-fault task
};
inline constexpr uint32_t listed_changes = 128; // sent in verbose mode: {offset, value}, the first ones
inline constexpr uint32_t shutdown_digest = 0xDEAD'0003;

inline constexpr uint32_t output_start = 0x5354'4152, output_end = 0x454E'4421; // words around the results

// One step of the digest.
inline constexpr uint32_t digest_seed = 0x811C'9DC5;
constexpr uint32_t digest_step(uint32_t digest, uint32_t word) {
    digest = (digest ^ word) * 0x0100'0193u;
    return digest ^ digest >> 15;
}

} // namespace differential
