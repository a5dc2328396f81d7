// Interrupt entries that count in interrupt_count[line] and end the interrupt (interrupts.hpp).
    .text
    .macro entry line
    .globl interrupt_entry_\line
interrupt_entry_\line:
    pushl %eax
    incl interrupt_count + 4 * \line
    movb $0x20, %al
    .if \line >= 8
    outb %al, $0xA0
    .endif
    outb %al, $0x20
    popl %eax
    iret
    .endm
    entry 0
    entry 1
    entry 4
    entry 8
    entry 14

// The x87's error, the PC/AT's way: port 0xF0 takes IRQ 13 back, then the exception may be cleared.
    .globl interrupt_entry_13
interrupt_entry_13:
    pushl %eax
    incl interrupt_count + 4 * 13
    fnstsw %ax
    movw %ax, coprocessor_status
    outb %al, $0xF0
    fnclex
    movb $0x20, %al
    outb %al, $0xA0
    outb %al, $0x20
    popl %eax
    iret

    .bss
    .align 4
    .globl interrupt_count
interrupt_count:
    .skip 4 * 16
    .globl coprocessor_status
coprocessor_status:
    .skip 4

    .section .note.GNU-stack, "", @progbits
