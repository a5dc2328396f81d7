// A line of console output, put together piece by piece in a fixed buffer and printed at once, so that the lines of
// several tasks do not mix. Too long a line is cut, never overrun. No allocation, no
// variadic arguments.
#pragma once

#if defined(__i386__)
#    include "workloads/runtime/console.hpp"
#endif

#include <cstdint>

namespace workloads {

class TextLine {
public:
    static constexpr unsigned capacity = 240; // characters, without NUL

    TextLine& text(const char* s) {
        while (*s)
            put(*s++);
        return *this;
    }
    TextLine& text(const char* s, unsigned length) {
        for (unsigned i = 0; i < length; ++i)
            put(s[i]);
        return *this;
    }
    TextLine& decimal(uint64_t value) {
        char digits[20];
        unsigned count = 0;
        do {
            digits[count++] = static_cast<char>('0' + value % 10);
            value /= 10;
        } while (value);
        while (count)
            put(digits[--count]);
        return *this;
    }
    TextLine& signed_decimal(int64_t value) {
        if (value < 0)
            put('-');
        return decimal(value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value));
    }
    // Lower-case hexadecimal with at least `digits` digits.
    TextLine& hex(uint64_t value, unsigned digits = 1) {
        for (unsigned i = 16; i-- > 0;)
            if (i < digits || value >> 4 * i)
                put("0123456789abcdef"[value >> 4 * i & 0xF]);
        return *this;
    }
    const char* c_str() const { return buffer_; }
    unsigned length() const { return length_; }

#if defined(__i386__)
    void print() const {
        print_on(console());
    }
    void print_on(l4::ThreadId console) const {
        print_line(console, buffer_, length_);
    }
#endif

private:
    void put(char c) {
        if (length_ < capacity) {
            buffer_[length_++] = c;
            buffer_[length_] = 0;
        }
    }

    char buffer_[capacity + 1] = {};
    unsigned length_ = 0;
};

} // namespace workloads
