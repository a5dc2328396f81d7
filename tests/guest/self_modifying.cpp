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
    twice("procedure", modify_called);
    switch_on();
    twice("next instruction, paged", modify_next);
    aliases();
    code_size();
}
