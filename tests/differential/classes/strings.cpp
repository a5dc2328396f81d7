// String instructions that meet a segment's limit, a page without rights or the end of 64 KiB in the middle
// (SDM vol. 1, 7.3.9; vol. 2, REP).
#include "tests/differential/classes/classes.hpp"

namespace differential {
namespace {

struct StringInstruction {
    const char* name;
    uint32_t opcode; // of the byte form
    bool compares;   // REPE and REPNE differ
};
constexpr StringInstruction instructions[] = {{"movs", 0xA4, false},
                                              {"cmps", 0xA6, true},
                                              {"stos", 0xAA, false},
                                              {"lods", 0xAC, false},
                                              {"scas", 0xAE, true}};

uint32_t pointer(Builder& b) {
    if (b.random.one_in(10)) {
        b.feature("pointer:wraps");
        return 0xFFFF -
               b.random.below(8); // with 16-bit addresses it wraps, with 32-bit ones it passes the limit
    }
    return at::data + page_bytes * (1 + b.random.below(2)) - 0x20 + b.random.below(0x40);
}

} // namespace

void strings(Builder& b) {
    b.begin_anywhere();
    CaseRecord& s = b.result.state;
    const uint32_t upper =
        !b.code32() && b.random.one_in(2) ? b.random.word() & 0xFFFF'0000 : 0; // must not matter
    s.general[esi] = pointer(b) | upper;
    s.general[edi] = pointer(b) | upper;
    s.general[ecx] = b.random.below(12) | upper;
    if (b.random.one_in(2))
        s.eflags |= eflags::direction;
    s.eflags |= b.random.one_in(3) ? eflags::iopl : 0;
    if (b.protected_mode() && b.random.one_in(2)) { // a limit in the middle
        b.feature("segment:limited");
        const uint32_t boundary = at::data + page_bytes * (1 + b.random.below(2));
        const bool down = b.random.one_in(4);
        const uint64_t segment = segment_descriptor(
            (down ? descriptor::data_down : b.random.pick({descriptor::data, descriptor::data_read_only})) |
                descriptor::accessed,
            3, arena, boundary - 1 + b.random.below(4), descriptor::big);
        b.poke_descriptor(selector::own, segment);
        const uint32_t selector = selector::own | b.level();
        if (b.random.one_in(2))
            s.ds = b.result.plain.ds = selector;
        else
            s.es = b.result.plain.es = selector;
    }
    if (b.paging() != Paging::off && b.random.one_in(2)) {
        b.feature("pte:varied");
        const uint32_t page = at::data / page_bytes + 1 + b.random.below(2);
        b.poke_page(page, b.random.pick({1u, 2u, 4u}), 0);
    }
    const StringInstruction& instruction = b.random.pick_from(instructions);
    const unsigned width = b.random.pick({1u, 2u, 4u});
    b.instruction(instruction.name);
    switch (b.random.below(4)) {
    case 0:
        break;
    case 1:
        b.byte(0xF2);
        b.feature("prefix:repne");
        break;
    default:
        b.byte(0xF3);
        b.feature("prefix:rep");
    }
    if (b.random.one_in(4))
        b.byte(b.random.pick({0x26u, 0x3Eu, 0x64u, 0x65u}));
    if (width != 1)
        b.operand_size(width);
    b.byte(instruction.opcode | (width == 1 ? 0 : 1));
    if (instruction.compares) { // a flag decides visibly
        b.instruction("setz");
        b.bytes({0x0F, 0x94});
        b.registers(0, eax);
    }
    b.invalid_opcode();
}

} // namespace differential
