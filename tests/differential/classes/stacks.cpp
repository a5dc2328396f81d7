// Stack instructions with 16- and 32-bit stacks, short and expand-down segments, and at the ends of the stack
// (SDM vol. 1, 6.2 and 6.5; vol. 2).
#include "tests/differential/classes/classes.hpp"

namespace differential {
namespace {

void simple(Builder& b, const char* name, std::initializer_list<uint32_t> bytes) {
    b.instruction(name);
    if (b.random.one_in(3))
        b.byte(0x66);
    b.bytes(bytes);
}

// `delivers`: exceptions are delivered on this stack, so it must not go into the tables.
void one(Builder& b, bool delivers) {
    const Register any = b.random.pick({eax, ecx, edx, ebx, esp, ebp, esi, edi});
    const Register popped = delivers ? b.random.pick({eax, ecx, edx, ebx, esi, edi}) : any;
    switch (b.random.below(16)) {
    case 0:
        return simple(b, "push_register", {0x50u + any});
    case 1:
        return simple(b, popped == esp || popped == ebp ? "pop_stack_register" : "pop_register",
                      {0x58u + popped});
    case 2:
        return simple(b, "pusha", {0x60});
    case 3:
        return simple(b, "popa", {0x61});
    case 4:
        return simple(b, "pushf", {0x9C});
    case 5: { // only what cannot disturb: no TF, NT, IOPL surprises that other classes are about
        b.instruction("push_byte");
        b.bytes({0x6A, b.random.word() & 0x7F});
        simple(b, "popf", {0x9D});
        return;
    }
    case 6:
        return simple(b, "push_segment", {b.random.pick({0x06u, 0x0Eu, 0x16u, 0x1Eu})});
    case 7:
        return simple(b, "push_fs_gs", {0x0F, b.random.pick({0xA0u, 0xA8u})});
    case 8:
    case 9: {
        b.instruction("enter");
        if (b.random.one_in(3))
            b.byte(0x66);
        b.byte(0xC8);
        b.immediate(2, b.random.below(b.random.one_in(4) ? 0x200 : 0x40)); // more would leave the stacks
        b.byte(b.random.one_in(2) ? b.random.below(4) : b.random.below(64));
        return;
    }
    case 10:
        if (delivers && b.result.has("instr:popa")) // EBP is anything
            return;
        return simple(b, "leave", {0xC9});
    case 11: {
        b.instruction("push_memory");
        b.operand_size(b.random.one_in(2) ? 2 : 4);
        b.byte(0xFF);
        b.memory(6, b.data_offset());
        return;
    }
    case 12: {
        b.instruction("pop_memory");
        b.operand_size(b.random.one_in(2) ? 2 : 4);
        b.byte(0x8F);
        b.memory(0, b.data_offset());
        return;
    }
    case 13: // over nothing
        b.instruction("call_near");
        b.byte(0xE8);
        b.immediate(b.code32() ? 4 : 2, 0);
        return;
    case 14: {
        b.instruction("push_imm");
        b.operand_size(b.random.one_in(2) ? 2 : 4);
        const bool wide = (b.result.code.back().bytes.size() == 1) != b.code32();
        b.byte(0x68);
        b.immediate(wide ? 4 : 2, at::landing);
        b.instruction("ret");
        b.byte(0xC3);
        return;
    }
    default:
        b.instruction("push_byte");
        b.bytes({0x6A, b.random.word()});
    }
}

} // namespace

void stacks(Builder& b) {
    b.begin_anywhere();
    CaseRecord& s = b.result.state;
    const bool delivers = b.level() == 0; // in real mode, too
    s.general[ebp] =
        (delivers && b.protected_mode() ? at::stack0 : at::stacks) + 0xC00 + b.random.below(0x200);
    if (!delivers && b.random.one_in(2)) {
        b.feature("stack:edge");
        if (b.protected_mode()) {
            const bool wide = b.random.one_in(2);
            s.ss = b.result.plain.ss = selector::own | b.level();
            b.poke_descriptor(selector::own, b.small_stack_segment(b.level(), 0xFFFF, wide));
        } else {
            s.ss = b.result.plain.ss = (arena + at::stacks) >> 4;
        }
        s.general[esp] =
            b.random.pick({0u, 1u, 2u, 3u, 4u, 6u, 8u, 0x10u, 0xFFFFu, 0xFFFEu, 0xFFFDu, 0xFFFCu, 0x1'0000u});
    }
    if (b.protected_mode() && b.level() != 0 && !b.result.has("stack:edge") && b.random.one_in(2)) {
        b.feature("segment:limited");
        const bool down = b.random.one_in(2);
        const bool wide = b.random.one_in(2);
        const uint32_t middle = at::stacks + 0xE00;
        s.ss = b.result.plain.ss = selector::own | b.level();
        b.poke_descriptor(
            selector::own,
            segment_descriptor((down ? descriptor::data_down : descriptor::data) | descriptor::accessed,
                               b.level(), arena, middle - 1 + b.random.below(8), wide ? descriptor::big : 0));
        s.general[esp] = middle - 0x10 + b.random.below(0x28);
        s.general[ebp] = middle - 0x10 + b.random.below(0x28);
    }
    for (unsigned done = 0, count = 1 + b.random.below(4); done < count; ++done)
        one(b, delivers);
    b.invalid_opcode();
}

} // namespace differential
