// Into a case and out of it again, in protected and virtual-8086 mode; real mode is in real_mode.S.
//
// enter_case() loads the system registers as `current` (CaseRecord) says and goes to the case by IRET. Every vector of
// the template's IDT leads to a stub here, which fills `outcome` in, puts the processor back into the driver's state
// and returns from enter_case(). The stub needs room on the stack that the exception was delivered on; where there is
// none, the double fault's task gate (or a reset) is the case's outcome.
#include "tests/differential/guest/offsets.h"

    .section .multiboot, "ax"
    .align 4
    .set FLAGS, 3 // modules on page boundaries, memory map
    .long 0x1BADB002, FLAGS, -(0x1BADB002 + FLAGS)

    .org 16 // layout.hpp's driver_entry
    .globl _start
_start:
    movl $DRIVER_STACK, %esp
    lgdt driver_gdtr
    ljmp $DRIVER_CODE, $1f
1:  call load_driver_segments
    pushl %ebx
    call run
1:  cli
    hlt
    jmp 1b

    .text
load_driver_segments:
    movl $DRIVER_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    ret

    .globl enter_case
enter_case:
    pushal
    movl %esp, driver_esp
    movl $0, catching
    lgdt case_gdtr
    lidt case_idtr
    lldt current + RECORD_LDTR
    ltr current + RECORD_TR
    movl current + RECORD_DEBUG, %eax
    movl %eax, %dr0
    movl current + RECORD_DEBUG + 4, %eax
    movl %eax, %dr1
    movl current + RECORD_DEBUG + 8, %eax
    movl %eax, %dr2
    movl current + RECORD_DEBUG + 12, %eax
    movl %eax, %dr3
    movl current + RECORD_DEBUG + 16, %eax
    movl %eax, %dr6
    xorl %eax, %eax
    movl %eax, %cr2
    movl current + RECORD_CR4, %eax
    movl %eax, %cr4
    movl current + RECORD_CR3, %eax
    movl %eax, %cr3
    cmpl $ENTRY_REAL, current + RECORD_ENTRY
    jb 1f
    movl current + RECORD_DEBUG + 20, %eax
    movl %eax, %dr7
    jmp enter_real_mode
1:  movl current + RECORD_CR0, %eax
    orl $1, %eax // PE
    movl %eax, %cr0
    movl current + RECORD_DEBUG + 20, %eax
    movl %eax, %dr7
    cmpl $ENTRY_VIRTUAL_8086, current + RECORD_ENTRY
    je 2f
    movl current + RECORD_ES, %eax
    movl %eax, %es
    movl current + RECORD_FS, %eax
    movl %eax, %fs
    movl current + RECORD_GS, %eax
    movl %eax, %gs
    movl current + RECORD_DS, %eax
    movl %eax, %ds
    cmpl $ENTRY_SAME_LEVEL, %cs:current + RECORD_ENTRY
    je 1f
    pushl %cs:current + RECORD_SS
    pushl %cs:current + RECORD_ESP
    jmp 3f
1:  movl %cs:current + RECORD_SS, %eax
    movl %eax, %ss
    movl %cs:current + RECORD_ESP, %esp
    jmp 3f
2:  pushl %cs:current + RECORD_GS
    pushl %cs:current + RECORD_FS
    pushl %cs:current + RECORD_DS
    pushl %cs:current + RECORD_ES
    pushl %cs:current + RECORD_SS
    pushl %cs:current + RECORD_ESP
3:  pushl %cs:current + RECORD_EFLAGS
    pushl %cs:current + RECORD_CS
    pushl %cs:current + RECORD_EIP
    movl %cs:current + RECORD_GENERAL, %eax
    movl %cs:current + RECORD_GENERAL + 4, %ecx
    movl %cs:current + RECORD_GENERAL + 8, %edx
    movl %cs:current + RECORD_GENERAL + 12, %ebx
    movl %cs:current + RECORD_GENERAL + 20, %ebp
    movl %cs:current + RECORD_GENERAL + 24, %esi
    movl %cs:current + RECORD_GENERAL + 28, %edi
    iretl

// One entry for each vector; those without an error code push 0 in its place.
    .section .stubs, "ax"
    .set vector, 0
    .rept 256
    .balign 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17)
    pushl $0
    .endif
    pushl $vector
    jmp catch
    .set vector, vector + 1
    .endr

    .text
