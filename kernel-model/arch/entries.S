/* Entries from user level, and the way back.

   TSS.esp0 always points to the end of the current thread's entry frame, so that the processor and the pushes here
   fill Tcb::frame. Then the code goes over to the one kernel stack: a handler is an ordinary function that reads and
   writes current_thread->frame, perhaps makes another thread current, and returns to `resume`. No thread ever has
   anything on the kernel stack while another one runs; what a blocked thread waits for is in its TCB's fields. So
   everything that recovery needs of a thread is data with fixed meaning, and no return address is ever saved.

   DS and ES belong to user level: a thread may leave garbage in them. The kernel does not reload them on every entry;
   it uses the same flat segment, and the general-protection entry repairs DS and ES and repeats the instruction. */

#include "kernel-model/arch/entry_layout.h"
#include "kernel-model/arch/selectors.h"

#define floating_point_owner _ZN6kernel20floating_point_ownerE
#define scheduler _ZN6kernel9schedulerE
#define task_state _ZN6kernel10task_stateE
#define task_table _ZN6kernel10task_tableE
#define FRAME(register) TCB_FRAME + FRAME_##register
#define FRAME_FROM_END(register) FRAME_##register - FRAME_BYTES
#define TCB_FROM_FRAME_END -(TCB_FRAME + FRAME_BYTES)

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
    cmpl $VECTOR_SYSENTER, FRAME(VECTOR)(%eax)
    jae resume_after_sysenter
    leal TCB_FRAME(%eax), %esp
    popal
    addl $8, %esp
    iretl

/* w0 in EBP too: with VECTOR_SYSENTER, EIP is at the caller's `movl %ebp, %edx`. */
resume_after_sysenter:
    cmpl $VECTOR_IN_TRANSFER, FRAME(VECTOR)(%eax)
    je go_on_with_transfer
    movl FRAME(EDX)(%eax), %edx
    movl %edx, FRAME(EBP)(%eax)
    andl $EFLAGS_KEPT, FRAME(EFLAGS)(%eax) /* those of an earlier entry */
    leal TCB_FRAME(%eax), %esp
    popal
    addl $8, %esp
    iretl

/* Interrupts come in between the parts of a transfer; nothing of it is on the stack. */
go_on_with_transfer:
    movl $kernel_stack_top, %esp
    sti
    nop
    .global transfer_interrupt_window
transfer_interrupt_window:
    cli
    call continue_transfer
    jmp resume

idle:
    movl $kernel_stack_top, %esp
    sti
    hlt
    cli
    jmp idle

/* ipc by SYSENTER (arch/sysenter.hpp): the caller's ESP is in ECX, its return address, code selector, EBP and ECX on
   its stack. Instructions that read memory of the user's are listed; what is needed to repeat the SYSENTER is then
   still there: EDX on the stack, EBP in the frame, the rest in registers (EAX: 0 wherever it has been changed).

   The quick path is quick_send_and_wait() of ipc/ipc.cpp, the reference, for the commonest case of it: registers to
   a thread that waits in an ipc by SYSENTER, and nothing to do beside the switch itself. Every condition that does
   not hold leads to by_reference. Until then nothing is written but the caller's frame, garbage while it runs. */
    .macro USER_READ instruction:vararg
9:  \instruction
    .pushsection .sysenter_reads, "a"
    .long 9b
    .popsection
    .endm

    .balign 64
    .global sysenter_entry
sysenter_entry:
    movl %edx, (%esp)
    movl current_thread, %edx           /* EDX: the caller's TCB */
    movl %ebp, FRAME(EBP)(%edx)
    movl $VECTOR_SYSENTER, FRAME(VECTOR)(%edx)
    cmpl $USER_SPACE_END - 16, %ecx
    ja stack_outside_user_space
    testl %eax, %eax                    /* send registers */
    jnz complete_frame
    cmpl $1, %ebp                       /* receive registers, from the partner or (1) from anybody, for ever */
    leal 16(%ecx), %ebp                 /* the stack that it returns to */
    ja complete_frame
    USER_READ testb $TIMEOUTS_RECEIVE_EXPONENT, 12(%ecx)
    jnz complete_frame
    movl %ebp, FRAME(ESP)(%edx)
    USER_READ movl (%ecx), %ebp         /* return by SYSEXIT to the MOV before the return address */
    leal -2(%ebp), %ebp
    cmpl $USER_SPACE_END, %ebp
    jae complete_frame
    USER_READ cmpw $MOVL_EBP_EDX, (%ebp)
    jne complete_frame
    movl %ebp, FRAME(EIP)(%edx)

    movl %esi, %ebp                     /* EBP: the partner's TCB, as offset; ESI is its id */
    andl $TCB_OFFSET_MASK, %ebp
    .global sysenter_partner_touch
sysenter_partner_touch:
    cmpl %esi, TCB_ARRAY + TCB_ID(%ebp)
    jne complete_frame
    cmpw $STATE_WAITING_USER, TCB_ARRAY + TCB_STATE(%ebp)
    jne complete_frame
    cmpl $VECTOR_SYSENTER, TCB_ARRAY + FRAME(VECTOR)(%ebp)
    jne by_reference
    cmpl $-1, TCB_ARRAY + TCB_WAKEUP + 4(%ebp) /* no timeout: the clock never gets that far */
    jne by_reference
    cmpl $0, floating_point_owner       /* CR0.TS stays set */
    jne x87_in_use
1:  movl TCB_ID(%edx), %eax             /* EAX: the caller's id */
    movzbl TCB_ARRAY + TCB_PRIORITY(%ebp), %ecx
    cmpl %eax, TCB_ARRAY + TCB_PARTNER(%ebp)
    jne partner_in_open_wait
