// Page faults: every kind of access, at levels 0 and 3, with CR0.WP clear and set, to a page with every
// combination of rights in directory and table. A row is one kind of access; a column is one page; a dot
// means that nothing faulted, a digit is the error code (bit 0 present, 1 write, 2 user, 3 reserved bit;
// SDM vol. 3, 4.7). Each fault must leave CR2 at the address and the instruction as if it had not begun:
// "!" marks one that does not.
//
// Left out: a push at level 0, for the fault's own frame would go to the same stack; the write bit where an
// instruction reads and then writes (QEMU 7.2 reports the read, processors of the time the write; the
// manual leaves it open); bit 0 with a reserved bit (always set says the manual, never says QEMU 7.2).
// These are printed as 0.
#include "tests/guest/runtime/capture.hpp"
#include "tests/guest/runtime/paging.hpp"

using namespace guest;

extern "C" {
alignas(4096) uint8_t page_faults_good[4096], page_faults_target[4096];
uint8_t page_faults_scratch[8];
}

SNIPPET(access_read, "movb (%eax), %dl");
SNIPPET(access_write, "movb %dl, (%eax)");
SNIPPET(access_modify, "incl (%eax)");
SNIPPET(access_exchange, "lock cmpxchg8b (%eax)");
SNIPPET(access_fetch, "call *%eax");
SNIPPET(access_string_read, "movl %eax, %esi; movl $page_faults_scratch, %edi; movl $2, %ecx; rep movsb");
SNIPPET(access_string_write, "movl %eax, %edi; movl $2, %ecx; rep stosb");
SNIPPET(access_push, "movl %esp, %ecx; leal 4(%eax), %esp; pushl %edx; movl %ecx, %esp");
SNIPPET(access_pop, "movl %esp, %ecx; movl %eax, %esp; popl %edx; movl %ecx, %esp");
SNIPPET(access_crossing_read, "movl -2(%eax), %edx");
SNIPPET(access_crossing_write, "movl %edx, -2(%eax)");
SNIPPET(access_crossing_modify, "addl $0x01010101, -2(%eax)");
SNIPPET(access_gate, "int $0x31");
SNIPPET(access_segment, "movl $7, %edx; movl %edx, %fs; xorl %edx, %edx; movl %edx, %fs");
SNIPPET(access_new_segment, "movl $15, %edx; movl %edx, %fs; xorl %edx, %edx; movl %edx, %fs");
SNIPPET(access_rights, "movl $7, %ecx; lar %ecx, %edx");

