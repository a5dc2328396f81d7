// The resident driver: runs the cases of the Multiboot module one after the other and writes their digests (or, in
// verbose mode, their outcomes) to the serial line as binary words.
//
// A triple fault is an outcome, too: the processor is reset, the machine boots the image again, and the driver finds
// in memory which case it was and goes on with the next.
#include "tests/differential/guest/layout.hpp"
#include "tests/differential/guest/offsets.h"

#include <cstddef>

using namespace differential;

struct [[gnu::packed]] TablePointer {
    uint16_t limit;
    uint32_t base;
};

extern "C" {
CaseRecord current;
Outcome outcome;
TablePointer case_gdtr, case_idtr, outcome_gdtr, outcome_idtr;
extern TablePointer driver_gdtr;
extern uint8_t real_mode_begin[], real_mode_end[], real_mode_gdtr[], real_mode_outcome[];
void enter_case();
}

static_assert(offsetof(CaseRecord, entry) == RECORD_ENTRY &&
              offsetof(CaseRecord, general) == RECORD_GENERAL && offsetof(CaseRecord, eip) == RECORD_EIP &&
              offsetof(CaseRecord, eflags) == RECORD_EFLAGS && offsetof(CaseRecord, cs) == RECORD_CS &&
              offsetof(CaseRecord, ss) == RECORD_SS && offsetof(CaseRecord, ds) == RECORD_DS &&
              offsetof(CaseRecord, es) == RECORD_ES && offsetof(CaseRecord, fs) == RECORD_FS &&
              offsetof(CaseRecord, gs) == RECORD_GS && offsetof(CaseRecord, ldtr) == RECORD_LDTR &&
              offsetof(CaseRecord, tr) == RECORD_TR && offsetof(CaseRecord, cr0) == RECORD_CR0 &&
              offsetof(CaseRecord, cr3) == RECORD_CR3 && offsetof(CaseRecord, cr4) == RECORD_CR4 &&
              offsetof(CaseRecord, debug) == RECORD_DEBUG);
static_assert(offsetof(Outcome, vector) == OUTCOME_VECTOR && offsetof(Outcome, error) == OUTCOME_ERROR &&
              offsetof(Outcome, general) == OUTCOME_GENERAL && offsetof(Outcome, eip) == OUTCOME_EIP &&
              offsetof(Outcome, cs) == OUTCOME_CS && offsetof(Outcome, eflags) == OUTCOME_EFLAGS &&
              offsetof(Outcome, ss) == OUTCOME_SS && offsetof(Outcome, ds) == OUTCOME_DS &&
              offsetof(Outcome, es) == OUTCOME_ES && offsetof(Outcome, fs) == OUTCOME_FS &&
              offsetof(Outcome, gs) == OUTCOME_GS && offsetof(Outcome, cr0) == OUTCOME_CR0 &&
              offsetof(Outcome, cr2) == OUTCOME_CR2 && offsetof(Outcome, cr3) == OUTCOME_CR3 &&
              offsetof(Outcome, cr4) == OUTCOME_CR4 && offsetof(Outcome, dr6) == OUTCOME_DR6 &&
              offsetof(Outcome, dr7) == OUTCOME_DR7 && offsetof(Outcome, ldtr) == OUTCOME_LDTR &&
              offsetof(Outcome, tr) == OUTCOME_TR && offsetof(Outcome, nested) == OUTCOME_NESTED &&
              sizeof(Outcome) == 132);
static_assert(static_cast<uint32_t>(Entry::same_level) == ENTRY_SAME_LEVEL &&
              static_cast<uint32_t>(Entry::virtual_8086) == ENTRY_VIRTUAL_8086 &&
              static_cast<uint32_t>(Entry::real) == ENTRY_REAL &&
              static_cast<uint32_t>(Entry::real_big) == ENTRY_REAL_BIG &&
              real_mode_code == REAL_MODE_SEGMENT * 16 && selector::driver_code == DRIVER_CODE &&
              selector::driver_data == DRIVER_DATA && (8 | Outcome::double_fault) == DOUBLE_FAULT_VECTOR);

