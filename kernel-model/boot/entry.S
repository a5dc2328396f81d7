/* Multiboot entry: from physical addresses without paging into the kernel's own address space.

   This part is linked at the physical address where it runs, in a segment of its own, so that every boot loader finds the
   entry: those that take it as it is, those that look for its segment, and booters that load the kernel as a module.
   Until paging is on, the addresses of all other symbols must be lowered by KERNEL_OFFSET. The first page directory maps
     0x00000000 .. 128 MB   identity, 4 MB pages; only until the jump, dropped by the C++ part
     0xF0000000 .. 128 MB   the window on physical memory, 4 MB pages
     0xF9000000 .. 3 MB     this image (physical 1 MB), 4 KB pages */

#include "kernel-model/arch/entry_layout.h"
#include "kernel-model/arch/selectors.h"

#define KERNEL_OFFSET 0xF8F00000
#define PHYSICAL(symbol) ((symbol) - KERNEL_OFFSET)
#define WINDOW_SUPERPAGES 32

/* kernel_stack.hpp. The stack is empty. */
    .macro PAINT_KERNEL_STACK
    movl $kernel_stack_bottom, %edi
    movl $KERNEL_STACK_BYTES / 4, %ecx
    movl $KERNEL_STACK_PAINT, %eax
    rep stosl
    .endm

    .section .multiboot, "a"
    .balign 4
    .long 0x1BADB002          /* magic */
    .long 0x00000003          /* modules page-aligned, memory information wanted */
    .long -(0x1BADB002 + 3)   /* checksum */

    .section .boot, "ax"
    .global kernel_entry
kernel_entry:
    .byte 0x0F, 0x1F, 0x80    /* probe kernel_entry */
    .long 0x46580001
    cli
    cld
    movl %eax, %esi           /* Multiboot magic */
    movl %ebx, %edi           /* Multiboot information */
    movl $PHYSICAL(kernel_stack_top), %esp

    movl $1, %eax
    cpuid
    testl $(1 << 3), %edx     /* PSE: 4 MB pages */
    jz no_superpages
    movl %edx, %ebp
    movl %eax, PHYSICAL(cpu_signature)

    movl $0x83, %eax          /* present, writable, 4 MB */
    movl $PHYSICAL(kernel_directory), %edx
    xorl %ecx, %ecx
1:  movl %eax, (%edx, %ecx, 4)
    movl %eax, 0xF00(%edx, %ecx, 4)
    addl $0x400000, %eax
    incl %ecx
    cmpl $WINDOW_SUPERPAGES, %ecx
    jb 1b
    movl $PHYSICAL(kernel_image_table) + 3, 0xF90(%edx)

    movl $0x00100003, %eax
    movl $PHYSICAL(kernel_image_table), %ebx
    xorl %ecx, %ecx
2:  movl %eax, (%ebx, %ecx, 4)
    addl $0x1000, %eax
    incl %ecx
    cmpl $768, %ecx
    jb 2b

    movl $0x10, %eax          /* CR4.PSE */
    movl %eax, %cr4
    movl %edx, %cr3
    movl $0x80010001, %eax    /* PG, WP, PE */
    movl %eax, %cr0
    movl $high_half, %eax
    jmp *%eax

no_superpages:
    movb $0xE1, %al           /* POST code: a processor without 4 MB pages */
    outb %al, $0x80
    hlt
    jmp no_superpages

    .text
high_half:
    movl %edi, %ebx
    PAINT_KERNEL_STACK
    movl $kernel_stack_top, %esp
    pushl %ebp                /* CPUID features */
    pushl %ebx
    pushl %esi
    call kernel_main          /* makes the first thread current */
    PAINT_KERNEL_STACK        /* the boot's use of it is over */
    jmp resume

    .data
    .balign 4
    .global cpu_signature
cpu_signature:                /* CPUID leaf 1, EAX */
    .long 0

    .section .bss.pages, "aw", @nobits
    .balign 4096
    .global kernel_directory
kernel_directory:
    .skip 4096
    .global kernel_image_table
kernel_image_table:
    .skip 4096
