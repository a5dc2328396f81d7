// Alignment checking at level 3: what each instruction asks for, and the accesses
// of level 3 that are not checked (SDM vol. 3, 6.15, interrupt 17, with table 6-7).
#include "tests/differential/classes/classes.hpp"

namespace differential {
namespace {

uint32_t operand_offset(Builder& b) {
    constexpr uint32_t room = 0x40;
    const uint32_t boundary = at::data + page_bytes;
    return boundary - room / 2 + b.random.below(room);
}

struct Form {
    const char* name;
    uint32_t escape; // 0x0F before the opcode, or 0
    uint32_t opcode, reg;
};
// All with a ModRM operand in memory.
constexpr Form forms[] = {
    {"load", 0, 0x8B, eax},         {"load_byte", 0, 0x8A, eax},
    {"store", 0, 0x89, ebx},        {"add_to_memory", 0, 0x01, ecx},
    {"cmp_memory", 0, 0x39, ecx},   {"xchg", 0, 0x87, edx},
    {"cmpxchg", 0x0F, 0xB1, ebx},   {"xadd", 0x0F, 0xC1, ebx},
    {"bts", 0x0F, 0xBA, 5},         {"cmpxchg8b", 0x0F, 0xC7, 1},
    {"bound", 0, 0x62, ebx},        {"les", 0, 0xC4, ebx},
    {"lss", 0x0F, 0xB2, ebx},       {"push_memory", 0, 0xFF, 6},
    {"pop_memory", 0, 0x8F, 0},     {"movzx16", 0x0F, 0xB7, ebx},
    {"mov_from_sreg", 0, 0x8C, ds}, {"mov_to_sreg", 0, 0x8E, fs},
    {"shld", 0x0F, 0xA5, ebx},      {"mul", 0, 0xF7, 4},
    {"jump_memory", 0, 0xFF, 4},    {"call_memory", 0, 0xFF, 2},
    {"verr", 0x0F, 0x00, 4},        {"sgdt", 0x0F, 0x01, 0},
};

void with_memory(Builder& b) {
    const Form& form = forms[b.random.below(std::size(forms))];
    const uint32_t at = operand_offset(b);
    if (form.opcode == 0xFF) // somewhere to go to
        b.poke(at, at::landing, 4);
    b.instruction(form.name);
    b.operand_size(b.random.one_in(3) ? 2 : 4);
    if (form.escape != 0)
        b.byte(form.escape);
    b.byte(form.opcode);
    b.memory(form.reg, at);
}

// A frame that RET, RETF and IRET find.
void put_frame(Builder& b, unsigned width) {
    const CaseRecord& s = b.result.state;
    const uint32_t top = s.general[esp] & 0xFFFF;
    b.poke(top, at::landing, width);
    b.poke(top + width, s.cs, width);
    b.poke(top + 2 * width, s.eflags, width);
}

void on_the_stack(Builder& b) {
    static constexpr struct {
        const char* name;
        uint32_t opcode;
    } all[] = {{"push_register", 0x53}, {"pop_register", 0x5B}, {"pusha", 0x60},        {"popa", 0x61},
               {"pushf", 0x9C},         {"leave", 0xC9},        {"push_segment", 0x1E}, {"retn", 0xC3},
               {"retf", 0xCB},          {"iret", 0xCF},         {"call_near", 0xE8}};
    const auto& chosen = all[b.random.below(std::size(all))];
    b.result.state.general[esp] -= 0x10 + b.random.below(8);
    b.result.state.general[ebp] = b.result.state.general[esp] + b.random.below(4); // for LEAVE
    const unsigned width = b.random.one_in(3) ? 2 : 4;
    put_frame(b, width);
    b.instruction(chosen.name);
    b.operand_size(width);
    b.byte(chosen.opcode);
    if (chosen.opcode == 0xE8)
        b.immediate(width, b.random.below(4));
}

void string(Builder& b) {
    b.result.state.general[esi] = operand_offset(b);
    b.result.state.general[edi] = operand_offset(b);
    b.result.state.general[ecx] = 1 + b.random.below(4);
    static constexpr struct {
        const char* name;
        uint32_t opcode;
    } all[] = {{"movs", 0xA5}, {"cmps", 0xA7}, {"stos", 0xAB}, {"lods", 0xAD}, {"scas", 0xAF}};
    const auto& chosen = all[b.random.below(std::size(all))];
    const bool repeated = b.random.one_in(2);
    b.instruction(chosen.name);
    if (repeated)
        b.byte(0xF3);
    b.operand_size(b.random.one_in(3) ? 2 : 4);
    b.byte(chosen.opcode);
}

// Tables, gates and inner stacks are accessed for the processor itself.
void implicit(Builder& b) {
    if (b.random.one_in(2)) {
        b.poke(at::tss_main + 4, at::stack0 + 0xE00 + b.random.below(4), 4);
        b.instruction("int3");
        b.byte(0xCC);
    } else {
        b.move(ecx, b.any_selector(), 2);
        b.instruction("mov_sreg");
        b.byte(0x8E);
        b.registers(fs, ecx);
    }
}

} // namespace

void alignment(Builder& b) {
    const Mode modes[] = {Mode::protected32, Mode::protected32, Mode::protected16, Mode::virtual_8086};
    const unsigned level = b.random.one_in(6) ? b.random.below(3) : 3;
    b.begin(modes[b.random.below(std::size(modes))], level, static_cast<Paging>(b.random.below(3)));
    CaseRecord& s = b.result.state;
    s.cr0 |= b.random.one_in(8) ? 0 : cr0::alignment_mask;
    s.eflags |= b.random.one_in(8) ? 0 : eflags::alignment_check;
    if (b.paging() != Paging::off && b.random.one_in(4))
        b.poke_page((at::data + page_bytes) / page_bytes, b.random.pick({1u, 2u, 4u}), 0);
    switch (b.random.below(8)) {
    case 0:
        string(b);
        break;
    case 1:
        implicit(b);
        break;
    case 2:
    case 3:
        on_the_stack(b);
        break;
    default:
        with_memory(b);
    }
    b.invalid_opcode();
}

} // namespace differential