namespace {

constexpr uint32_t sysenter_cs = 0x174; // the MSR
constexpr uint16_t serial = 0x3F8;
constexpr uint32_t arena_words = arena_bytes / 4;

void out8(uint16_t port, uint8_t value) {
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}
uint8_t in8(uint16_t port) {
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

void write_msr(uint32_t number, uint64_t value) {
    asm volatile("wrmsr" : : "c"(number), "A"(value));
}

void start_serial() {
    out8(serial + 3, 0x80); // 115,200 baud, 8N1, FIFOs on
    out8(serial, 1);
    out8(serial + 1, 0);
    out8(serial + 3, 0x03);
    out8(serial + 2, 0x07);
}
void send(uint32_t word) {
    while (!(in8(serial + 5) & 0x20)) { // the FIFO is empty: there is room for 16 bytes
    }
    for (unsigned i = 0; i < 4; ++i)
        out8(serial, static_cast<uint8_t>(word >> 8 * i));
}

void copy(void* to, const void* from, uint32_t bytes) {
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}
void copy_words(void* to, const void* from, uint32_t words) {
    asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}
void fill_zero(void* to, uint32_t bytes) {
    asm volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(0) : "memory");
}

alignas(4096) uint32_t shadow[arena_words]; // what the case started with
uint32_t* const live = reinterpret_cast<uint32_t*>(arena);

const TableHeader* header;
const uint8_t* template_bytes() {
    return reinterpret_cast<const uint8_t*>(header) + header->template_at;
}

// Applies the patches after a record to the arena and its shadow, or takes them back.
void patch(const CaseRecord& record, bool apply) {
    const auto* from = reinterpret_cast<const uint8_t*>(&record + 1);
    for (uint32_t i = 0; i < record.patches; ++i) {
        const auto* word = reinterpret_cast<const uint16_t*>(from);
        const uint32_t offset = word[0], bytes = word[1];
        from += 4;
        const uint8_t* content = apply ? from : template_bytes() + offset;
        copy(reinterpret_cast<uint8_t*>(shadow) + offset, content, bytes);
        copy(reinterpret_cast<uint8_t*>(live) + offset, content, bytes);
        from += (bytes + 1) & ~1u;
    }
}

struct Change {
    uint32_t offset, value;
};
Change changed[listed_changes];

// The parts of the arena that cases make use of: comparing all of it after each would be most of the time, in Bochs
// above all. What runs wild elsewhere (an emulator that does not check limits) is put right by restore_arena().
struct Range {
    uint32_t begin, end;
};
constexpr Range watched[] = {
    {at::gdt, at::gdt + 0x1A0},
    {at::ldt, at::ldt + 0x80},
    {at::idt, at::idt + 0x100},
    {at::tss_main, at::tss_16b + 0x40},
    {at::code, at::code + 0x80},
    {at::second_code - 0x40, at::second_code + 0x40},
    {at::stack0 + 0x900, at::stack0 + 0x1000},
    {at::stacks, at::stacks + 0x40},
    {at::stacks + 0x200, at::stacks + 0x500},
    {at::stacks + 0x800, at::stacks + 0xA00},
    {at::stacks + 0xC00, at::data + data_island},
    {at::data + 0x1000 - data_island, at::data + 0x1000 + data_island},
    {at::data + 0x2000 - data_island, at::data + 0x2000 + data_island},
    {at::page_directory - data_island, at::page_directory + 0x40},
    {at::page_table, at::page_table + 0x20},
    {at::page_table + 4 * arena / page_bytes, at::page_table + 4 * (arena + arena_bytes) / page_bytes},
    {at::pae_pointers, at::pae_pointers + 0x20},
    {at::pae_directory, at::pae_directory + 0x40},
    {at::pae_table, at::pae_table + 0x20},
    {at::pae_table + 8 * arena / page_bytes, at::pae_table + 8 * (arena + arena_bytes) / page_bytes},
    {at::spare, at::spare + 0x80},
};
constexpr uint32_t chunk_words = 8;

uint32_t changes_digest, lenient_changes_digest;

void record_change(uint32_t index) {
    const Change change{index * 4, live[index]};
    live[index] = shadow[index];
    changes_digest = digest_step(digest_step(changes_digest, change.offset), change.value);
    if (counts_leniently(change.offset))
        lenient_changes_digest = digest_step(digest_step(lenient_changes_digest, change.offset),
                                             lenient_value(change.offset, change.value));
    if (outcome.changes < listed_changes)
        changed[outcome.changes] = change;
    ++outcome.changes;
}

// Finds what the case has changed, and undoes it.
void collect_changes() {
    changes_digest = lenient_changes_digest = digest_seed;
    outcome.changes = 0;
    for (const Range& range : watched) {
        for (uint32_t at = range.begin / 4; at < range.end / 4; at += chunk_words) {
            const uint32_t *now = live + at, *before = shadow + at;
            if (((now[0] ^ before[0]) | (now[1] ^ before[1]) | (now[2] ^ before[2]) | (now[3] ^ before[3]) |
                 (now[4] ^ before[4]) | (now[5] ^ before[5]) | (now[6] ^ before[6]) | (now[7] ^ before[7])) ==
                0)
                continue;
            for (uint32_t i = 0; i < chunk_words; ++i)
                if (live[at + i] != shadow[at + i])
                    record_change(at + i);
        }
    }
    outcome.changes_digest = changes_digest;
}

// The template whole again, wherever a case has run wild outside `watched`.
void restore_arena() {
    copy_words(live, template_bytes(), arena_words);
    copy_words(shadow, template_bytes(), arena_words);
}
// Copying 128 KB takes longer than the rest of a case. What an earlier case may leave behind within so many cases is at
// worst a differing digest; the outcomes, which decide, begin with a whole template each.
constexpr uint32_t cases_a_restoration = 32;

void run_case(const CaseRecord& record) {
    // The far end of stacks of 64 KiB that begin in the arena; most that is pushed there is within this.
    constexpr uint32_t far_end = arena + at::stacks + 0x1'0000, used = 0x800;
    fill_zero(reinterpret_cast<void*>(far_end - used), used + sizeof(uint32_t));
    // What an access that begins in the arena finds behind it.
    constexpr uint32_t behind = 32;
    fill_zero(reinterpret_cast<void*>(arena + arena_bytes), behind);
    patch(record, true);
    copy(&current, &record, sizeof current);
    fill_zero(&outcome, sizeof outcome);
    fill_zero(reinterpret_cast<void*>(real_mode_code + (real_mode_outcome - real_mode_begin)),
              sizeof outcome);
    case_gdtr = {static_cast<uint16_t>(record.gdt_limit), arena + at::gdt};
    case_idtr = {static_cast<uint16_t>(record.idt_limit), record.idt_base};
    out8(serial + 7, 0x5A);    // the scratch register, which cases may read and write
    write_msr(sysenter_cs, 0); // what an earlier case has left
    enter_case();
    outcome.gdt_base = outcome_gdtr.base;
    outcome.gdt_limit = outcome_gdtr.limit;
    outcome.idt_base = outcome_idtr.base;
    outcome.idt_limit = outcome_idtr.limit;
    outcome.cs &= 0xFFFF; // what is above a selector in a stack slot is not defined
    outcome.ss &= 0xFFFF;
    outcome.ds &= 0xFFFF;
    outcome.es &= 0xFFFF;
    outcome.fs &= 0xFFFF;
    outcome.gs &= 0xFFFF;
    if (outcome.cs ==
        selector::driver_code) // the state itself could not be loaded: registers are the driver's
        fill_zero(outcome.general, sizeof outcome.general);
    collect_changes();
    patch(record, false);
}

void report(uint32_t index) {
    constexpr uint32_t words = sizeof outcome / 4;
    const auto* word = reinterpret_cast<const uint32_t*>(&outcome);
    if (header->verbose == 0) {
        uint32_t digest = digest_seed;
        for (uint32_t i = 0; i < words; ++i)
            digest = digest_step(digest, word[i]);
        send(digest);
        outcome.eflags &= ~eflags_resume;
        outcome.changes_digest = lenient_changes_digest;
        outcome.changes = 0;
        digest = digest_seed;
        for (uint32_t i = 0; i < words; ++i)
            digest = digest_step(digest, word[i]);
        send(digest);
        return;
    }
    send(index);
    for (uint32_t i = 0; i < words; ++i)
        send(word[i]);
    for (uint32_t i = 0; i < outcome.changes && i < listed_changes; ++i) {
        send(changed[i].offset);
        send(changed[i].value);
    }
}

void report_shutdown(uint32_t index) {
    if (header->verbose == 0) {
        send(shutdown_digest);
        send(shutdown_digest);
        return;
    }
    fill_zero(&outcome, sizeof outcome);
    outcome.vector = Outcome::shut_down;
    report(index);
}

void leave() {
    while (!(in8(serial + 5) & 0x40)) {
    }
    for (const char* text = "Shutdown"; *text != 0; ++text) // Bochs
        asm volatile("outb %0, %1" : : "a"(*text), "Nd"(uint16_t{0x8900}));
    asm volatile("outl %0, %1" : : "a"(0), "Nd"(uint16_t{0xF4})); // isa-debug-exit
}

} // namespace

