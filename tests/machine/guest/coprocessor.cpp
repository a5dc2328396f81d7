// An x87 exception reported the PC/AT's way, CR0.NE = 0: IRQ 13 before the instruction that waits, port 0xF0.
#include "tests/machine/guest/interrupts.hpp"
#include "workloads/bare_pc/console.hpp"

extern "C" void run(uint32_t) {
    pc::start_console();
    pc::set_up_interrupts();
    asm volatile("movl %%cr0, %%eax\n\tandl $~0x2C, %%eax\n\tmovl %%eax, %%cr0" : : : "eax"); // NE, TS, EM
    pc::unmask(13);
    pc::interrupts_on();

    const uint16_t control = 0x037B; // division by zero is unmasked
    // The fourth is FDIVP, for which assemblers have two meanings.
    asm volatile("fninit\n\tfldcw %0\n\tfld1\n\tfldz\n\t.byte 0xDE, 0xF9\n\tfwait\n\tnop" : : "m"(control));
    pc::interrupts_off();
    pc::report("interrupts", pc::interrupt_count[13]);
    pc::report("exceptions", pc::coprocessor_status & 0x80BFu); // busy, summary, flags
    pc::leave(0x10);
}
