// Software interrupts and exceptions through gates of every kind (SDM vol. 3, 6.11-6.12), and IRET.
#include "tests/differential/classes/classes.hpp"

namespace differential {
namespace {

constexpr unsigned free_vector = 0x30; // nothing of the driver's depends on these 16

constexpr unsigned breakpoint_vector = 3;
// Beyond the limit of 64 KiB segments, or with 16 bits as far as possible: what begins there reaches over it.
constexpr uint32_t beyond_32 = 0x1'0000, beyond_16 = 0xFFFF;
constexpr uint32_t handlers = at::landing, handlers_bytes = 0x80, longest_handler_bytes = 4;

uint16_t handler_code(Builder& b, unsigned vector) {
    const unsigned level = b.random.one_in(2) ? 0 : b.random.below(4);
    switch (b.random.below(8)) {
    case 0:
        return selector::conforming(level);
    case 1: // not for INT3: what is elsewhere is INT3 again
        return vector == breakpoint_vector ? selector::code32(level) : b.any_selector();
    case 2:
        return selector::code16(level);
    case 3:
        return static_cast<uint16_t>(selector::code32(level) & ~3u); // RPL does not matter
    default:
        return selector::code32(level);
    }
}

// Sends a vector somewhere else.
void place_gate(Builder& b, unsigned vector) {
    static constexpr struct {
        uint32_t type;
        const char* feature;
    } kinds[] = {{descriptor::interrupt_gate_32, "gate:int32"},
                 {descriptor::trap_gate_32, "gate:trap32"},
                 {descriptor::interrupt_gate_16, "gate:int16"},
                 {descriptor::trap_gate_16, "gate:trap16"}};
    const auto& kind = b.random.pick_from(kinds);
    uint32_t type = kind.type;
    if (b.random.one_in(16))
        type = b.random.below(16); // whatever it means in an IDT
    else
        b.feature(kind.feature);
    if (type == descriptor::task_gate)
        type = descriptor::interrupt_gate_32; // tasks have a class of their own
    const bool unusual = vector != breakpoint_vector && b.random.one_in(10);
    constexpr uint32_t wide_gate = 8; // of the type: an offset of 32 bits
    const uint32_t beyond = (type & wide_gate) != 0 ? beyond_32 : beyond_16;
    const uint32_t offset = unusual ? beyond : handlers + b.random.below(handlers_bytes);
    if (unusual)
        b.feature("offset:unusual");
    b.poke_gate(vector, gate(type, b.random.one_in(3) ? b.random.below(4) : 3, handler_code(b, vector),
                             offset, 0, !b.random.one_in(10)));
}

void fill_handlers(Builder& b, uint32_t first_choice, uint32_t second_choice) {
    for (uint32_t at = handlers; at < handlers + handlers_bytes + longest_handler_bytes; at += 4)
        b.poke(at, b.random.one_in(2) ? first_choice : second_choice);
}

// What the handler does; by default it ends the case.
void vary_handler(Builder& b, unsigned vector) {
    if (b.random.one_in(2)) {
        b.feature("handler:iret");
        fill_handlers(b, 0xCFCF'CFCF, 0xCF66'CF66);
    } else if (vector == breakpoint_vector) {      // the template's INT3 would be the handler again, for ever
        constexpr uint32_t no_3dnow = 0x0F0F'0F0F; // undefined wherever it is entered
        fill_handlers(b, no_3dnow, no_3dnow);
    }
}

void raise(Builder& b, unsigned vector) {
    switch (vector) {
    case 0:
        b.move(ecx, 0);
        b.instruction("div");
        b.operand_size(4);
        b.byte(0xF7);
        b.registers(6, ecx);
        return;
    case breakpoint_vector:
        b.instruction("int3");
        b.byte(0xCC);
        return;
    case 4:
        b.instruction("into");
        b.byte(0xCE);
        return;
    case 5: {
        const uint32_t at = b.data_offset(8);
        b.poke(at, 5, 4);
        b.poke(at + 4, 7, 4);
        b.instruction("bound");
        b.operand_size(4);
        b.byte(0x62);
        b.memory(eax, at);
        return;
    }
    case 6:
        b.invalid_opcode();
        return;
    case 13:
        b.instruction("null_store");
        b.byte(0xA2); // MOV [moffs], AL through a segment that has been made null or too small
        b.immediate(b.code32() ? 4 : 2, 0xFFFF);
        return;
    default:
        b.instruction("int_n");
        b.bytes({0xCD, vector});
    }
}

} // namespace

void interrupts(Builder& b) {
    b.begin_anywhere();
    b.result.state.eflags |= (b.random.one_in(2) ? eflags::iopl : b.random.word() & eflags::iopl) |
                             (b.random.word() & (eflags::interrupt | eflags::direction));
    b.result.plain.eflags = b.result.state.eflags;
    const unsigned vector = b.random.one_in(2) ? free_vector + b.random.below(16)
                                               : b.random.pick({0u, 3u, 4u, 5u, 6u, 0x21u, 0x28u});
    if (b.mode() != Mode::real) {
        if (!b.random.one_in(6))
            place_gate(b, vector);
        const bool is_trap = vector >= 0x20 || vector == breakpoint_vector || vector == 4;
        if (is_trap) // a handler that returned to a faulting instruction would do so for ever
            vary_handler(b, vector);
        if (b.random.one_in(4))
            b.vary_inner_stack();
        if (b.random.one_in(12)) {
            b.feature("idt:short");
            b.result.state.idt_limit = 8 * vector + b.random.below(9) - 1;
            if (b.result.state.idt_limit < 8 * 0x20) // the driver's own vectors stay
                b.result.state.idt_limit = 0x7FF;
        }
    }
    raise(b, vector);
    b.move(eax, 0x1234'5678); // the handler has come back
    b.invalid_opcode();
}

namespace {

void push(Builder& b, uint32_t value, unsigned width) {
    b.instruction("push_imm");
    b.operand_size(width);
    b.byte(0x68);
    b.immediate(width, value);
}

} // namespace

void interrupt_returns(Builder& b) {
    b.begin_anywhere();
    if (b.mode() == Mode::virtual_8086)
        b.result.state.eflags |= b.random.one_in(2) ? eflags::iopl : 0;
    const unsigned width = b.random.one_in(3) ? 2 : 4;
    const unsigned outer = b.random.one_in(4) ? b.random.below(4) : b.level() + b.random.below(4 - b.level());
    // TF and NT would go on to other classes' subjects.
    uint32_t flags =
        b.random.word() & (eflags::arithmetic | eflags::iopl | eflags::interrupt | eflags::direction |
                           eflags::resume | eflags::alignment_check | 0x20'0000);
    if (b.level() != 0 || !b.protected_mode()) // to level 0's own way into virtual-8086 mode, see below
        flags |= b.random.one_in(8) ? eflags::virtual_8086 : 0;
    if ((flags & eflags::virtual_8086) != 0)
        b.feature("iret:vm_in_image");
    const bool to_virtual_8086 = b.protected_mode() && b.level() == 0 && width == 4 && b.random.one_in(4);
    if (to_virtual_8086) {
        b.feature("iret:to_v86");
        flags |= eflags::virtual_8086;
        for (unsigned i = 0; i < 4; ++i)
            push(b, (arena >> 4) + b.random.below(0x100), width);
        push(b, arena >> 4, width);
        push(b, at::stacks + 0xE00, width);
    } else if (b.protected_mode()) {
        push(b, b.random.one_in(5) ? b.any_selector() : selector::data32(outer), width);
        push(b, at::stacks + 0xF00, width);
    }
    push(b, flags | eflags::always, width);
    if (!b.protected_mode() || to_virtual_8086)
        push(b, arena >> 4, width);
    else if (b.random.one_in(5))
        push(b, b.any_selector(), width);
    else
        push(b, b.random.one_in(3) ? selector::code16(outer) : selector::code32(outer), width);
    const bool beyond = b.random.one_in(10);
    if (beyond)
        b.feature("offset:unusual");
    push(b, !beyond ? at::landing : width == 4 ? beyond_32 : beyond_16, width);
    if (b.protected_mode() && b.random.one_in(3))
        b.poke_descriptor(static_cast<uint16_t>(selector::own + 8 * b.random.below(4)), b.random_segment());
    b.instruction("iret");
    b.operand_size(width);
    b.byte(0xCF);
    b.invalid_opcode();
}

} // namespace differential
