// void call_video_bios(): in real mode, initialises the option ROM at 0xC0000, prints through its INT 10 and sets
// a screen of 50 rows.
// Everything from real_mode on is copied to, and assembled for, REAL.
    .set REAL, 0x7000
    .set CODE_32, 0x08
    .set DATA_32, 0x10
    .set CODE_16, 0x18
    .set PROTECTION, 1
    .set VIDEO_FUNCTION, 0x10 // bus 0, device 2, function 0: what firmware hands to the ROM

    .text
    .globl call_video_bios
call_video_bios:
    pushal
    movl %esp, saved_stack
    movl $real_mode, %esi
    movl $REAL, %edi
    movl $(real_mode_end - real_mode), %ecx
    rep movsb
    lgdt gdt_pointer
    ljmp $CODE_16, $REAL

    .globl back_in_protected_mode
back_in_protected_mode:
    movw $DATA_32, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl saved_stack, %esp
    popal
    ret

    .code16
real_mode:
    movl %cr0, %eax
    andl $~PROTECTION, %eax
    movl %eax, %cr0
    ljmp $0, $(REAL + in_real_mode - real_mode)
in_real_mode:
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $REAL, %esp
    lidtl REAL + idt_pointer - real_mode
    movw $VIDEO_FUNCTION, %ax
    lcall $0xC000, $3
    movw $0x0003, %ax // set mode 3
    int $0x10
    movw $(REAL + message - real_mode), %si
1:  movb %cs:(%si), %al
    incw %si
    testb %al, %al
    jz 2f
    movb $0x0E, %ah // teletype
    movw $0x0007, %bx
    int $0x10
    jmp 1b
2:  movw $0x1112, %ax // characters of 8 lines: 50 rows
    movb $0, %bl
    int $0x10
    cli
    movl %cr0, %eax
    orl $PROTECTION, %eax
    movl %eax, %cr0
    ljmpl $CODE_32, $back_in_protected_mode
message:
    .asciz "printed by the video BIOS\r\nsecond line"
    .align 4
idt_pointer:
    .word 0x3FF
    .long 0
real_mode_end:
    .code32

    .data
    .align 8
gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF
    .quad 0x00CF93000000FFFF
    .quad 0x00009B000000FFFF
gdt_pointer:
    .word . - gdt - 1
    .long gdt
saved_stack:
    .long 0

    .section .note.GNU-stack, "", @progbits
