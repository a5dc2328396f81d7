/* Multiboot entry of booter.cpp, and its way into the kernel. */
    .section .start, "ax"
    .balign 4
    .long 0x1BADB002          /* magic */
    .long 0x00000003          /* modules page-aligned, memory information wanted */
    .long -(0x1BADB002 + 3)   /* checksum */

    .global _start
_start:
    movl $stack_top, %esp
    pushl %ebx
    call boot

    .text
    .global start_kernel      /* start_kernel(entry, Multiboot information) */
start_kernel:
    movl 4(%esp), %ecx
    movl 8(%esp), %ebx
    movl $0x2BADB002, %eax
    jmp *%ecx

    .section .bss
    .balign 16
    .skip 8192
stack_top:
