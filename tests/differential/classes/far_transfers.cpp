// Far jumps, calls and returns: direct, through call gates, to conforming code, within and between levels
// (SDM vol. 3, 5.8).
#include "tests/differential/classes/classes.hpp"

namespace differential {
namespace {

uint16_t with_rpl(Builder& b, uint16_t selector) {
    return static_cast<uint16_t>((selector & ~3u) | (b.random.one_in(3) ? b.random.below(4) : b.level()));
}

uint16_t code_selector(Builder& b) {
    const unsigned level = b.random.one_in(3) ? b.random.below(4) : b.level();
    switch (b.random.below(6)) {
    case 0:
        return selector::conforming(level);
    case 1:
        return static_cast<uint16_t>(selector::in_ldt | (32 + 8 * level) | level);
    case 2:
        return b.any_selector();
    case 3:
        return selector::code16(level);
    default:
        return selector::code32(level);
    }
}

uint32_t landing_offset(Builder& b) {
    if (!b.random.one_in(8))
        return at::landing + b.random.below(0x80);
    b.feature("offset:unusual");
    return b.random.pick({0x4000u, 0xFFFFu, 0x1'0000u});
}

// A call gate in one of the case's own descriptors.
uint16_t place_gate(Builder& b) {
    const auto at = static_cast<uint16_t>(selector::own + 8 * b.random.below(4));
    const bool wide = b.random.one_in(2);
    b.feature(wide ? "gate:call32" : "gate:call16");
    const unsigned parameters = b.random.one_in(2) ? 0 : b.random.below(32);
    uint64_t descriptor = gate(wide ? descriptor::call_gate_32 : descriptor::call_gate_16,
                               b.random.one_in(3) ? b.random.below(4) : 3, code_selector(b),
                               landing_offset(b), parameters, !b.random.one_in(8));
    b.poke_descriptor(at, descriptor);
    // Neither the template's code and data segments nor its LDT: conforming code, or the case's own descriptor.
    const auto target = static_cast<uint16_t>(descriptor >> 16);
    if ((target & selector::in_ldt) == 0 && target >= selector::conforming(0))
        b.feature("gate:unusual_target");
    return with_rpl(b, at);
}

void put_far_target(Builder& b, uint16_t selector, uint32_t offset, unsigned width) {
    b.immediate(width, offset);
    b.immediate(2, selector);
}

void jump_or_call(Builder& b) {
    const bool call = b.random.one_in(2);
    const uint16_t selector = b.protected_mode()
                                  ? (b.random.one_in(2) ? place_gate(b) : with_rpl(b, code_selector(b)))
                                  : static_cast<uint16_t>((arena >> 4) + b.random.below(2) * 0x10);
    const unsigned width = b.random.one_in(2) ? 2 : 4;
    const uint32_t offset = b.protected_mode() ? landing_offset(b) : at::landing + b.random.below(0x80);
    b.instruction(call ? "call_far" : "jmp_far");
    b.operand_size(width);
    if (b.random.one_in(2)) {
        b.byte(call ? 0x9A : 0xEA);
        put_far_target(b, selector, offset, width);
        return;
    }
    const uint32_t at = b.data_offset(8);
    b.byte(0xFF);
    b.memory(call ? 3 : 5, at);
    b.poke(at, offset, width);
    b.poke(at + width, selector, 2);
}

void push(Builder& b, uint32_t value, unsigned width) {
    b.instruction("push_imm");
    b.operand_size(width);
    b.byte(0x68);
    b.immediate(width, value);
}

// RETF with a frame of the case's own making.
void far_return(Builder& b) {
    const unsigned width = b.random.one_in(2) ? 2 : 4;
    const unsigned outer = b.random.one_in(4) ? b.random.below(4) : b.level() + b.random.below(4 - b.level());
    uint16_t code = b.random.one_in(4)
                        ? code_selector(b)
                        : (b.random.one_in(3) ? selector::code16(outer) : selector::code32(outer));
    if (b.random.one_in(8))
        code = static_cast<uint16_t>(selector::conforming(b.random.below(outer + 1)) | outer);
    if (!b.protected_mode())
        code = arena >> 4;
    if (b.protected_mode()) {
        push(b, b.random.one_in(5) ? b.any_selector() : selector::data32(outer), width);
        push(b, at::stacks + 0xF00, width);
    }
    push(b, code, width);
    push(b, b.protected_mode() ? landing_offset(b) : at::landing, width);
    b.instruction("retf");
    b.operand_size(width);
    if (b.random.one_in(3)) {
        b.byte(0xCA);
        b.immediate(2, b.random.below(4) * 2);
    } else {
        b.byte(0xCB);
    }
}

} // namespace

void far_transfers(Builder& b) {
    b.begin_anywhere();
    if (b.protected_mode()) {
        if (b.random.one_in(2))
            b.vary_inner_stack();
        if (b.random.one_in(3))
            b.poke_descriptor(static_cast<uint16_t>(selector::own + 8 * b.random.below(4)),
                              b.random_segment());
        // Data segments that an outer level may not keep (SDM vol. 3, 5.8.6).
        if (b.random.one_in(3)) {
            b.move(ecx, selector::data32(b.level()), 2);
            b.instruction("mov_sreg");
            b.byte(0x8E);
            b.registers(b.random.pick({es, fs, gs, ds}), ecx);
        }
    }
    if (b.random.one_in(3))
        far_return(b);
    else
        jump_or_call(b);
    b.invalid_opcode();
}

} // namespace differential
