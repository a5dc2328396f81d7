// The names of the kernel's functions, for a panic.
//
// A section of fixed size, which symbol_table.py fills after the link: a count, then (address, offset of the name)
// in ascending order, then the names. Boot loaders can pass an ELF symbol table (Multiboot 1, flag bit 5), but QEMU's
// does not, so the image carries its own.
#pragma once

#include <cstdint>

namespace kernel {

struct Symbol {
    const char* name; // null: not in the kernel's text, or the table is empty
    uint32_t offset;  // of the address in the function
};
Symbol symbol_at(uint32_t address);

} // namespace kernel
