# Keeps what the loader left in the registers, loads every segment register through the loader's descriptor
# table, then run(information).
    .section .multiboot, "a"
    .align 4
    .set FLAGS, 3 // modules on page boundaries, memory map
    .long 0x1BADB002, FLAGS, -(0x1BADB002 + FLAGS)

    .text
    .globl _start
_start:
    movl %eax, entry_eax
    movl %ebx, entry_ebx
    movl %esp, entry_esp
    movl $stack_top, %esp
    pushfl
    popl entry_eflags
    movl %cr0, %eax
    movl %eax, entry_cr0
    sgdt entry_gdtr
    sidt entry_idtr
    str entry_tr
    sldt entry_ldtr
    movw %cs, entry_selectors
    movw %ds, entry_selectors + 2
    movw %es, entry_selectors + 4
    movw %fs, entry_selectors + 6
    movw %gs, entry_selectors + 8
    movw %ss, entry_selectors + 10
    movw %ds, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    ljmp $0x08, $1f
1:  pushl %ebx
    call run
2:  cli
    hlt
    jmp 2b

    .bss
    .align 16
    .globl entry_eax, entry_ebx, entry_esp, entry_eflags, entry_cr0, entry_gdtr, entry_idtr, entry_tr, entry_ldtr
    .globl entry_selectors
entry_eax: .skip 4
entry_ebx: .skip 4
entry_esp: .skip 4
entry_eflags: .skip 4
entry_cr0: .skip 4
entry_gdtr: .skip 8
entry_idtr: .skip 8
entry_tr: .skip 4
entry_ldtr: .skip 4
entry_selectors: .skip 12
    .align 16
    .skip 16384
stack_top:

    .section .note.GNU-stack, "", @progbits
