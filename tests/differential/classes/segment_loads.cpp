// Segment registers, loaded in every way, and used afterwards (SDM vol. 3, 5.6 and 3.4).
#include "tests/differential/classes/classes.hpp"

namespace differential {
namespace {

void load_by_move(Builder& b, SegmentRegister to, uint16_t selector) {
    b.move(ecx, selector, 2);
    b.instruction(to == ss ? "mov_ss" : "mov_sreg");
    if (b.random.one_in(4))
        b.byte(0x66);
    b.byte(0x8E);
    b.registers(to, ecx);
}

void load_by_pop(Builder& b, SegmentRegister to, uint16_t selector) {
    const unsigned width = b.random.one_in(2) ? 2 : 4;
    b.instruction("push_imm");
    b.operand_size(width);
    b.byte(0x68);
    b.immediate(width, selector);
    b.instruction(to == ss ? "pop_ss" : "pop_sreg");
    b.operand_size(width);
    if (to >= fs)
        b.byte(0x0F);
    constexpr uint8_t opcodes[] = {0x07, 0, 0x17, 0x1F, 0xA1, 0xA9};
    b.byte(opcodes[to]);
}

void load_far_pointer(Builder& b, SegmentRegister to, uint16_t selector) {
    const uint32_t at = b.unused_data_offset(8);
    const unsigned width = b.random.one_in(2) ? 2 : 4;
    b.poke(at, to == ss ? at::stacks + 0x200 : b.any_value(), 4);
    b.poke(at + width, selector, 2);
    b.instruction(to == ss ? "lss" : "load_far_pointer");
    b.operand_size(width);
    constexpr uint8_t opcodes[] = {0xC4, 0, 0xB2, 0xC5, 0xB4, 0xB5};
    if (to != es && to != ds)
        b.byte(0x0F);
    b.byte(opcodes[to]);
    b.memory(to == ss ? esp : edx, at);
}

// A byte or a word through the register, read or written.
void use(Builder& b, SegmentRegister through) {
    const bool write = b.random.one_in(2);
    b.instruction(write ? "store" : "load");
    constexpr uint8_t prefixes[] = {0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65};
    b.byte(prefixes[through]);
    b.operand_size(4);
    b.byte(write ? 0x89 : 0x8B);
    b.memory(eax, b.random.one_in(3) ? b.random.pick({0x6FFCu, 0x6FFDu, 0x7FFEu, 0x8FFFu, 0x7000u})
                                     : b.data_offset());
}

} // namespace

void segment_loads(Builder& b) {
    b.begin_anywhere();
    for (unsigned own = 0, count = 1 + b.random.below(3); own < count; ++own) {
        const auto at = static_cast<uint16_t>(selector::own + 8 * b.random.below(3));
        b.poke_descriptor(at, b.random_segment());
    }
    for (unsigned done = 0, count = 1 + b.random.below(2); done < count; ++done) {
        // Without protection a new DS would make the next pointer come from anywhere.
        const auto to =
            b.protected_mode() ? b.random.pick({es, ss, ds, fs, gs}) : b.random.pick({es, ss, fs, gs});
        uint16_t selector = b.any_selector();
        if (b.protected_mode() && b.random.one_in(2))
            selector = static_cast<uint16_t>(selector::own + 8 * b.random.below(3) +
                                             (b.random.one_in(2) ? b.level() : b.random.below(4)));
        switch (b.random.below(3)) {
        case 0:
            load_by_move(b, to, selector);
            break;
        case 1:
            load_by_pop(b, to, selector);
            break;
        default:
            load_far_pointer(b, to, selector);
        }
        if (b.random.one_in(2))
            use(b, to);
    }
    b.invalid_opcode();
}

} // namespace differential
