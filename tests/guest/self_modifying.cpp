// Code that writes code: the next instruction, the same line, the line behind a branch, another page,
// through another linear address, in the middle of a loop and of a string instruction; code in data that
// moves. IA-32 processors notice stores to code at their own linear address at once; through an alias only
// after a serialising instruction or a jump far enough is anything guaranteed, so CPUID stands there (SDM
// vol. 3, 8.1.3).
#include "tests/guest/runtime/capture.hpp"
#include "tests/guest/runtime/paging.hpp"

using namespace guest;
using namespace guest::paging;

extern "C" {
alignas(4096) uint8_t self_modifying_pages[2][4096];
uint32_t modify_next();
uint32_t modify_same_line();
uint32_t modify_behind_jump();
uint32_t modify_immediate_in_loop();
uint32_t modify_opcode_in_loop();
uint32_t modify_own_second_byte();
uint32_t modify_by_string();
uint32_t modify_by_push();
uint32_t modify_locked();
uint32_t modify_by_fpu();
uint32_t modify_by_mmx();
uint32_t modify_called();
}
asm(R"(
    .pushsection .text
modify_next:    # the immediate of the instruction that follows
    movb $0x22, 1f + 1
1:  movl $0x11, %eax
    ret
    .balign 32
modify_same_line:    # two instructions later
    movb $0x22, 1f + 1
    nop
    nop
1:  movl $0x11, %eax
    ret
    .balign 32
modify_behind_jump:
    movb $0x22, 1f + 1
    jmp 1f
    .skip 64, 0x90
1:  movl $0x11, %eax
    ret
modify_immediate_in_loop:    # sums 1, 2, 3, ... 10
    xorl %eax, %eax
    movl $10, %ecx
1:  addl $1, %eax
    incb 1b + 2
    loop 1b
    movb $1, 1b + 2
    ret
modify_opcode_in_loop:    # INC EAX becomes DEC EAX and back
    xorl %eax, %eax
    movl $9, %ecx
1:  incl %eax
    xorb $8, 1b
    shll $1, %eax
    loop 1b
    movb $0x40, 1b
    ret
modify_own_second_byte:    # a store into the instruction that stores: it has been fetched already
    movl $0x22, %ecx
1:  movb %cl, 2f - 1
    nop
2:  movl $0x11, %eax
    cmpb $0x22, 2b - 1
    movb $0x90, 2b - 1
    sete %al
    movzbl %al, %eax
    ret
modify_by_string:    # copies eleven bytes of code over those that follow
    movl $3f, %esi
    movl $2f, %edi
    movl $6, %ecx
    rep movsb
2:  movl $0x11, %eax
    ret
3:  movl $0x33, %eax
    ret
modify_by_push:
    movl %esp, %edx
    movl $1f + 5, %esp
    pushl $0x44
    movl %edx, %esp
1:  movl $0x11, %eax
    ret
modify_locked:
    lock addl $0x55, 1f + 1
1:  movl $0x11, %eax
    subl $0x55, 1b + 1
    ret
modify_by_fpu:
    movl $0x66, self_modifying_value
    fninit
    fildl self_modifying_value
    fistpl 1f + 1
1:  movl $0x11, %eax
    movl $0x11, 1b + 1
    ret
    .balign 32
modify_by_mmx:    # all of eight bytes: INC ECX; MOV EAX, 77H; INC ECX; NOP
    xorl %ecx, %ecx
    movq self_modifying_bytes, %mm0
    movq %mm0, 1f
    emms
1:  nop
    movl $0x11, %eax
    nop
    nop
    addl %ecx, %eax
    ret
modify_called:    # a procedure is written, called, rewritten and called again
    movl $0xC340C031, self_modifying_pages    # XOR EAX, EAX; INC EAX; RET
    call self_modifying_pages
    movl %eax, %ecx
    movl $0xC348C031, self_modifying_pages    # XOR EAX, EAX; DEC EAX; RET
    call self_modifying_pages
    subl %eax, %ecx
    movl %ecx, %eax
    ret
    .popsection
    .pushsection .bss
self_modifying_value:
    .skip 4
    .popsection
    .pushsection .data
self_modifying_bytes:
    .byte 0x41, 0xB8, 0x77, 0, 0, 0, 0x41, 0x90
    .popsection
)");

