// The bench image's loops whose instructions are counted one by one.
//
// Every loop takes the number of rounds as its first argument (cdecl) and executes OPERATIONS * rounds and a few
// instructions; OPERATIONS stands with each in bench_main.cpp, `operations_per_round`.
    .text
    .macro function name
    .globl \name
    .align 16
\name:
    .endm

// 24 dependent additions and exclusive ors, a counter.
function register_loop
    movl 4(%esp), %ecx
1:  .rept 12
    addl %ecx, %eax
    xorl %eax, %edx
    .endr
    decl %ecx
    jnz 1b
    ret

// Eight steps along a chain of pointers.
function chase_loop
    movl 4(%esp), %ecx
    movl 8(%esp), %eax
1:  .rept 8
    movl (%eax), %eax
    .endr
    decl %ecx
    jnz 1b
    ret

// 4 KB of ascending stores, 8 bytes a turn.
function store_loop
    movl 4(%esp), %ecx
1:  movl 8(%esp), %edx
    movl $512, %eax
2:  movl %eax, (%edx)
    movl %ecx, 4(%edx)
    addl $8, %edx
    decl %eax
    jnz 2b
    decl %ecx
    jnz 1b
    ret

// rep movsd of (bytes / 4) doublewords from the second argument to the third.
function copy_loop
    pushl %esi
    pushl %edi
    movl 12(%esp), %edx
1:  movl 16(%esp), %esi
    movl 20(%esp), %edi
    movl 24(%esp), %ecx
    rep movsl
    decl %edx
    jnz 1b
    popl %edi
    popl %esi
    ret

// Touches a page that is absent; the handler maps it, the loop takes it away again.
function page_fault_loop
    pushl %ebx
    movl 8(%esp), %ecx
    movl 12(%esp), %edx // the page
    movl 16(%esp), %ebx // its entry
1:  movl (%edx), %eax
    andl $~1, (%ebx)
    invlpg (%edx)
    decl %ecx
    jnz 1b
    popl %ebx
    ret
function page_fault_entry
    pushl %eax
    movl %cr2, %eax
    shrl $12, %eax
    orl $1, page_table(, %eax, 4)
    popl %eax
    addl $4, %esp // the error code
    iret

// INT and IRET at one level.
function interrupt_loop
    movl 4(%esp), %ecx
1:  int $0x30
    decl %ecx
    jnz 1b
    ret
function interrupt_entry
    iret

// The same from level 3: to there by IRET, back by INT 0x31.
function ring_loop
    pushl %ebp
    movl 8(%esp), %ecx
    movl %esp, %ebp
    pushl $0x23
    pushl $user_stack_top
    pushl $0x202
    pushl $0x1B
    pushl $1f
    iret
1:  int $0x30
    decl %ecx
    jnz 1b
    int $0x31
function ring_exit_entry
    movl %ebp, %esp
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    cli
    popl %ebp
    ret

// A new address space (the same tables), then a byte of each of 16 pages.
function address_space_loop
    movl 4(%esp), %ecx
    movl 8(%esp), %edx
    movl %cr3, %eax
1:  movl %eax, %cr3
    .set page, 0
    .rept 16
    testb $1, page * 4096(%edx)
    .set page, page + 1
    .endr
    decl %ecx
    jnz 1b
    ret

// A port that answers at once: the POST code's.
function port_loop
    movl 4(%esp), %ecx
1:  inb $0x80, %al
    decl %ecx
    jnz 1b
    ret

    .bss
    .align 4096
    .globl page_table, page_directory
page_directory:
    .skip 4096
page_table: // 16 MB
    .skip 4 * 4096
    .skip 4096
user_stack_top:
    .globl interrupt_stack_top
    .skip 4096
interrupt_stack_top:

    .section .note.GNU-stack, "", @progbits
