// The TLBs are not coherent: what INVLPG, a load of CR3 or of CR4 must drop is gone afterwards, global
// pages stay over a load of CR3 (SDM vol. 3, 4.10). Whether an entry stays without that is up to the
// processor, so this program prints only what the manual guarantees; how stale entries behave is for the
// model's own tests.
#include "tests/guest/runtime/capture.hpp"
#include "tests/guest/runtime/paging.hpp"

using namespace guest;
using namespace guest::paging;

extern "C" {
alignas(4096) uint32_t tlb_pages[2][1024];
}
SNIPPET(tlb_write, "movl $1, (%eax)");
SNIPPET(tlb_read, "movl (%eax), %edx");
SNIPPET(tlb_call, "call *%eax");
// Changes the entry and uses the page in one go: no other code runs between.
extern "C" uint32_t tlb_remap_and_read(uint32_t linear, volatile uint32_t* entry, uint32_t value);
asm(".pushsection .text\ntlb_remap_and_read: movl 4(%esp), %ecx; movl 8(%esp), %edx; movl 12(%esp), %eax;"
    "movl %eax, (%edx); invlpg (%ecx); movl (%ecx), %eax; ret\n.popsection");

namespace {

constexpr uint32_t first = window, second = window + page_bytes;

uint32_t frame(unsigned number) {
    return address(tlb_pages[number]);
}
uint32_t read(uint32_t linear) {
    return *reinterpret_cast<volatile uint32_t*>(linear);
}
void print_fault(const char* label, Code code, Level level = Level::kernel) {
    print_outcome(label, watch(code, first, level));
}

// After each way of dropping entries the new mapping is in force.
void ways_of_dropping() {
    map(0, frame(0) | all_rights);
    pc::report("first frame", read(first));
    window_table[0] = frame(1) | all_rights;
    invalidate(first);
    pc::report("after invlpg", read(first));
    window_table[0] = frame(0) | all_rights;
    invalidate(first + 0x123);
    pc::report("after invlpg in the middle of the page", read(first));
    window_table[0] = frame(1) | all_rights;
    flush();
    pc::report("after a load of cr3", read(first));
    window_table[0] = frame(0) | all_rights;
    set_cr0(cr0() & ~cr0_pg); // the program itself is mapped one to one
    set_cr0(cr0() | cr0_pg);
    pc::report("after paging off and on", read(first));
    window_table[0] = frame(1) | all_rights | global;
    set_cr4(cr4() | cr4_pge);
    pc::report("after setting cr4.pge", read(first));
    window_table[0] = frame(0) | all_rights | global;
    set_cr4(cr4() & ~cr4_pge);
    pc::report("after clearing cr4.pge", read(first));
    window_table[0] = frame(1) | all_rights;
    set_cr4(cr4() | cr4_pse);
    pc::report("after setting cr4.pse", read(first));
    pc::report("remapped in a row", tlb_remap_and_read(first, &window_table[0], frame(0) | all_rights));
}

// INVLPG drops global entries as well, and a global entry that was never used is not there.
void global_pages() {
    set_cr4(cr4() | cr4_pge);
    map(0, frame(0) | all_rights | global);
    pc::report("global", read(first));
    window_table[0] = frame(1) | all_rights | global;
    invalidate(first);
    pc::report("global after invlpg", read(first));
    window_table[0] = 0;
    set_cr4(cr4() & ~cr4_pge);
    print_fault("global, absent, after clearing cr4.pge", tlb_read);
}

// A fault drops the entry that it came from: raising rights needs no INVLPG if the first use faults; lowering
// them does (SDM vol. 3, 4.10.4.3).
void raised_rights() {
    map(0, 0);
    print_fault("absent", tlb_read);
    window_table[0] = frame(0) | present;
    print_fault("present without invlpg", tlb_read);
    set_cr0(cr0() | cr0_wp);
    print_fault("write to read-only", tlb_write);
    window_table[0] = frame(0) | present | writable;
    print_fault("writable without invlpg", tlb_write);
    print_fault("supervisor page at level 3", tlb_read, Level::user);
    window_table[0] = frame(0) | all_rights;
    print_fault("user page without invlpg", tlb_read, Level::user);
    window_table[0] = frame(0) | present;
    invalidate(first);
    print_fault("lowered, write", tlb_write);
    print_fault("lowered, level 3", tlb_read, Level::user);
    set_cr0(cr0() & ~cr0_wp);
}

// A fault's retry from its handler: the page is mapped there and the instruction runs again.
unsigned demand_faults;
bool map_on_demand(Frame&) {
    ++demand_faults;
    window_table[0] = frame(0) | all_rights;
    return true;
}
void demand() {
    map(0, 0);
    set_handler(vector::page_fault, map_on_demand);
    print_fault("read on demand", tlb_read, Level::user);
    map(0, 0);
    print_fault("write on demand", tlb_write, Level::user);
    map(0, 0);
    tlb_pages[0][0] = 0xC3; // RET
    print_fault("fetch on demand", tlb_call, Level::user);
    set_handler(vector::page_fault, nullptr);
    pc::report("faults", demand_faults);
}

// Both translations of one frame see each write at once; so do a small and a large page.
void aliases() {
    set_cr4(cr4() | cr4_pse);
    map(0, frame(0) | all_rights);
    map(1, frame(0) | all_rights);
    *reinterpret_cast<volatile uint32_t*>(first + 8) = 0x1234;
    pc::report("alias", read(second + 8));
    constexpr unsigned large_slot = window_slot + 1;
    directory[large_slot] = all_rights | large;
    invalidate(large_slot << 22);
    pc::report("large page", read((large_slot << 22) + frame(0) + 8));
    *reinterpret_cast<volatile uint32_t*>((large_slot << 22) + frame(0) + 8) = 0x5678;
    pc::report("written through the large page", read(first + 8));
    directory[large_slot] = address(window_table) | all_rights; // a table instead
    invalidate(large_slot << 22);
    pc::report("table instead", read((large_slot << 22) + 8));
}

} // namespace

void run() {
    tlb_pages[0][0] = 0x1111;
    tlb_pages[1][0] = 0x2222;
    switch_on();
    ways_of_dropping();
    global_pages();
    raised_rights();
    demand();
    aliases();
}
