// Page tables of a guest self-test: the first 16 MiB one to one, everything allowed; and one window of 4
// MiB whose entries the program writes itself (SDM vol. 3, 4.3).
#pragma once

#include <cstdint>

namespace guest::paging {

enum : uint32_t {
    present = 1,
    writable = 2,
    user = 4,
    accessed = 0x20,
    dirty = 0x40,
    large = 0x80,
    global = 0x100,
    all_rights = present | writable | user,
};
constexpr uint32_t page_bytes = 4096, entries = 1024;
constexpr uint32_t cr0_wp = 1u << 16, cr0_pg = 1u << 31;
constexpr uint32_t cr4_pse = 1u << 4, cr4_pae = 1u << 5, cr4_pge = 1u << 7;

constexpr unsigned identity_tables = 4;
constexpr unsigned window_slot = 64; // of the directory
constexpr uint32_t window = window_slot << 22;

alignas(page_bytes) inline uint32_t directory[entries];
alignas(page_bytes) inline uint32_t identity[identity_tables][entries];
alignas(page_bytes) inline uint32_t window_table[entries];

template<class T>
uint32_t address(const T& object) {
    return reinterpret_cast<uint32_t>(&object);
}

inline uint32_t cr0() {
    uint32_t value;
    asm volatile("movl %%cr0, %0" : "=r"(value));
    return value;
}
inline void set_cr0(uint32_t value) {
    asm volatile("movl %0, %%cr0" : : "r"(value) : "memory");
}
inline uint32_t cr4() {
    uint32_t value;
    asm volatile("movl %%cr4, %0" : "=r"(value));
    return value;
}
inline void set_cr4(uint32_t value) {
    asm volatile("movl %0, %%cr4" : : "r"(value) : "memory");
}
inline void set_cr3(uint32_t value) {
    asm volatile("movl %0, %%cr3" : : "r"(value) : "memory");
}
inline void flush() {
    asm volatile("movl %%cr3, %%eax\n\tmovl %%eax, %%cr3" : : : "eax", "memory");
}
inline void invalidate(uint32_t linear) {
    asm volatile("invlpg (%0)" : : "r"(linear) : "memory");
}

inline void switch_on() {
    for (unsigned i = 0; i < identity_tables * entries; ++i)
        identity[i / entries][i % entries] = i * page_bytes | all_rights;
    for (unsigned i = 0; i < identity_tables; ++i)
        directory[i] = address(identity[i]) | all_rights;
    directory[window_slot] = address(window_table) | all_rights;
    set_cr3(address(directory));
    set_cr0(cr0() | cr0_pg);
}

// Of the window's page `number`: its entry is written and the TLBs' copy of the old one is dropped.
inline void map(unsigned number, uint32_t entry) {
    window_table[number] = entry;
    invalidate(window + number * page_bytes);
}

} // namespace guest::paging