namespace {

using Function = uint32_t (*)();

void serialise() {
    uint32_t leaf = 0;
    asm volatile("cpuid" : "+a"(leaf) : : "ebx", "ecx", "edx", "memory");
}

// MOV EAX, value; RET
void write_function(volatile uint8_t* where, uint32_t value) {
    where[0] = 0xB8;
    for (unsigned i = 0; i < 4; ++i)
        where[1 + i] = static_cast<uint8_t>(value >> 8 * i);
    where[5] = 0xC3;
}
uint32_t call(uint32_t linear) {
    return reinterpret_cast<Function>(linear)();
}

void twice(const char* label, Function function) {
    pc::print(label);
    pc::print(' ');
    pc::print_hex(function());
    pc::print(' ');
    pc::print_hex(function());
    pc::print('\n');
}

void aliases() {
    map(0, address(self_modifying_pages[0]) | all_rights);
    map(1, address(self_modifying_pages[0]) | all_rights);
    map(2, address(self_modifying_pages[1]) | all_rights);
    auto* const here = self_modifying_pages[0];
    for (uint32_t value = 1; value <= 3; ++value) {
        write_function(here + 0x100, value);
        serialise();
        pc::report("through the window", call(window + 0x100));
        pc::report("through the other page", call(window + page_bytes + 0x100));
    }
    write_function(reinterpret_cast<uint8_t*>(window + 0x100), 4);
    serialise();
    pc::report("written through the window", call(window + page_bytes + 0x100));
    pc::report("seen one to one", call(address(*here) + 0x100));
    // An instruction over a page's end, of which either half changes.
    const uint32_t crossing = window + 2 * page_bytes - 3;
    write_function(reinterpret_cast<uint8_t*>(crossing), 0x11111111);
    pc::report("crossing", call(crossing));
    self_modifying_pages[1][0] = 0x22;
    serialise();
    pc::report("second half changed", call(crossing));
    self_modifying_pages[0][4094] = 0x33;
    serialise();
    pc::report("first half changed", call(crossing));
    // The same linear address, another frame: the code there counts, whatever was decoded before.
    write_function(self_modifying_pages[0] + 0x200, 0x55);
    write_function(self_modifying_pages[1] + 0x200, 0x66);
    pc::report("first frame", call(window + 0x200));
    map(0, address(self_modifying_pages[1]) | all_rights);
    pc::report("second frame", call(window + 0x200));
    map(0, address(self_modifying_pages[0]) | all_rights);
    pc::report("first frame again", call(window + 0x200));
}

// Functions of 16 bytes, copied by a string instruction through the window, called where they are one to one.
void copied_by_strings() {
    constexpr unsigned functions = 32, bytes = 16;
    static uint8_t bodies[functions * bytes];
    uint32_t bias = 0;
    const auto fill = [&] {
        bias += 0x1000;
        for (unsigned i = 0; i < functions; ++i)
            write_function(bodies + i * bytes, bias + i);
    };
    const auto call_all = [](const char* label, uint32_t first) {
        serialise();
        uint32_t sum = 0;
        for (unsigned i = 0; i < functions; ++i)
            sum += call(first + i * bytes);
        pc::report(label, sum);
    };
    // The last 256 bytes of one page, the first of the next.
    const uint32_t through_window = window + 2 * page_bytes - sizeof bodies / 2;
    const uint32_t here = address(self_modifying_pages) + page_bytes - sizeof bodies / 2;
    for (unsigned round = 0; round < 2; ++round) {
        fill();
        uint32_t from = address(bodies), to = through_window, count = sizeof bodies / 4;
        asm volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
        call_all("copied upwards", here);
        fill();
        from = address(bodies) + sizeof bodies - 1;
        to = through_window + sizeof bodies - 1;
        count = sizeof bodies;
        asm volatile("std\n\trep movsb\n\tcld" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
        call_all("copied downwards", here);
        // The immediates only, one store each.
        for (unsigned i = 0; i < functions; ++i) {
            to = through_window + i * bytes + 1;
            asm volatile("stosl" : "+D"(to) : "a"(0x100 * round + i) : "memory");
        }
        call_all("stored one by one", here);
    }
    // As many bytes of code as two pages hold, over code that has run.
    uint32_t to = window + page_bytes, count = 2 * page_bytes / 4;
    asm volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(0xC3434043) : "memory"); // INC EBX, EAX, EBX; RET
    serialise();
    uint32_t eax = 1, ebx = 2;
    asm volatile("call *%2" : "+a"(eax), "+b"(ebx) : "r"(here + 4 * bytes) : "memory");
    pc::report("filled", eax << 16 | ebx);
}

// The same bytes as 32-bit and as 16-bit code: B8 imm.
void code_size() {
    constexpr uint16_t code16 = first_free;
    const auto base = address(self_modifying_pages[1]);
    set_segment(code16, descriptor(base, 0xFFFF, code_access, byte_granular16));
    static const uint8_t bytes[] = {0xB8, 0x34, 0x12, 0x90,
                                    0x90, 0x66, 0xCB}; // MOV AX/EAX; LRET (32-bit in 16)
    memcpy(self_modifying_pages[1], bytes, sizeof bytes);
    uint32_t value;
    asm volatile("xorl %%eax, %%eax\n\tlcall %1, $0" : "=&a"(value) : "i"(code16) : "memory");
    pc::report("as 16-bit code", value);
    self_modifying_pages[1][5] = 0xCB; // LRET at once
    asm volatile("xorl %%eax, %%eax\n\tpushl %%cs\n\tcall *%1" : "=&a"(value) : "r"(base) : "memory");
    pc::report("as 32-bit code", value);
}

} // namespace

void run() {
    twice("next instruction", modify_next);
    twice("same line", modify_same_line);
    twice("behind a jump", modify_behind_jump);
    twice("immediate in a loop", modify_immediate_in_loop);
    twice("opcode in a loop", modify_opcode_in_loop);
    twice("just before", modify_own_second_byte);
    twice("by a string instruction", modify_by_string);
    twice("by a push", modify_by_push);
    twice("locked", modify_locked);
    twice("by the floating-point unit", modify_by_fpu);
    twice("by an mmx instruction", modify_by_mmx);
    twice("procedure", modify_called);
    switch_on();
    twice("next instruction, paged", modify_next);
    aliases();
    copied_by_strings();
    code_size();
}