struct BootInformation {
    uint32_t flags, memory_lower_kb, memory_upper_kb, boot_device, command_line, module_count, modules;
};

extern "C" void run(const BootInformation* information) {
    out8(0x21, 0xFF); // no interrupts
    out8(0xA1, 0xFF);
    start_serial();
    copy(reinterpret_cast<void*>(real_mode_code), real_mode_begin,
         static_cast<uint32_t>(real_mode_end - real_mode_begin));
    copy(reinterpret_cast<void*>(real_mode_code + (real_mode_gdtr - real_mode_begin)), &driver_gdtr,
         sizeof driver_gdtr);

    // What INT finds where virtual-8086 mode redirects it (SDM vol. 3, 20.3.3), instead of the firmware's vectors.
    constexpr uint32_t first_vector = 0x30, to_landing = arena << 12 | at::landing;
    constexpr uint32_t vectors[] = {to_landing, to_landing, to_landing, to_landing};
    copy(reinterpret_cast<void*>(first_vector * sizeof(uint32_t)), vectors, sizeof vectors);

    header = *reinterpret_cast<const TableHeader* const*>(information->modules);
    restore_arena();
    auto& progress = *reinterpret_cast<Progress*>(progress_address);
    if (progress.magic != Progress::the_magic) {
        progress = {Progress::the_magic, 0, header->records_at, 0};
        send(output_start);
    }
    while (progress.next_case < header->cases) {
        const uint32_t index = progress.next_case;
        const auto& record = *reinterpret_cast<const CaseRecord*>(reinterpret_cast<uint32_t>(header) +
                                                                  progress.records_offset);
        if (progress.running != 0) {
            progress.running = 0;
            report_shutdown(index);
        } else if (index >= header->first) {
            progress.running = 1;
            if (header->verbose != 0 || index % cases_a_restoration == 0)
                restore_arena();
            run_case(record);
            progress.running = 0;
            report(index);
        }
        progress.next_case = index + 1;
        progress.records_offset += record.bytes;
    }
    send(output_end);
    leave();
}
