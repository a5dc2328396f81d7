// Entry of a guest self-test, the entries of all 256 vectors, and the calls that are watched (capture.hpp).
    .section .multiboot, "a"
    .align 4
    .long 0x1BADB002, 0, -0x1BADB002

    .set KERNEL_CODE, 0x08
    .set KERNEL_DATA, 0x10
    .set USER_CODE, 0x1B
    .set USER_DATA, 0x23
    .set END_VECTOR, 0x30

    .text
    .globl _start
_start:
    movl $kernel_stack_top, %esp
    call set_up_capture
    call run
    // A program is over when run() returns: isa-debug-exit, once the last character has left.
    call leave_program

// Vectors whose exceptions push an error code (SDM vol. 3, table 6-1).
    .macro vector_entry number
    .if (\number == 8) || ((\number >= 10) && (\number <= 14)) || (\number == 17)
    .else
    pushl $0
    .endif
    pushl $\number
    jmp common_entry
    .balign 16
    .endm

    .balign 16
    .globl vector_entries
vector_entries:
    .set number, 0
    .rept 256
    vector_entry number
    .set number, number + 1
    .endr

common_entry:
    pushal
    pushl %ds
    pushl %es
    pushl %fs
    pushl %gs
    movl $KERNEL_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    cld
    pushl %esp
    call on_exception
    addl $4, %esp
    testl %eax, %eax
    jz end_watched_call
    popl %gs
    popl %fs
    popl %es
    popl %ds
    popal
    addl $8, %esp
    iret

// void call_watched(void (*code)(), uint32_t argument, uint32_t user, uint32_t user_flags): the argument goes
// to EAX. Returns when the code returns or when an exception that nobody handles ends it.
    .globl call_watched
call_watched:
    pushl %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    pushfl
    movl %esp, watched_stack
    movl 24(%esp), %ecx
    movl 28(%esp), %eax
    cmpl $0, 32(%esp)
    jne 1f
    call *%ecx
    jmp end_watched_call
1:  movl $USER_DATA, %edx
    movl %edx, %ds
    movl %edx, %es
    movl %edx, %fs
    movl %edx, %gs
    movl 36(%esp), %edx
    movl $user_end, %ss:user_stack_top - 4
    pushl $USER_DATA
    pushl $user_stack_top - 4
    pushl %edx
    pushl $USER_CODE
    pushl %ecx
    iret
user_end:
    int $END_VECTOR

// void call_watched_frame(const Frame* frame): the same, from the state that a frame describes; level 3 or V86 mode.
    .globl call_watched_frame
call_watched_frame:
    pushl %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    pushfl
    movl %esp, watched_stack
    movl 24(%esp), %esp
    popl %gs
    popl %fs
    popl %es
    popl %ds
    popal
    addl $8, %esp
    iret

    .globl end_watched_call
end_watched_call:
    movl $KERNEL_DATA, %ecx
    movl %ecx, %ds
    movl %ecx, %es
    movl %ecx, %fs
    movl %ecx, %gs
    movl %ecx, %ss
    movl watched_stack, %esp
    ljmp $KERNEL_CODE, $1f
1:
    popfl
    popl %edi
    popl %esi
    popl %ebx
    popl %ebp
    ret

    .bss
    .balign 4096
    .skip 16384
    .globl kernel_stack_top
kernel_stack_top:
    .skip 16384
    .globl entry_stack_top
entry_stack_top:        // where interrupts from outer levels arrive
    .skip 8192
    .globl user_stack_top
user_stack_top:
    .skip 4
watched_stack:
    .skip 4

    .section .note.GNU-stack, "", @progbits
