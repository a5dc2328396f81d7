// Real mode and the ways between it and protected mode (SDM vol. 3, 9.9 and chapter 20): interrupts through
// the vectors at address 0, segments by paragraph, which instructions do not exist there, and "unreal"
// mode: a segment that keeps the limit it was given in protected mode.
//
// Left out: accesses beyond a segment's limit, which QEMU 7.2 does not check.
#include "tests/guest/runtime/capture.hpp"

using namespace guest;

extern "C" {
extern const char real_code[], real_code_end[];
void call_real(const char* routine);
}

// The part below 1 MiB: call_real() goes through it to a routine and comes back. Registers are left in a
// block of words at real_results.
asm(R"(
    .set REAL_PARAGRAPH, 0x800
    .set CODE16, 0x30
    .set DATA16, 0x38
    .pushsection .text
    .globl call_real
call_real:
    pushal
    movl 36(%esp), %eax
    subl $real_code, %eax
    movl %esp, real_saved_stack
    lidt real_vectors
    ljmp $CODE16, $(real_entry - real_code)
real_return:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    movl real_saved_stack, %esp
    lidt real_own_gates
    popal
    ret
    .balign 4
real_vectors:
    .word 0x3FF
    .long 0
real_own_gates:
    .word 256 * 8 - 1
    .long gates
real_saved_stack:
    .long 0

    .code16
real_code:
real_entry:                     # 16-bit protected mode, data segments of 64 KiB
    movw $DATA16, %cx
    movw %cx, %ss
    movw %cx, %ds
    movw %cx, %es
    movw $0x10, %cx             # FS: 4 GiB, to be kept
    movw %cx, %fs
    movl %cr0, %ecx
    andl $~1, %ecx
    movl %ecx, %cr0
    ljmp $REAL_PARAGRAPH, $(1f - real_code)
1:  xorw %cx, %cx
    movw %cx, %ds
    movw %cx, %es
    movw %cx, %ss
    movl $0x7000, %esp
    call *%ax
    cli
    movl %cr0, %ecx
    orl $1, %ecx
    movl %ecx, %cr0
    ljmpl $0x08, $real_return

    .macro routine name
    .globl real_\name
real_\name:
    .endm
    routine interrupt
    movw $(2f - real_code), 0x60 * 4
    movw $REAL_PARAGRAPH, 0x60 * 4 + 2
    sti
    stc
    int $0x60
    pushf
    popw 0x9000                 # restored by IRET
    ret
2:  pushf
    popw 0x9002                 # inside: IF clear
    movw %sp, %bp
    movw (%bp), %ax
    subw $(2b - real_code), %ax
    movw %ax, 0x9004            # where it came from, relative
    movw 2(%bp), %ax
    movw %ax, 0x9006
    movw 4(%bp), %ax
    movw %ax, 0x9008
    iret

    routine divide
    movw $(2f - real_code), 0 * 4
    movw $REAL_PARAGRAPH, 0 * 4 + 2
    xorw %cx, %cx
1:  divw %cx
    ret
2:  movw %sp, %bp
    movw (%bp), %ax
    subw $(1b - real_code), %ax
    movw %ax, 0x9000            # the faulting instruction itself: 0
    addw $2, (%bp)
    iret

    routine undefined           # each of these does not exist in real mode
    movw $(2f - real_code), 6 * 4
    movw $REAL_PARAGRAPH, 6 * 4 + 2
    movw $0, 0x9000
    sldt %ax
    str %ax
    lldt %ax
    ltr %ax
    verr %ax
    verw %ax
    lar %ax, %ax
    lsl %ax, %ax
    .byte 0x63, 0xC0            # ARPL
    ud2
    ret
2:  incw 0x9000                 # a count; all are two or three bytes
    movw %sp, %bp
    movw (%bp), %bx
    movw $3, %dx
    cmpb $0x63, %cs:(%bx)
    je 3f
    cmpb $0x0B, %cs:1(%bx)
    jne 4f
3:  movw $2, %dx
4:  addw %dx, (%bp)
    iret

    routine segments
    movw $0x1234, 0x9100        # the same place in many ways
    movw $0x910, %ax
    movw %ax, %ds
    movw 0, %bp
    movw $0x0900, %ax
    movw %ax, %es
    movw %es:0x100, %bx
    xorw %ax, %ax
    movw %ax, %ds
    movw %bp, 0x9000
    movw %bx, 0x9002
    movl $0x00019100, %ebx      # 16-bit addresses wrap
    movw (%bx), %ax
    movw %ax, 0x9004
    movw $0xFFFF, %si
    movw 0x9101(%si), %ax       # and so does their sum
    movw %ax, 0x9006
    movl $0x9100, %ebx
    movl (%ebx), %eax           # 32-bit addresses
    movw %ax, 0x9008
    les 0x9110, %di
    movw %es, 0x900A
    movw %di, 0x900C
    movw %cs, 0x900E
    ret

    routine far
    lcall $REAL_PARAGRAPH + 1, $(2f - real_code - 16)
    movw %cs, 0x9002
    ret
2:  movw %cs, 0x9000
    movw %sp, 0x9004
    lret

    routine unreal
    movl $0x00200000, %ebx      # FS kept its 4 GiB through the switch
    movl $0xCAFE1234, %fs:(%ebx)
    movl %fs:(%ebx), %eax
    movl %eax, 0x9000
    movl %cr0, %eax             # again: protected for a moment, without a jump
    orl $1, %eax
    movl %eax, %cr0
    movw $0x10, %cx
    movw %cx, %gs
    andl $~1, %eax
    movl %eax, %cr0
    incl %gs:(%ebx)
    movl %gs:(%ebx), %eax
    movl %eax, 0x9004
    movw $0x0900, %cx           # a load in real mode changes the base only
    movw %cx, %gs
    movl $0x001F7000, %ebx
    movl %gs:(%ebx), %eax
    movl %eax, 0x9008
    ret

    routine status
    smsw %ax
    movw %ax, 0x9000
    pushf
    popw %ax
    andw $0x7002, %ax
    movw %ax, 0x9002
    pushw $0x7002               # IOPL and NT may be set in real mode
    popf
    pushf
    popw %ax
    andw $0x7002, %ax
    movw %ax, 0x9004
    pushw $0x0002
    popf
    movw $0x1111, %ax           # the operand size prefix widens
    movl $0x22223333, %eax
    pushl %eax
    popw 0x9006
    popw 0x9008
    ret

    routine strings
    movl $0x9200, %edi
    movl $0x9200, %esi
    movw $4, %cx
    movw $0x5555, %ax
    rep stosw
    movw %di, 0x9000
    movw %cx, 0x9002
    movw $0x9300, %di
    movl $4, %ecx
    addr32 rep movsb            # counts by ECX, addresses by ESI and EDI
    movw %cx, 0x9004
    ret
    .code32
real_code_end:
    .popsection
)");
#define ROUTINE(name) extern "C" const char real_##name[]
ROUTINE(interrupt);
ROUTINE(divide);
ROUTINE(undefined);
ROUTINE(segments);
ROUTINE(far);
ROUTINE(unreal);
ROUTINE(status);
ROUTINE(strings);

