// Virtual-8086 mode (SDM vol. 3, chapter 20): which instructions fault at which IOPL, how interrupts leave
// the mode and what they push, the port bitmap, faults from inside, ways in and out; and a monitor that
// reflects INT n to the program's own vectors, as every operating system of the time had one. CR4.VME is
// clear. Every piece ends with INT 0x30, which at IOPL 0 is a #GP.
#include "tests/guest/runtime/capture.hpp"

using namespace guest;

// The 8086 code, copied to a paragraph below 1 MiB.
extern "C" const char code86[], code86_end[];
asm(R"(
    .pushsection .text
    .code16
code86:
    .macro piece name
    .globl piece_\name
    .balign 16
piece_\name:
    .endm
    piece cli
    cli
    int $0x30
    piece sti
    sti
    int $0x30
    piece pushf
    pushf
    popw %ax
    int $0x30
    piece popf
    pushw $0x3202
    popf
    pushf
    popw %ax
    int $0x30
    piece iret
    pushw $0x0202
    pushw %cs
    pushw $(1f - code86)
    iret
1:  int $0x30
    piece int
    int $0x21
    int $0x30
    piece int3
    int3
    int $0x30
    piece into
    movb $0x7F, %al
    addb $1, %al
    into
    int $0x30
    piece hlt
    hlt
    int $0x30
    piece in
    inb $0x80, %al
    int $0x30
    piece out
    outb %al, $0x80
    int $0x30
    piece ins
    movw $0x80, %dx
    movw $0x100, %di
    insb
    int $0x30
    piece lock
    lock incw 0x100
    int $0x30
    piece sldt
    sldt %ax
    int $0x30
    piece arpl
    .byte 0x63, 0xC0
    int $0x30
    piece lgdt
    lgdt 0x100
    int $0x30
    piece smsw
    smsw %ax
    int $0x30
    piece mov_cr0
    movl %cr0, %eax
    int $0x30
    piece clts
    clts
    int $0x30
    piece divide
    xorw %cx, %cx
    divw %cx
    int $0x30
    piece undefined
    ud2
    piece segments
    movw $0x1234, %ax
    movw %ax, %ds
    movw %ax, %fs
    movw $0xFFFF, %ax
    movw %ax, %es
    movw %es:0x20, %bx
    int $0x30
    piece far_call
    lcall $0x800, $(1f - code86)
    int $0x30
1:  movw %cs, %dx
    lret
    piece wide
    movl $0x12345678, %eax
    pushl %eax
    popl %ebx
    leal 1(%eax,%ebx), %ecx
    int $0x30
    piece program
    movw $0x1111, %ax
    int $0x21
    movw %ax, %bx
    sti
    pushf
    popw %cx
    cli
    pushf
    popw %dx
    int $0x22
    inb $0x80, %al
    outb %al, $0x80
    hlt
    piece handler21
    movw $0x2222, %ax
    iret
    piece handler22
    pushw $0x7777
    popw %si
    iret
    .code32
code86_end:
    .popsection
)");
#define PIECE(name) extern "C" const char piece_##name[]
PIECE(cli);
PIECE(sti);
PIECE(pushf);
PIECE(popf);
PIECE(iret);
PIECE(int);
PIECE(int3);
PIECE(into);
PIECE(hlt);
PIECE(in);
PIECE(out);
PIECE(ins);
PIECE(lock);
PIECE(sldt);
PIECE(arpl);
PIECE(lgdt);
PIECE(smsw);
PIECE(mov_cr0);
PIECE(clts);
PIECE(divide);
PIECE(undefined);
PIECE(segments);
PIECE(far_call);
PIECE(wide);
PIECE(program);
PIECE(handler21);
PIECE(handler22);

