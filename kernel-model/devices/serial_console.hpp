// The console: COM1, polled. Source: National Semiconductor PC16550D data sheet.
#pragma once

#include "kernel-model/abi/types.hpp"

#include <cstdint>

namespace kernel {

struct Hex {
    uint32_t value;
    unsigned digits = 8;
};
struct Decimal {
    uint32_t value;
};

class SerialConsole {
public:
    void initialise(); // 115200 baud, 8 data bits, no parity

    void print_char(char c);
    int poll_char(); // -1: nothing has arrived

    // Strings, Hex{}, Decimal{} and thread ids, in the order given.
    template<class... Items>
    void print(const Items&... items) {
        (print_item(items), ...);
    }

private:
    void print_item(const char* text);
    void print_item(Hex number);
    void print_item(Decimal number);
    void print_item(l4::ThreadId id); // task.lthread (version)
};

extern SerialConsole console;

} // namespace kernel
