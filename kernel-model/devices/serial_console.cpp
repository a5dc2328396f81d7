#include "kernel-model/devices/serial_console.hpp"

#include "kernel-model/arch/cpu.hpp"

namespace kernel {

constinit SerialConsole console;

namespace {

constexpr uint16_t com1 = 0x3F8;
constexpr uint16_t data = com1 + 0, interrupt_enable = com1 + 1, line_control = com1 + 3,
                   modem_control = com1 + 4, line_status = com1 + 5;
constexpr uint8_t divisor_latch = 0x80, eight_bits_no_parity = 0x03, dtr_and_rts = 0x03;
constexpr uint8_t data_ready = 0x01, transmitter_empty = 0x20;
constexpr uint8_t divisor_115200 = 1;

// A line that never becomes ready (no UART at all) must not hang the kernel.
constexpr unsigned ready_polls_max = 100'000;

} // namespace

// The FIFO stays as it is: to switch it on would clear what has come in already.
void SerialConsole::initialise() {
    cpu::out8(interrupt_enable, 0);
    cpu::out8(line_control, divisor_latch);
    cpu::out8(data, divisor_115200);
    cpu::out8(interrupt_enable, 0);
    cpu::out8(line_control, eight_bits_no_parity);
    cpu::out8(modem_control, dtr_and_rts);
}

void SerialConsole::print_char(char c) {
    if (c == '\n')
        print_char('\r');
    for (unsigned polls = 0; polls < ready_polls_max && !(cpu::in8(line_status) & transmitter_empty);
         ++polls) {
    }
    cpu::out8(data, static_cast<uint8_t>(c));
}

int SerialConsole::poll_char() {
    return cpu::in8(line_status) & data_ready ? cpu::in8(data) : -1;
}

void SerialConsole::print_item(const char* text) {
    while (*text != 0)
        print_char(*text++);
}

void SerialConsole::print_item(Hex number) {
    for (int shift = 4 * static_cast<int>(number.digits) - 4; shift >= 0; shift -= 4)
        print_char("0123456789ABCDEF"[number.value >> shift & 0xF]);
}

void SerialConsole::print_item(Decimal number) {
    char digits[10];
    unsigned count = 0;
    uint32_t rest = number.value;
    do {
        digits[count++] = static_cast<char>('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    while (count != 0)
        print_char(digits[--count]);
}

void SerialConsole::print_item(l4::ThreadId id) {
    print("thread ", Decimal{id.task()}, ".", Decimal{id.lthread()}, " (", Hex{id.raw}, ")");
}

} // namespace kernel
