/* Entry of a kernel test program: a stack, then test_main(EBX). */
    .section .start, "ax"
    .global _start
_start:
    movl $stack_top, %esp
    pushl %ebx
    call test_main
1:  jmp 1b

    .section .bss
    .balign 16
    .skip 8192
stack_top:
