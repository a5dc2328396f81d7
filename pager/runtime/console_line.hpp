// One line of text for the console, put together in memory and printed at once, so that lines of several
// threads do not mix. What does not fit is cut.
#pragma once

#include <cstdint>

#include "kernel-model/abi/syscalls.hpp"

namespace pager {

class ConsoleLine {
public:
    ConsoleLine& text(const char* next) {
        while (*next != 0)
            put(*next++);
        return *this;
    }
    ConsoleLine& decimal(uint64_t value) {
        char digits[20];
        unsigned count = 0;
        do
            digits[count++] = static_cast<char>('0' + value % 10);
        while ((value /= 10) != 0);
        while (count > 0)
            put(digits[--count]);
        return *this;
    }
    ConsoleLine& hex(uint32_t value, unsigned digits = 8) {
        while (digits-- > 0)
            put("0123456789abcdef"[value >> 4 * digits & 0xFu]);
        return *this;
    }
    ConsoleLine& bytes(const uint8_t* data, unsigned count) {
        for (unsigned i = 0; i < count; ++i)
            hex(data[i], 2);
        return *this;
    }
    // Prints the line; the object is empty again.
    void print() {
        text_[length_] = '\n';
        text_[length_ + 1] = 0;
        l4::print_string(text_);
        length_ = 0;
    }

private:
    static constexpr unsigned length_max = 190;

    void put(char c) {
        if (length_ < length_max)
            text_[length_++] = c;
    }

    char text_[length_max + 2];
    unsigned length_ = 0;
};

} // namespace pager
