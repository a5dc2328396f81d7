#include "kernel-model/symbols.hpp"

extern "C" char kernel_start[], kernel_text_end[];

namespace kernel {

namespace {

struct Entry {
    uint32_t address, name;
};
struct Table {
    uint32_t count;
    Entry entries[4095];
};

// Volatile: the compiler must not take it for the zeros that it is made of.
[[gnu::section(".symbols")]] const volatile Table table = {};

} // namespace

Symbol symbol_at(uint32_t address) {
    const uint32_t count = table.count;
    if (address < reinterpret_cast<uint32_t>(kernel_start) ||
        address >= reinterpret_cast<uint32_t>(kernel_text_end) || count == 0 ||
        address < table.entries[0].address)
        return {nullptr, 0};
    unsigned low = 0, high = count; // entries[low] <= address < entries[high]
    while (high - low > 1) {
        const unsigned middle = (low + high) / 2;
        (table.entries[middle].address <= address ? low : high) = middle;
    }
    const auto* names = reinterpret_cast<const char*>(const_cast<const Entry*>(&table.entries[count]));
    return {names + table.entries[low].name, address - table.entries[low].address};
}

} // namespace kernel
