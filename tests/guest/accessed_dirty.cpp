// Accessed and dirty bits: which accesses set them at which level of the tables, and that a refused write
// does not set dirty (SDM vol. 3, 4.8). A letter each: A accessed, D dirty, - clear; the directory's entry
// first, then the table's. The columns: small page, large page, read-only page, absent page, at level 0 and
// at level 3.
//
// Left out: whether a refused access sets accessed; the manual leaves it open.
#include "tests/guest/runtime/capture.hpp"
#include "tests/guest/runtime/paging.hpp"

using namespace guest;
using namespace guest::paging;

extern "C" {
alignas(4096) uint8_t accessed_dirty_page[4096];
}
SNIPPET(ad_read, "movb (%eax), %dl");
SNIPPET(ad_write, "movb %dl, (%eax)");
SNIPPET(ad_modify, "incb (%eax)");
SNIPPET(ad_compare, "cmpb %dl, (%eax)");
SNIPPET(ad_exchange_fails, "movl %eax, %ecx; movl $1, %eax; lock cmpxchgl %edx, (%ecx)");
SNIPPET(ad_fetch, "addl $16, %eax; call *%eax");
SNIPPET(ad_push, "movl %esp, %ecx; leal 4(%eax), %esp; pushl %edx; movl %ecx, %esp");
SNIPPET(ad_lea, "leal (%eax), %edx");
SNIPPET(ad_no_repeat, "movl %eax, %edi; xorl %ecx, %ecx; rep stosb");
SNIPPET(ad_segment, "movl $7, %edx; movl %edx, %fs; xorl %edx, %edx; movl %edx, %fs");
SNIPPET(ad_store_table, "sgdt (%eax)");

namespace {

constexpr uint16_t ldt = first_free;
constexpr uint32_t ldt_offset = 0x800;

void print_bits(uint32_t entry) {
    pc::print((entry & accessed) != 0 ? 'A' : '-');
    pc::print((entry & dirty) != 0 ? 'D' : '-');
}

struct Access {
    const char* name;
    Code code;
};
const Access accesses[] = {
    {"read", ad_read},
    {"write", ad_write},
    {"modify", ad_modify},
    {"compare", ad_compare},
    {"failing cmpxchg", ad_exchange_fails},
    {"fetch", ad_fetch},
    {"push", ad_push},
    {"lea", ad_lea},
    {"rep without count", ad_no_repeat},
    {"used descriptor", ad_segment},
    {"sgdt", ad_store_table},
};

void fill_page() {
    memset(accessed_dirty_page, 0, sizeof accessed_dirty_page);
    accessed_dirty_page[16] = 0xC3; // RET
    const uint64_t used = descriptor(0, 0xF'FFFF, data_access | user_level, page_granular);
    memcpy(accessed_dirty_page + ldt_offset, &used, sizeof used);
}

void small_page(const Access& access, Level level, uint32_t rights) {
    directory[window_slot] = address(window_table) | all_rights;
    window_table[0] = address(accessed_dirty_page) | rights;
    flush();
    fill_page();
    const Outcome outcome = watch(access.code, window, level);
    if (outcome.ended_by_exception) {
        pc::print("refused");
        return pc::print((window_table[0] & dirty) != 0 ? 'D' : '-');
    }
    print_bits(directory[window_slot]);
    print_bits(window_table[0]);
}

void large_page(const Access& access, Level level) {
    directory[window_slot] = all_rights | large;
    flush();
    fill_page();
    watch(access.code, window + address(accessed_dirty_page), level);
    print_bits(directory[window_slot]);
}

// A page that was read has its translation cached without dirty: the first write still sets the bit, and once
// it is set and cached, clearing it in memory needs an INVLPG to be noticed.
void in_order() {
    window_table[0] = address(accessed_dirty_page) | all_rights;
    flush();
    watch(ad_read, window);
    pc::print("after a read ");
    print_bits(window_table[0]);
    watch(ad_write, window);
    pc::print(" then a write ");
    print_bits(window_table[0]);
    window_table[0] &= ~uint32_t{accessed | dirty};
    invalidate(window);
    pc::print(" cleared ");
    print_bits(window_table[0]);
    watch(ad_write, window);
    pc::print(" then a write ");
    print_bits(window_table[0]);
    pc::print('\n');
}

} // namespace

void run() {
    switch_on();
    set_cr4(cr4() | cr4_pse);
    set_cr0(cr0() | cr0_wp);
    set_segment(ldt, descriptor(window + ldt_offset, 7, ldt_access, byte_granular16));
    asm volatile("lldt %w0" : : "r"(uint32_t{ldt}));
    for (const Access& access : accesses) {
        pc::print(access.name);
        for (const Level level : {Level::kernel, Level::user}) {
            pc::print(' ');
            small_page(access, level, all_rights);
            if (access.code != ad_segment && access.code != ad_push) { // those need their own places
                pc::print(' ');
                large_page(access, level);
            }
            pc::print(' ');
            if (access.code != ad_push || level == Level::user)
                small_page(access, level, present | user);
            pc::print(' ');
            if (access.code != ad_push || level == Level::user)
                small_page(access, level, writable | user);
        }
        pc::print('\n');
    }
    directory[window_slot] = address(window_table) | all_rights;
    in_order();
}