namespace {

constexpr unsigned good_page = 4, target_page = 5; // of the window
constexpr uint32_t target = paging::window + target_page * paging::page_bytes;
constexpr uint32_t code_offset = 0x10, data_offset = 0x20, ldt_offset = 0x800;
constexpr uint16_t ldt = first_free;
constexpr unsigned user_gate = 0x31; // the only one in the target page
constexpr uint8_t return_instruction = 0xC3;
constexpr uint32_t present_bit = 1, write_bit = 2; // of the error code
constexpr uint32_t table_rights[] = {0, 1, 3, 5, 7};

enum class Reach {
    target,     // touches the target page only
    stack,      // the same, and only at level 3
    both_pages, // begins in the good page
};
struct Access {
    const char* name = nullptr;
    Code code = nullptr;
    Reach reach = Reach::target;
    uint32_t argument = 0, cr2 = 0; // offsets in the target page
    uint32_t hidden = 0;            // bits of the error code
    bool string = false;
};
const Access accesses[] = {
    {"read          ", access_read, Reach::target, data_offset, data_offset},
    {"write         ", access_write, Reach::target, data_offset, data_offset},
    {"modify        ", access_modify, Reach::target, data_offset, data_offset, write_bit},
    {"cmpxchg8b     ", access_exchange, Reach::target, data_offset, data_offset, write_bit},
    {"fetch         ", access_fetch, Reach::target, code_offset, code_offset},
    {"string read   ", access_string_read, Reach::target, data_offset, data_offset, 0, true},
    {"string write  ", access_string_write, Reach::target, data_offset, data_offset, 0, true},
    {"push          ", access_push, Reach::stack, data_offset, data_offset},
    {"pop           ", access_pop, Reach::stack, data_offset, data_offset},
    {"descriptor    ", access_segment, Reach::target, 0, ldt_offset},
    {"set accessed  ", access_new_segment, Reach::target, 0, ldt_offset + 8},
    {"lar           ", access_rights, Reach::target, 0, ldt_offset},
    {"crossing read ", access_crossing_read, Reach::both_pages, 0, 0},
    {"crossing write", access_crossing_write, Reach::both_pages, 0, 0},
    {"crossing add  ", access_crossing_modify, Reach::both_pages, 0, 0, write_bit},
    {"gate          ", access_gate, Reach::both_pages, 0, 0},
};

// As they are before each access: in the target page the gate, a return instruction, two descriptors.
void fill_pages() {
    memset(page_faults_good, 0, sizeof page_faults_good);
    memset(page_faults_target, 0, sizeof page_faults_target);
    memcpy(page_faults_good + sizeof page_faults_good - user_gate * 8, gates, user_gate * 8);
    memcpy(page_faults_target, gates + user_gate, 8);
    page_faults_target[code_offset] = return_instruction;
    const uint64_t used = descriptor(0, 0xF'FFFF, data_access | user_level, page_granular);
    const uint64_t unused = descriptor(0, 0xF'FFFF, (data_access & ~1u) | user_level, page_granular);
    memcpy(page_faults_target + ldt_offset, &used, sizeof used);
    memcpy(page_faults_target + ldt_offset + 8, &unused, sizeof unused);
}

void load_gates(uint32_t base, unsigned count) {
    const TablePointer table{static_cast<uint16_t>(count * 8 - 1), base};
    asm volatile("lidt %0" : : "m"(table) : "memory");
}

void attempt(const Access& access, Level level, uint32_t hidden) {
    constexpr uint32_t end_of_good = sizeof page_faults_good - 2;
    fill_pages();
    const bool through_gate = access.code == access_gate;
    if (through_gate)
        load_gates(target - user_gate * 8, user_gate + 1);
    else
        memset(page_faults_good + end_of_good, 0, 2);
    const Outcome outcome = watch(access.code, target + access.argument, level);
    if (through_gate)
        load_gates(reinterpret_cast<uint32_t>(gates), 256);
    if (!outcome.ended_by_exception)
        return pc::print('.');
    if (outcome.frame.vector != vector::page_fault)
        return print_exception(outcome.frame);
    pc::print_hex(outcome.frame.error & ~(hidden | access.hidden), 1);
    const bool good_untouched =
        through_gate || (page_faults_good[end_of_good] | page_faults_good[end_of_good + 1]) == 0;
    // Any byte of a descriptor will do.
    if ((outcome.cr2 & ~7u) != target + (access.cr2 & ~7u) || !good_untouched ||
        (access.string && outcome.frame.ecx != 2) ||
        (access.code == access_fetch && outcome.frame.eip != target + code_offset))
        pc::print('!');
}

// The directory's rights vary only where no other page of the window is needed.
void row(const Access& access, Level level) {
    using namespace paging;
    const uint32_t directory_rights[] = {present, present | user, present | writable, all_rights};
    pc::print(access.name);
    for (const uint32_t rights_above : directory_rights) {
        if (access.reach == Reach::both_pages && rights_above != all_rights)
            continue;
        pc::print(' ');
        directory[window_slot] = address(window_table) | rights_above;
        for (const uint32_t rights : table_rights) {
            map(good_page, address(page_faults_good) | all_rights);
            map(target_page, address(page_faults_target) | rights);
            flush();
            attempt(access, level, 0);
        }
    }
    pc::print('\n');
}

void print_level(Level level) {
    pc::print(level == Level::user ? ", level 3\n" : ", level 0\n");
}

void all_rows(uint32_t write_protect, Level level) {
    paging::set_cr0((paging::cr0() & ~paging::cr0_wp) | write_protect);
    pc::print(write_protect != 0 ? "WP set" : "WP clear");
    print_level(level);
    for (const Access& access : accesses)
        if (access.reach != Reach::stack || level == Level::user)
            row(access, level);
}

// One entry of the directory for the whole window.
void single_column(const char* title, uint32_t entry, uint32_t hidden) {
    paging::directory[paging::window_slot] = entry;
    paging::flush();
    for (const Level level : {Level::kernel, Level::user}) {
        pc::print(title);
        print_level(level);
        for (const Access& access : accesses) {
            if (access.reach != Reach::target)
                continue;
            pc::print(access.name);
            pc::print(' ');
            attempt(access, level, hidden);
            pc::print('\n');
        }
    }
}

bool go_on(Frame&) {
    return true;
}

} // namespace

void run() {
    paging::switch_on();
    set_handler(user_gate, go_on);
    gates[user_gate] |= uint64_t{user_level} << 40;
    set_segment(ldt, descriptor(target + ldt_offset, 15, ldt_access, byte_granular16));
    asm volatile("lldt %w0" : : "r"(uint32_t{ldt}));
    for (const uint32_t write_protect : {0u, paging::cr0_wp})
        for (const Level level : {Level::kernel, Level::user})
            all_rows(write_protect, level);
    single_column("directory entry absent", paging::writable | paging::user, 0);
    // Bit 21 of a large page's entry is reserved in every P6 (SDM vol. 3, table 4-4).
    paging::set_cr4(paging::cr4() | paging::cr4_pse);
    single_column("reserved bit in a large page's entry", paging::all_rights | paging::large | 1u << 21,
                  present_bit);
}
