/* Entries from user level, and the way back.

   TSS.esp0 always points to the end of the current thread's entry frame, so that the processor and the pushes here
   fill Tcb::frame. Then the code goes over to the one kernel stack: a handler is an ordinary function that reads and
   writes current_thread->frame, perhaps makes another thread current, and returns to `resume`. No thread ever has
   anything on the kernel stack while another one runs; what a blocked thread waits for is in its TCB's fields. So
   everything that recovery needs of a thread is data with fixed meaning, and no return address is ever saved.

   DS and ES belong to user level: a thread may leave garbage in them. The kernel does not reload them on every entry;
   it uses the same flat segment, and the general-protection entry repairs DS and ES and repeats the instruction. */

#include "kernel-model/arch/selectors.h"

#define FRAME_VECTOR 32
#define FRAME_CS 44
#define TCB_FRAME 32 /* asserted in thread/tcb.hpp */

    .section .entries, "ax"

    .macro TRAP vector
    .balign 16
trap_\vector:
    pushl $0
    pushl $\vector
    jmp trap_common
    .endm

    .macro TRAP_WITH_ERROR vector
    .balign 16
trap_\vector:
    pushl $\vector
    jmp trap_common
    .endm

/* ipc first, by itself: no test where it came from, no jump table. */
    .balign 64
trap_48:
    pushl $0
    pushl $0x30
    pushal
    cld
    movl $kernel_stack_top, %esp
    call ipc_system_call

    .global resume
resume:
    movl current_thread, %eax
    testl %eax, %eax
    jz idle
    leal TCB_FRAME(%eax), %esp
    popal
    addl $8, %esp
    iretl

idle:
    movl $kernel_stack_top, %esp
    sti
    hlt
    cli
    jmp idle

    .balign 64
trap_common:
    pushal
    cld
    testb $3, FRAME_CS(%esp)
    jz from_kernel
    movl FRAME_VECTOR(%esp), %eax
    movl $kernel_stack_top, %esp
    call *trap_handlers(, %eax, 4)
    jmp resume

/* Interrupts while idle, and TCB faults at touch points: everything else is a bug of the kernel. */
from_kernel:
    movl %esp, %eax
    pushl %eax
    call kernel_trap
    addl $4, %esp
    testl %eax, %eax
    jnz resume           /* the interrupted kernel code is abandoned */
    popal
    addl $8, %esp
    iretl                /* it goes on */

    .balign 16
trap_13:
    pushl %eax
    movl %ds, %eax
    cmpw $SELECTOR_USER_DATA, %ax
    jne 1f
    movl %es, %eax
    cmpw $SELECTOR_USER_DATA, %ax
    jne 1f
    popl %eax
    pushl $13
    jmp trap_common
1:  movl $SELECTOR_USER_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    popl %eax
    addl $4, %esp
    iretl

    TRAP 0
    TRAP 1
    TRAP 2
    TRAP 3
    TRAP 4
    TRAP 5
    TRAP 6
    TRAP 7
    TRAP 9
    TRAP_WITH_ERROR 10
    TRAP_WITH_ERROR 11
    TRAP_WITH_ERROR 12
    TRAP_WITH_ERROR 14
    TRAP 16
    TRAP_WITH_ERROR 17
    TRAP 18
    TRAP 19
    .irp vector, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47
    TRAP \vector
    .endr
    .irp vector, 49, 50, 51, 52, 53, 54, 55
    TRAP \vector
    .endr

/* Loads the kernel's segments; the far return reloads CS. */
    .global load_segments
load_segments:
    movl $SELECTOR_KERNEL_STACK, %eax
    movl %eax, %ss
    movl $SELECTOR_USER_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    popl %eax
    pushl $SELECTOR_KERNEL_CODE
    pushl %eax
    lretl

/* panic_enter(reason): leaves the (perhaps broken) stack for the panic stack; the old ESP is the second argument. */
    .global panic_enter
panic_enter:
    movl 4(%esp), %eax
    movl %esp, %edx
    movl $panic_stack_top, %esp
    pushl %edx
    pushl %eax
    call panic_on_own_stack

/* A double fault means that the processor could not push a frame: it comes in as a task switch, on the panic stack. */
    .global double_fault_entry
double_fault_entry:
    call double_fault

/* One slot a vector; 0: no gate. */
    .section .rodata
    .balign 4
    .global trap_entries
trap_entries:
    .irp vector, 0, 1, 2, 3, 4, 5, 6, 7
    .long trap_\vector
    .endr
    .long 0
    .irp vector, 9, 10, 11, 12, 13, 14
    .long trap_\vector
    .endr
    .long 0
    .irp vector, 16, 17, 18, 19
    .long trap_\vector
    .endr
    .fill 12, 4, 0
    .irp vector, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47
    .long trap_\vector
    .endr
    .irp vector, 48, 49, 50, 51, 52, 53, 54, 55
    .long trap_\vector
    .endr

    .section .bss.pages, "aw", @nobits
    .balign 4096
    .global kernel_stack_guard
kernel_stack_guard:          /* unmapped once the kernel's page table is final */
    .skip 4096
    .skip 4096
    .global kernel_stack_top
kernel_stack_top:
    .skip 4096
    .global panic_stack_top
panic_stack_top:
