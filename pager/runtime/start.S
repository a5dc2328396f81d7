/* Entry of a server: takes a stack of its own and calls server_main(argument). A server that the root task starts gets its
   command line on the initial stack; sigma0 gets the kernel info page's address in EBX instead (SIGMA0 is defined). */
    .globl _start
    .section .text.start, "ax"
_start:
#ifdef SIGMA0
    movl %ebx, %eax
#else
    movl 4(%esp), %eax
#endif
    movl $main_stack_top, %esp
    xorl %ebp, %ebp
    pushl %eax
    call server_main
1:  jmp 1b /* server_main never returns */

    .section .bss
    .balign 16
main_stack:
    .skip 16384
main_stack_top:
    .section .note.GNU-stack, "", @progbits
