// A Multiboot 1 kernel's entry: a stack, then run(information).
    .section .multiboot, "a"
    .align 4
    .set FLAGS, 3 // modules on page boundaries, memory map
    .long 0x1BADB002, FLAGS, -(0x1BADB002 + FLAGS)

    .text
    .globl _start
_start:
    movl $stack_top, %esp
    pushl %ebx
    call run
1:  cli
    hlt
    jmp 1b

// Interrupt entries that count in interrupt_count[line] and end the interrupt.
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
    .align 16
    .skip 16384
stack_top:
    .globl interrupt_count
interrupt_count:
    .skip 4 * 16
    .globl coprocessor_status
coprocessor_status:
    .skip 4

    .section .note.GNU-stack, "", @progbits
