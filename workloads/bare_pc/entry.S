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

    .bss
    .align 16
    .skip 16384
stack_top:

    .section .note.GNU-stack, "", @progbits
