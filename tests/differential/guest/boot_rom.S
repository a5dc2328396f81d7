// For Bochs: a ROM in the BIOS's place that does what a Multiboot loader leaves behind. The image itself is already in
// memory (Bochs's optramimage), so a campaign's image starts within microseconds instead of a GRUB's second.
    .section .rom, "ax"
    .code16
rom_begin:
    cli
    movb $2, %al // A20 on
    outb %al, $0x92
    lgdtl %cs:gdt_pointer - rom_begin
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $8, $1f
    .code32
1:  movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    // Bochs gives memory to the guest in blocks of 128 KB, in the order of their first use, but has read the image
    // into one piece: so first use them in order.
    movl $memory_begin, %ecx
2:  movl (%ecx), %eax
    addl $memory_block, %ecx
    cmpl $memory_end, %ecx
    jb 2b
    movl $0x2BADB002, %eax
    movl $information, %ebx
    movl $driver_entry, %ecx
    jmp *%ecx

    .align 8
gdt:
    .quad 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long gdt
    .align 4
information: // Multiboot information: one module
    .long 8, 0, 0, 0, 0, 1, module
module:
    .long module_address, 0, 0, 0

    .org 0xFFF0
    .code16
    ljmp $0xF000, $0
    .org 0xFFFF
    .byte 0

    .section .note.GNU-stack, "", @progbits
