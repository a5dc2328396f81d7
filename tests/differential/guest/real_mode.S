// Into a real-mode case and out of it. The code between real_mode_begin and real_mode_end is copied to
// layout.hpp's real_mode_code; labels in it are used relative to its beginning.
#include "tests/differential/guest/offsets.h"

    .text
    .globl enter_real_mode
enter_real_mode:
    movl $real_mode_state, %edi
    subl $real_mode_begin, %edi
    addl $REAL_MODE_SEGMENT * 16, %edi
    movl $current, %esi
    movl $RECORD_DEBUG, %ecx
    cld
    rep movsb
    ljmp $REAL_SWITCH_CODE, $real_mode_enter - real_mode_begin

    .globl real_mode_begin, real_mode_end
    .code16
real_mode_begin:
    .set vector, 0
    .rept 256
    .balign 8
    pushw $vector
    jmp real_mode_catch
    .set vector, vector + 1
    .endr

#define STATE(OFFSET) (real_mode_state - real_mode_begin + OFFSET)
real_mode_enter: // 16-bit protected mode
    movw $REAL_SWITCH_DATA, %ax
    movw %ax, %ss
    cmpl $ENTRY_REAL_BIG, %cs:STATE(RECORD_ENTRY)
    jne 1f
    movw $DRIVER_DATA, %ax
1:  movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movl %cs:STATE(RECORD_CR0), %eax
    andl $~1, %eax
    movl %eax, %cr0
    ljmp $REAL_MODE_SEGMENT, $1f - real_mode_begin
1:  movw %cs:STATE(RECORD_ES), %es
    movw %cs:STATE(RECORD_FS), %fs
    movw %cs:STATE(RECORD_GS), %gs
    movw %cs:STATE(RECORD_DS), %ds
    movw %cs:STATE(RECORD_SS), %ss
    movl %cs:STATE(RECORD_ESP), %esp
    pushl %cs:STATE(RECORD_EFLAGS)
    pushl %cs:STATE(RECORD_CS)
    pushl %cs:STATE(RECORD_EIP)
    movl %cs:STATE(RECORD_GENERAL), %eax
    movl %cs:STATE(RECORD_GENERAL + 4), %ecx
    movl %cs:STATE(RECORD_GENERAL + 8), %edx
    movl %cs:STATE(RECORD_GENERAL + 12), %ebx
    movl %cs:STATE(RECORD_GENERAL + 20), %ebp
    movl %cs:STATE(RECORD_GENERAL + 24), %esi
    movl %cs:STATE(RECORD_GENERAL + 28), %edi
    iretl

#define RESULT(OFFSET) (real_mode_outcome - real_mode_begin + OFFSET)
real_mode_catch:
    pushl %eax
    movw %ds, %ax
    pushw %ax
    movw %cs, %ax
    movw %ax, %ds
    popw RESULT(OUTCOME_DS)
    popl RESULT(OUTCOME_GENERAL)
    popw RESULT(OUTCOME_VECTOR)
    popw RESULT(OUTCOME_EIP)
    popw RESULT(OUTCOME_CS)
    popw RESULT(OUTCOME_EFLAGS)
    movl %ecx, RESULT(OUTCOME_GENERAL + 4)
    movl %edx, RESULT(OUTCOME_GENERAL + 8)
    movl %ebx, RESULT(OUTCOME_GENERAL + 12)
    movl %esp, RESULT(OUTCOME_GENERAL + 16)
    movl %ebp, RESULT(OUTCOME_GENERAL + 20)
    movl %esi, RESULT(OUTCOME_GENERAL + 24)
    movl %edi, RESULT(OUTCOME_GENERAL + 28)
    movw %es, RESULT(OUTCOME_ES)
    movw %ss, RESULT(OUTCOME_SS)
    movw %fs, RESULT(OUTCOME_FS)
    movw %gs, RESULT(OUTCOME_GS)
    movl %cr0, %eax
    movl %eax, RESULT(OUTCOME_CR0)
    sgdtl RESULT(saved_gdtr - real_mode_outcome)
    lgdtl RESULT(real_mode_gdtr - real_mode_outcome)
    orb $1, %al
    movl %eax, %cr0
    ljmpl $DRIVER_CODE, $real_mode_left

    .balign 4
    .globl real_mode_gdtr
real_mode_gdtr: // driver.cpp's copy of driver_gdtr
    .skip 8
saved_gdtr: // the case's
    .skip 8
real_mode_state: // CaseRecord
    .skip RECORD_DEBUG
    .globl real_mode_outcome
real_mode_outcome: // Outcome
    .skip 132
real_mode_end:

    .code32
real_mode_left:
    movl $DRIVER_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    cld
    movl $real_mode_outcome, %esi
    subl $real_mode_begin, %esi
    addl $REAL_MODE_SEGMENT * 16, %esi
    movl $outcome, %edi
    movl $OUTCOME_CR0, %ecx
    rep movsb
    lgdt REAL_MODE_SEGMENT * 16 + saved_gdtr - real_mode_begin
    jmp leave_case

    .section .note.GNU-stack, "", @progbits