SNIPPET(back, "nop; ud2");

namespace {

constexpr uint32_t real_base = 0x8000, results = 0x9000;

void attempt(const char* label, const char* routine, unsigned words) {
    auto* const result = reinterpret_cast<volatile uint16_t*>(results);
    for (unsigned i = 0; i < words; ++i)
        result[i] = 0xEEEE;
    call_real(routine);
    pc::print(label);
    pc::print(':');
    for (unsigned i = 0; i < words; ++i) {
        pc::print(' ');
        pc::print_hex(result[i], 4);
    }
    pc::print('\n');
}

} // namespace

void run() {
    memcpy(reinterpret_cast<void*>(real_base), real_code, static_cast<unsigned>(real_code_end - real_code));
    set_segment(first_free, descriptor(real_base, 0xFFFF, code_access, byte_granular16));
    set_segment(first_free + 8, descriptor(0, 0xFFFF, data_access, byte_granular16));
    pc::out8(0x21, 0xFF);
    pc::out8(0xA1, 0xFF);
    *reinterpret_cast<volatile uint32_t*>(0x9110) = 0x56781234;
    attempt("interrupt", real_interrupt, 5);
    attempt("divide", real_divide, 1);
    attempt("undefined", real_undefined, 1);
    attempt("segments", real_segments, 8);
    attempt("far call", real_far, 3);
    attempt("unreal", real_unreal, 6);
    attempt("status", real_status, 5);
    attempt("strings", real_strings, 3);
    // Protected mode is whole again.
    print_outcome("back", watch(back));
}
