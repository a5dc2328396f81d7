// Prints what the keyboard sends, fetched by interrupt as the firmware has left it, until the Escape key is released;
// then powers off.
#include "tests/machine/guest/interrupts.hpp"
#include "workloads/bare_pc/console.hpp"

extern "C" void run() {
    pc::start_console();
    pc::set_up_interrupts();
    pc::unmask(1);
    for (;;) {
        while (pc::in8(0x64) & 1) {
            const uint8_t code = pc::in8(0x60);
            pc::print_hex(code, 2);
            pc::print(' ');
            if (code == 0x81) {
                pc::wait_for_line();
                pc::out16(0x604, 0x2000);
            }
        }
        pc::wait_for_interrupt();
    }
}
