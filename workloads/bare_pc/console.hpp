// Text on the first serial line (COM1, polled), and the way out of a program on the bare PC.
#pragma once

#include "workloads/bare_pc/ports.hpp"

namespace pc {

inline void start_console() {
    out8(0x3FB, 0x80); // 115,200 baud, 8N1
    out8(0x3F8, 1);
    out8(0x3F9, 0);
    out8(0x3FB, 0x03);
    out8(0x3FA, 0x07);
    out8(0x3FC, 0x0B);
}
inline void print(char c) {
    while (!(in8(0x3FD) & 0x20)) {
    }
    out8(0x3F8, static_cast<uint8_t>(c));
}
inline void print(const char* text) {
    while (*text != 0)
        print(*text++);
}
inline void print_hex(uint32_t value, unsigned digits = 8) {
    while (digits-- != 0)
        print("0123456789abcdef"[value >> 4 * digits & 15]);
}
inline void print_decimal(uint32_t value) {
    if (value >= 10)
        print_decimal(value / 10);
    print(static_cast<char>('0' + value % 10));
}
// "name value\n"
inline void report(const char* name, uint32_t value) {
    print(name);
    print(' ');
    print_hex(value);
    print('\n');
}
// Until the last character is out.
inline void wait_for_line() {
    constexpr uint8_t transmitter_empty = 0x40;
    while ((in8(0x3FD) & transmitter_empty) == 0) {
    }
}
// isa-debug-exit; does not return.
[[noreturn]] inline void leave(uint32_t value) {
    wait_for_line();
    out32(0xF4, value);
    for (;;)
        asm volatile("cli; hlt");
}

} // namespace pc
