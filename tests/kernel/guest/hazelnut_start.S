/* Entry of a program that looks at what it is started with: keeps the registers and the word at ESP, then takes a stack of
   its own and calls test_main(EBX). */
    .section .start, "ax"
    .global _start
_start:
    movl %eax, start_eax
    movl %ebx, start_ebx
    movl %esp, start_esp
    movl (%esp), %eax
    movl %eax, start_word
    movl $stack_top, %esp
    pushl %ebx
    call test_main
1:  jmp 1b

    .section .bss
    .balign 16
    .skip 8192
stack_top:
    .global start_eax, start_ebx, start_esp, start_word
start_eax:
    .skip 4
start_ebx:
    .skip 4
start_esp:
    .skip 4
start_word:
    .skip 4