catch:
    pushl %eax
    movl %ds, %eax
    pushl %eax
    movl $DRIVER_DATA, %eax
    movl %eax, %ds
    cmpl $0, catching
    jne nested
    movl $1, catching
    popl outcome + OUTCOME_DS
    popl outcome + OUTCOME_GENERAL
    popl outcome + OUTCOME_VECTOR
    popl outcome + OUTCOME_ERROR
    movl %ecx, outcome + OUTCOME_GENERAL + 4
    movl %edx, outcome + OUTCOME_GENERAL + 8
    movl %ebx, outcome + OUTCOME_GENERAL + 12
    movl %ebp, outcome + OUTCOME_GENERAL + 20
    movl %esi, outcome + OUTCOME_GENERAL + 24
    movl %edi, outcome + OUTCOME_GENERAL + 28
    movl %es, %eax
    movl %eax, outcome + OUTCOME_ES
    movl %fs, %eax
    movl %eax, outcome + OUTCOME_FS
    movl %gs, %eax
    movl %eax, outcome + OUTCOME_GS
    popl outcome + OUTCOME_EIP
    popl outcome + OUTCOME_CS
    popl outcome + OUTCOME_EFLAGS
    testl $EFLAGS_VM, outcome + OUTCOME_EFLAGS
    jnz 2f
    testb $3, outcome + OUTCOME_CS
    jnz 1f
    movl %esp, outcome + OUTCOME_GENERAL + 16
    movl %ss, %eax
    movl %eax, outcome + OUTCOME_SS
    jmp leave_case
1:  popl outcome + OUTCOME_GENERAL + 16
    popl outcome + OUTCOME_SS
    jmp leave_case
2:  popl outcome + OUTCOME_GENERAL + 16
    popl outcome + OUTCOME_SS
    popl outcome + OUTCOME_ES
    popl outcome + OUTCOME_DS
    popl outcome + OUTCOME_FS
    popl outcome + OUTCOME_GS

// What the processor's system registers hold, then the driver's own state again.
    .globl leave_case
leave_case:
    movl $DRIVER_DATA, %eax
    movl %eax, %ss
    movl driver_esp, %esp
    movl %cr0, %eax
    movl %eax, outcome + OUTCOME_CR0
    movl %cr2, %eax
    movl %eax, outcome + OUTCOME_CR2
    movl %cr3, %eax
    movl %eax, outcome + OUTCOME_CR3
    movl %cr4, %eax
    movl %eax, outcome + OUTCOME_CR4
    movl %dr6, %eax
    movl %eax, outcome + OUTCOME_DR6
    movl %dr7, %eax
    movl %eax, outcome + OUTCOME_DR7
    xorl %eax, %eax
    movl %eax, %dr7
    sldt %eax
    movw %ax, outcome + OUTCOME_LDTR
    str %eax
    movw %ax, outcome + OUTCOME_TR
    sgdt outcome_gdtr
    sidt outcome_idtr
    movl $0x11, %eax // PE, ET
    movl %eax, %cr0
    xorl %eax, %eax
    movl %eax, %cr4
    lgdt driver_gdtr
    ljmp $DRIVER_CODE, $1f
1:  call load_driver_segments
    xorl %eax, %eax
    lldt %ax
    pushl $2
    popfl
    popal
    ret

// An exception while recording, such as the debug exception that DR7.GD asks for: count it and go on.
nested:
    incl outcome + OUTCOME_NESTED
    cmpl $16, outcome + OUTCOME_NESTED
    ja 1f
    popl %eax
    movl %eax, %ds
    popl %eax
    addl $8, %esp
    iretl
1:  lidt no_idt // hopeless: the case's outcome is a reset
    int3

// The double fault's task. The interrupted task's registers are in its TSS, which is in the arena.
    .section .double_fault, "ax"
    movl $1, catching
    popl outcome + OUTCOME_ERROR
    movl $DOUBLE_FAULT_VECTOR, outcome + OUTCOME_VECTOR
    jmp leave_case

    .data
    .align 8
driver_gdt:
    .quad 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF
driver_gdt_end:
    .globl driver_gdtr
driver_gdtr:
    .word driver_gdt_end - driver_gdt - 1
    .long driver_gdt
    .align 4
no_idt:
    .word 0
    .long 0

    .bss
    .align 4
driver_esp:
    .skip 4
catching:
    .skip 4

    .section .note.GNU-stack, "", @progbits