namespace {

constexpr uint32_t code_paragraph = 0x800, data_paragraph = 0x900, stack_paragraph = 0xA00;
constexpr uint16_t stack_top = 0x100;

struct Piece {
    const char* name;
    const char* code;
};
const Piece pieces[] = {
    {"cli", piece_cli},       {"sti", piece_sti},
    {"pushf", piece_pushf},   {"popf", piece_popf},
    {"iret", piece_iret},     {"int", piece_int},
    {"int3", piece_int3},     {"into", piece_into},
    {"hlt", piece_hlt},       {"in", piece_in},
    {"out", piece_out},       {"ins", piece_ins},
    {"lock", piece_lock},     {"sldt", piece_sldt},
    {"arpl", piece_arpl},     {"lgdt", piece_lgdt},
    {"smsw", piece_smsw},     {"mov cr0", piece_mov_cr0},
    {"clts", piece_clts},     {"divide", piece_divide},
    {"ud2", piece_undefined}, {"far call", piece_far_call},
    {"wide", piece_wide},
};

uint32_t offset_of(const char* code) {
    return static_cast<uint32_t>(code - code86);
}

Frame state(const char* code, uint32_t flags) {
    Frame frame{};
    frame.eip = offset_of(code);
    frame.cs = code_paragraph;
    frame.eflags = flag::always | flag::v86 | flags;
    frame.esp = stack_top;
    frame.ss = stack_paragraph;
    frame.v86_ds = frame.v86_es = frame.v86_fs = frame.v86_gs = data_paragraph;
    return frame;
}

void attempt(const char* label, const char* code, uint32_t flags) {
    const Outcome outcome = watch_frame(state(code, flags));
    pc::print(label);
    pc::print(": ");
    if (outcome.ended_by_exception)
        print_exception(outcome.frame);
    else
        pc::print("done");
    pc::print(" at +");
    pc::print_hex(outcome.frame.eip - offset_of(code), 2);
    pc::print(" sp ");
    pc::print_hex(outcome.frame.esp, 4);
    pc::print(" flags ");
    pc::print_hex(outcome.frame.eflags & (flag::v86 | flag::iopl | flag::interrupt | flag::nested), 5);
    pc::print('\n');
}

void all_pieces(uint32_t flags) {
    for (const Piece& piece : pieces)
        attempt(piece.name, piece.code, flags);
}

// What an interrupt from V86 mode leaves: the segments on the stack, null selectors in the registers.
void segments_pushed() {
    const Outcome outcome = watch_frame(state(piece_segments, flag::iopl));
    pc::print("pushed");
    for (const uint32_t value : {outcome.frame.cs, outcome.frame.ss, outcome.frame.v86_es,
                                 outcome.frame.v86_ds, outcome.frame.v86_fs, outcome.frame.v86_gs}) {
        pc::print(' ');
        pc::print_hex(value & 0xFFFF, 4);
    }
    pc::print(" registers");
    for (const uint32_t value : {outcome.frame.es, outcome.frame.ds, outcome.frame.fs, outcome.frame.gs}) {
        pc::print(' ');
        pc::print_hex(value & 0xFFFF, 4);
    }
    pc::print('\n');
    const Outcome wide = watch_frame(state(piece_wide, flag::iopl));
    pc::report("32-bit operands", wide.frame.ecx);
    const Outcome call = watch_frame(state(piece_far_call, flag::iopl));
    pc::report("far call to", call.frame.edx & 0xFFFF);
}

void port_bitmap() {
    main_tss.io_map = __builtin_offsetof(Tss, ports);
    memset(main_tss.ports, 0xFF, sizeof main_tss.ports);
    attempt("in, port denied, iopl 3", piece_in, flag::iopl);
    main_tss.ports[0x80 / 8] = 0xFE;
    attempt("in, port allowed, iopl 0", piece_in, 0);
    attempt("out, port allowed, iopl 0", piece_out, 0);
    attempt("ins, port allowed, iopl 0", piece_ins, 0);
    main_tss.io_map = sizeof main_tss;
}

// --- The monitor
// -----------------------------------------------------------------------------------------------

uint16_t& word86(uint32_t segment, uint32_t offset) {
    return *reinterpret_cast<uint16_t*>(((segment & 0xFFFF) << 4) + (offset & 0xFFFF));
}
void push86(Frame& frame, uint32_t value) {
    frame.esp = (frame.esp - 2) & 0xFFFF;
    word86(frame.ss, frame.esp) = static_cast<uint16_t>(value);
}
uint16_t pop86(Frame& frame) {
    const uint16_t value = word86(frame.ss, frame.esp);
    frame.esp = (frame.esp + 2) & 0xFFFF;
    return value;
}

uint32_t virtual_interrupts; // the program's IF
struct Vector {
    uint16_t offset, segment;
} vectors[256]; // the program's table

bool monitor(Frame& frame) {
    const auto* code = reinterpret_cast<const uint8_t*>(((frame.cs & 0xFFFF) << 4) + (frame.eip & 0xFFFF));
    const uint32_t image = (frame.eflags & 0x4FFF & ~uint32_t{flag::interrupt}) | virtual_interrupts;
    pc::print("monitor ");
    pc::print_hex(code[0], 2);
    pc::print(" error ");
    pc::print_hex(frame.error, 4);
    pc::print('\n');
    switch (code[0]) {
    case 0x9C: // PUSHF
        push86(frame, image);
        frame.eip += 1;
        return true;
    case 0xCD: // INT n
        push86(frame, image);
        push86(frame, frame.cs);
        push86(frame, frame.eip + 2);
        frame.cs = vectors[code[1]].segment;
        frame.eip = vectors[code[1]].offset;
        virtual_interrupts = 0;
        return true;
    case 0xCF: { // IRET
        frame.eip = pop86(frame);
        frame.cs = pop86(frame);
        const uint32_t flags = pop86(frame);
        virtual_interrupts = flags & flag::interrupt;
        frame.eflags = (frame.eflags & ~0xDD5u) | (flags & 0xDD5);
        return true;
    }
    case 0xE4: // IN AL, imm8
        frame.eax = (frame.eax & ~0xFFu) | 0x5A;
        frame.eip += 2;
        return true;
    case 0xE6: // OUT imm8, AL
        pc::report("out", frame.eax & 0xFF);
        frame.eip += 2;
        return true;
    case 0xFA: // CLI
    case 0xFB: // STI
        virtual_interrupts = code[0] == 0xFB ? uint32_t{flag::interrupt} : 0u;
        frame.eip += 1;
        return true;
    default:
        return false; // HLT: the end
    }
}

void monitored_program() {
    set_handler(vector::general_protection, monitor);
    vectors[0x21] = {static_cast<uint16_t>(offset_of(piece_handler21)), code_paragraph};
    vectors[0x22] = {static_cast<uint16_t>(offset_of(piece_handler22)), code_paragraph};
    const Outcome outcome = watch_frame(state(piece_program, 0));
    set_handler(vector::general_protection, nullptr);
    print_exception(outcome.frame);
    pc::print('\n');
    pc::report("ax", outcome.frame.eax & 0xFFFF);
    pc::report("bx", outcome.frame.ebx & 0xFFFF);
    pc::report("cx", outcome.frame.ecx & 0xFFFF);
    pc::report("dx", outcome.frame.edx & 0xFFFF);
    pc::report("si", outcome.frame.esi & 0xFFFF);
    pc::report("sp", outcome.frame.esp & 0xFFFF);
}

} // namespace

void run() {
    memcpy(reinterpret_cast<void*>(code_paragraph << 4), code86, static_cast<unsigned>(code86_end - code86));
    pc::out8(0x21, 0xFF);
    pc::out8(0xA1, 0xFF);
    gates[3] |= uint64_t{user_level} << 40;
    pc::print("iopl 3\n");
    all_pieces(flag::iopl);
    pc::print("iopl 0\n");
    all_pieces(0);
    segments_pushed();
    port_bitmap();
    monitored_program();
}
