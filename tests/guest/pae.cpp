// Physical address extension (SDM vol. 3, 4.4): three levels of 64-bit entries, the four entries of the
// first level loaded with CR3 and with CR4.PAE, 2 MiB pages, rights and error codes, accessed and dirty
// bits.
//
// Left out, since QEMU 7.2 differs from the manual: reserved bits (those of the first level pass, the
// others' error code has bit 0 clear), the first level's accessed bit (set; there is none).
#include "tests/guest/runtime/capture.hpp"

#include "tests/guest/runtime/paging.hpp" // control registers and the bits of entries

using namespace guest;
using namespace guest::paging;

extern "C" {
alignas(32) uint64_t pae_pointers[4];
alignas(32) uint64_t pae_other_pointers[4];
alignas(4096) uint64_t pae_directories[2][512]; // of the first and of the fourth GiB
alignas(4096) uint64_t pae_window_table[512];
alignas(4096) uint32_t pae_pages[2][1024];
}
SNIPPET(pae_read, "movl (%eax), %edx");
SNIPPET(pae_write, "movl $1, (%eax)");
SNIPPET(pae_fetch, "call *%eax");

namespace {

constexpr uint32_t top_window = 0xC000'0000; // maps through the fourth pointer
constexpr uint32_t large_bytes = 2 << 20;

volatile uint64_t& pointer(unsigned number) {
    return pae_pointers[number];
}

void print_bits(uint64_t entry) {
    pc::print((entry & accessed) != 0 ? 'A' : '-');
    pc::print((entry & dirty) != 0 ? 'D' : '-');
}

void rights() {
    struct {
        const char* name;
        Code code;
    } const accesses[] = {{"read ", pae_read}, {"write", pae_write}, {"fetch", pae_fetch}};
    for (const uint32_t write_protect : {0u, cr0_wp})
        for (const Level level : {Level::kernel, Level::user}) {
            set_cr0((cr0() & ~cr0_wp) | write_protect);
            pc::print(write_protect != 0 ? "WP set" : "WP clear");
            pc::print(level == Level::user ? ", level 3\n" : ", level 0\n");
            for (const auto& access : accesses) {
                pc::print(access.name);
                for (const uint32_t above : {0u, 1u, 3u, 5u, 7u}) {
                    pc::print(' ');
                    for (const uint32_t below : {0u, 1u, 3u, 5u, 7u}) {
                        pae_directories[1][0] = address(pae_window_table) | above;
                        pae_window_table[0] = address(pae_pages[0]) | below;
                        flush();
                        pae_pages[0][0] = 0xC3; // RET
                        const Outcome outcome = watch(access.code, top_window, level);
                        if (!outcome.ended_by_exception)
                            pc::print('.');
                        else if (outcome.frame.vector == vector::page_fault && outcome.cr2 == top_window)
                            pc::print_hex(outcome.frame.error, 1);
                        else
                            print_exception(outcome.frame);
                    }
                }
                pc::print('\n');
            }
        }
    set_cr0(cr0() & ~cr0_wp);
}

void marks() {
    pae_directories[1][0] = address(pae_window_table) | all_rights;
    for (const Code code : {pae_read, pae_write}) {
        pae_directories[1][0] &= ~uint64_t{accessed};
        pae_window_table[0] = address(pae_pages[0]) | all_rights;
        pae_directories[1][1] = all_rights | large;
        flush();
        watch(code, top_window);
        watch(code, top_window + large_bytes + address(pae_pages[0]));
        pc::print("directory ");
        print_bits(pae_directories[1][0]);
        pc::print(" table ");
        print_bits(pae_window_table[0]);
        pc::print(" large ");
        print_bits(pae_directories[1][1]);
        pc::print('\n');
    }
}

// The first level lives in the processor until CR3 is loaded again.
void pointers() {
    print_outcome("absent second pointer", watch(pae_read, 0x4000'0000));
    pointer(1) = address(pae_directories[1]) | present;
    set_cr3(address(pae_pointers));
    pae_pages[0][0] = 0x1234;
    pae_window_table[0] = address(pae_pages[0]) | all_rights;
    flush();
    pc::report("through the second pointer", *reinterpret_cast<volatile uint32_t*>(0x4000'0000));
    print_outcome("at level 3", watch(pae_read, 0x4000'0000, Level::user)); // no rights in a pointer
    pointer(1) = 0;
    set_cr3(address(pae_pointers));
    print_outcome("absent again", watch(pae_read, 0x4000'0000));
    memcpy(pae_other_pointers, pae_pointers, sizeof pae_pointers);
    pae_other_pointers[2] = address(pae_directories[1]) | present;
    set_cr3(address(pae_other_pointers));
    pc::report("other pointers", *reinterpret_cast<volatile uint32_t*>(0x8000'0000));
    set_cr3(address(pae_pointers));
    print_outcome("first ones again", watch(pae_read, 0x8000'0000));
}

void large_pages() {
    pae_directories[1][1] = all_rights | large;
    pae_directories[1][2] = large_bytes | present | large;
    flush();
    const uint32_t where = top_window + large_bytes + address(pae_pages[0]);
    pc::report("2 MiB page", *reinterpret_cast<volatile uint32_t*>(where));
    print_outcome("read-only 2 MiB page at level 3",
                  watch(pae_write, top_window + 2 * large_bytes, Level::user));
    set_cr4(cr4() & ~cr4_pse); // 2 MiB pages do not depend on it
    pc::report("without PSE", *reinterpret_cast<volatile uint32_t*>(where + 4));
    pae_directories[1][1] = 0;
    invalidate(where);
    print_outcome("absent", watch(pae_read, where));
}

} // namespace

void run() {
    for (uint32_t i = 0; i < 512; ++i)
        pae_directories[0][i] = i * large_bytes | all_rights | large;
    pae_pointers[0] = address(pae_directories[0]) | present;
    pae_pointers[3] = address(pae_directories[1]) | present;
    pae_directories[1][0] = address(pae_window_table) | all_rights;
    pae_pages[0][1] = 0x5678;
    set_cr4(cr4() | cr4_pae);
    set_cr3(address(pae_pointers));
    set_cr0(cr0() | cr0_pg);
    rights();
    marks();
    pointers();
    large_pages();
    // And back to two levels.
    set_cr0(cr0() & ~cr0_pg);
    set_cr4(cr4() & ~cr4_pae);
    switch_on();
    pc::report("two levels", pae_pages[0][1]);
}
