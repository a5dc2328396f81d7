// Task switches by JMP, CALL, INT and IRET, through TSS descriptors and task gates, 16- and 32-bit, and faults in
// the new task's context (SDM vol. 3, 7.2-7.4).
#include "tests/differential/classes/classes.hpp"

namespace differential {
namespace {

constexpr uint16_t task_selectors[] = {selector::tss_32, selector::tss_16, selector::tss_32b,
                                       selector::tss_16b};

uint32_t tss_of(uint16_t selector) {
    switch (selector) {
    case selector::tss_32:
        return at::tss_32;
    case selector::tss_16:
        return at::tss_16;
    case selector::tss_32b:
        return at::tss_32b;
    default:
        return at::tss_16b;
    }
}
bool is_32(uint16_t selector) {
    return selector == selector::tss_32 || selector == selector::tss_32b;
}

// Something in the new TSS or its descriptor that is wrong or unusual.
void vary_task(Builder& b, uint16_t selector) {
    if (b.random.one_in(3))
        return;
    const uint32_t tss = tss_of(selector);
    switch (b.random.below(6)) {
    case 0: { // a segment register
        b.feature("task:segment");
        const unsigned which = b.random.below(is_32(selector) ? 6 : 4);
        const uint16_t loaded = b.any_selector();
        if (which == cs && selector::is_conforming(loaded))
            b.feature("task:conforming_code");
        b.poke(tss + (is_32(selector) ? 72 + 4 * which : 34 + 2 * which), loaded, 2);
        return;
    }
    case 1:
        b.feature("task:ldt");
        b.poke(tss + (is_32(selector) ? 96 : 42), b.random.one_in(2) ? selector::ldt : b.any_selector(), 2);
        return;
    case 2: { // EFLAGS; TF goes into the debug class
        b.feature("task:flags");
        uint32_t flags =
            eflags::always | (b.random.word() & (eflags::arithmetic | eflags::iopl | eflags::nested_task |
                                                 eflags::resume | eflags::alignment_check));
        if (is_32(selector) && b.random.one_in(4)) {
            b.feature("task:v86");
            flags |= eflags::virtual_8086;
            for (unsigned which = 0; which < 6; ++which)
                b.poke(tss + 72 + 4 * which, arena >> 4, 2);
        }
        b.poke(tss + (is_32(selector) ? 36 : 16), flags, is_32(selector) ? 4 : 2);
        return;
    }
    case 3: { // the descriptor
        b.feature("task:descriptor");
        const uint32_t type = is_32(selector) ? descriptor::tss_32 : descriptor::tss_16;
        const uint32_t limit = (is_32(selector) ? 0x67 : 0x2B) - b.random.below(3);
        b.poke_descriptor(selector,
                          segment_descriptor(type | (b.random.one_in(3) ? descriptor::busy : 0),
                                             b.random.below(4), arena + tss, limit, 0, !b.random.one_in(4)));
        return;
    }
    case 4:
        b.feature("task:pointer");
        if (is_32(selector))
            b.poke(tss + 32, b.random.pick({0x1'0000u, at::code, at::second_code}));
        else
            b.poke(tss + 14, b.random.pick({at::code, at::second_code}), 2);
        return;
    default:
        if (is_32(selector)) { // debug trap
            b.feature("task:trap");
            b.poke(tss + 100, 0x68 << 16 | 1);
        }
    }
}

uint16_t target(Builder& b) {
    const uint16_t selector = b.random.pick_from(task_selectors);
    vary_task(b, selector);
    b.feature(is_32(selector) ? "task:32" : "task:16");
    return selector;
}

uint16_t place_task_gate(Builder& b, uint16_t selector) {
    b.feature("gate:task");
    if (b.random.one_in(10))
        selector = b.any_selector();
    const auto at = static_cast<uint16_t>(selector::own + 8 * b.random.below(2));
    b.poke_descriptor(at, gate(descriptor::task_gate, b.random.one_in(3) ? b.random.below(4) : 3, selector, 0,
                               0, !b.random.one_in(8)));
    return static_cast<uint16_t>(at | b.level());
}

void far_transfer(Builder& b, uint16_t selector) {
    const bool call = b.random.one_in(2);
    b.instruction(call ? "call_far" : "jmp_far");
    b.operand_size(b.code32() ? 4 : 2);
    b.byte(call ? 0x9A : 0xEA);
    b.immediate(b.code32() ? 4 : 2, 0);
    b.immediate(2, selector);
}

void return_by_link(Builder& b, uint16_t selector) {
    b.feature("task:return");
    b.poke(at::tss_main, selector, 2);
    const uint32_t type = (is_32(selector) ? descriptor::tss_32 : descriptor::tss_16) |
                          (b.random.one_in(6) ? 0 : descriptor::busy);
    b.poke_descriptor(
        selector, segment_descriptor(type, 0, arena + tss_of(selector), is_32(selector) ? 0x67 : 0x2B, 0));
    b.result.state.eflags |= eflags::nested_task;
    b.instruction("iret");
    b.byte(0xCF);
}

} // namespace

void tasks(Builder& b) {
    b.begin(b.random.one_in(2) ? Mode::protected32
                               : (b.random.one_in(3) ? Mode::virtual_8086 : Mode::protected16),
            b.random.one_in(2) ? 0 : b.random.below(4), static_cast<Paging>(b.random.below(3)));
    const uint16_t selector = target(b);
    // What the new task does first: it ends the case, or goes back. IRET of an 8086 task would pop what is on its stack.
    if (b.random.one_in(3) && !b.result.has("task:v86")) {
        b.feature("task:goes_back");
        for (const uint32_t at : {0x100u, 0x200u, 0x300u, 0x400u})
            b.poke(at::landing + at, 0x06CF, 2); // IRET
    }
    switch (b.mode() == Mode::virtual_8086 ? 3 : b.random.below(4)) {
    case 0:
        far_transfer(b, selector);
        break;
    case 1:
        far_transfer(b, place_task_gate(b, selector));
        break;
    case 2:
        return_by_link(b, selector);
        break;
    default: {
        b.feature("gate:task");
        b.result.state.eflags |= eflags::iopl;
        constexpr unsigned vector = 0x30;
        b.poke_gate(vector,
                    gate(descriptor::task_gate, b.random.one_in(4) ? b.random.below(4) : 3,
                         b.random.one_in(10) ? b.any_selector() : selector, 0, 0, !b.random.one_in(8)));
        b.instruction("int_n");
        b.bytes({0xCD, vector});
    }
    }
    b.invalid_opcode();
}

} // namespace differential