2:  cmpl scheduler + SCHEDULER_FLOOR, %ecx
    jl by_reference
    testb $1, FRAME(EBP)(%edx)
    jnz caller_in_open_wait
    movl %esi, TCB_PARTNER(%edx)
3:  leal TCB_ARRAY(%ebp), %ecx          /* ECX: the partner's TCB, EBP: the end of its frame */
    leal TCB_ARRAY + TCB_FRAME + FRAME_BYTES(%ebp), %ebp
    xorl %eax, %esi
    testl $ID_TASK_MASK, %esi
    jnz other_task
4:  movw $STATE_WAITING_USER, TCB_STATE(%edx)
    movb $STATE_RUNNING, TCB_STATE(%ecx)
    movl %ecx, current_thread
    movl %ebp, task_state + TASK_STATE_ESP0
    movl %eax, TCB_LAST_SENDER(%ecx)
    movl %eax, %esi                     /* the sender */
    movl TCB_ID(%ecx), %eax
    .byte 0x0F, 0x1F, 0x80              /* probe thread_switch: EAX is the id */
    .long 0x46580002
    movl (%esp), %ebp                   /* w0 */
    movl FRAME(EIP)(%ecx), %edx
    movl FRAME(ESP)(%ecx), %ecx
    xorl %eax, %eax
    cld
    sti                                 /* no interrupt before SYSEXIT is over */
    sysexit

x87_in_use:
    cmpl %edx, floating_point_owner
    je by_reference
    leal TCB_ARRAY(%ebp), %eax
    cmpl %eax, floating_point_owner
    je by_reference
    jmp 1b

partner_in_open_wait:
    cmpl $ANY_PARTNER, TCB_ARRAY + TCB_PARTNER(%ebp)
    je 2b
    jmp by_reference

caller_in_open_wait:
    cmpl $0, TCB_SENDERS(%edx)
    jne by_reference
    cmpw $0, TCB_INTERRUPT_LINES(%edx)
    jne by_reference
    movl $ANY_PARTNER, TCB_PARTNER(%edx)
    jmp 3b

/* The other address space. SYSEXIT keeps EFLAGS, so IOPL is set if the other task has another. ECX, ESI are free. */
other_task:
    movl FRAME_FROM_END(EFLAGS)(%ebp), %esi
    movl FRAME(EFLAGS)(%edx), %ecx
    xorl %esi, %ecx
    testl $EFLAGS_IO_PRIVILEGE, %ecx
    jnz other_rights
5:  movzbl TCB_FROM_FRAME_END + TCB_ID + 2(%ebp), %ecx /* the task */
    leal (%ecx, %ecx, 2), %ecx
    movl task_table(, %ecx, 4), %ecx
    movl %ecx, scheduler + SCHEDULER_DIRECTORY
    movl %ecx, %cr3
    leal TCB_FROM_FRAME_END(%ebp), %ecx
    jmp 4b
other_rights:
    andl $EFLAGS_IO_PRIVILEGE, %esi
    pushl %esi
    popfl
    jmp 5b

/* The reference, in C++. Its frame is that of INT 0x30. */
    .global by_reference
by_reference:
    movl FRAME(ESP)(%edx), %ecx
    leal -16(%ecx), %ecx
    xorl %eax, %eax
complete_frame:
    USER_READ movl (%ecx), %ebp
    movl %ebp, FRAME(EIP)(%edx)
    leal -2(%ebp), %ebp
    movl $VECTOR_SYSENTER_PLAIN, FRAME(VECTOR)(%edx)
    cmpl $USER_SPACE_END, %ebp
    jae 1f
    USER_READ cmpw $MOVL_EBP_EDX, (%ebp)
    jne 1f
    movl $VECTOR_SYSENTER, FRAME(VECTOR)(%edx)
    movl %ebp, FRAME(EIP)(%edx)
1:  USER_READ movl 12(%ecx), %ebp
    movl %ebp, FRAME(ECX)(%edx)
    leal 16(%ecx), %ebp
    movl %ebp, FRAME(ESP)(%edx)
    movl %eax, FRAME(EAX)(%edx)
    movl %ebx, FRAME(EBX)(%edx)
    movl %esi, FRAME(ESI)(%edx)
    movl %edi, FRAME(EDI)(%edx)
    popl FRAME(EDX)(%edx)
    pushl $2 /* the kernel's flags: no NT, no DF */
    popfl
    call ipc_system_call
    jmp resume

/* As a fault of the caller's. */
stack_outside_user_space:
    movl %ecx, FRAME(ECX)(%edx)
    movl %eax, FRAME(EAX)(%edx)
    movl %ebx, FRAME(EBX)(%edx)
    movl %esi, FRAME(ESI)(%edx)
    movl %edi, FRAME(EDI)(%edx)
    popl FRAME(EDX)(%edx)
    pushl $2
    popfl
    call sysenter_stack_fault
    jmp resume

/* enter_as_sysenter(): the current thread's frame holds the registers of a SYSENTER. */
    .global enter_as_sysenter
enter_as_sysenter:
    movl current_thread, %eax
    leal TCB_FRAME(%eax), %esp
    popal
    movl $kernel_stack_top - 4, %esp
    jmp sysenter_entry

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
    .global kernel_stack_bottom
kernel_stack_bottom:
    .skip KERNEL_STACK_BYTES
    .global kernel_stack_top
kernel_stack_top:
    .skip 4096
    .global panic_stack_top
panic_stack_top:
