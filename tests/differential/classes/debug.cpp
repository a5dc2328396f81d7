// Single step, breakpoints on code and data, RF, general detection, and the shadow of MOV SS (SDM vol. 3, 17.2-17.3).
#include "tests/differential/classes/classes.hpp"

namespace differential {
namespace {

constexpr uint32_t dr7_always = 0x400, general_detect = 0x2000;
enum Condition : uint32_t { on_execution = 0, on_write = 1, on_access = 3 };

uint32_t dr7_for(unsigned number, bool global, Condition condition, uint32_t length_minus_1) {
    return (global ? 2u : 1u) << 2 * number | condition << (16 + 4 * number) |
           length_minus_1 << (18 + 4 * number);
}

void filler(Builder& b, uint32_t data) {
    switch (b.random.below(8)) {
    case 0:
        b.instruction("nop");
        b.byte(0x90);
        return;
    case 1:
        b.instruction("store");
        b.operand_size(b.random.one_in(2) ? 2 : 4);
        b.byte(0x89);
        b.memory(eax, data);
        return;
    case 2:
        b.instruction("load");
        b.byte(0x8A);
        b.memory(eax, data);
        return;
    case 3:
        b.instruction("movs");
        if (b.random.one_in(2))
            b.byte(0xF3);
        b.byte(0xA4);
        return;
    case 4:
        b.instruction("push_byte");
        b.bytes({0x6A, 0x11});
        return;
    case 5: // the next instruction runs before any debug exception
        b.instruction("mov_ss_same");
        b.bytes({0x8C, 0xD1, 0x8E, 0xD1});
        return;
    case 6:
        b.instruction("pushf_popf");
        b.bytes({0x9C, 0x9D});
        return;
    default:
        b.instruction("jmp_short");
        b.bytes({0xEB, 0});
    }
}

void move_debug_register(Builder& b) {
    const uint32_t which = b.random.pick({0u, 3u, 4u, 5u, 6u, 7u});
    const bool to = b.random.one_in(2);
    // Nothing that would go off in the driver, or on the stack that it gets: in DR7 nothing enabled, as addresses data,
    // code and very high ones.
    const uint32_t address = b.random.pick({arena + at::data + b.random.below(at::page_directory - at::data),
                                            arena + at::code + b.random.below(at::stack0 - at::code),
                                            b.any_value() | 0x8000'0000});
    if (to)
        b.move(ecx, which == 7 || which == 5 ? dr7_always : which == 6 ? b.any_value() : address);
    b.instruction(to ? "mov_to_dr" : "mov_from_dr");
    b.bytes({0x0F, to ? 0x23u : 0x21u});
    b.registers(which, ecx);
}

} // namespace

void debug(Builder& b) {
    b.begin_anywhere();
    CaseRecord& s = b.result.state;
    s.eflags |= eflags::iopl;
    const uint32_t data = at::data + 0x40;
    s.general[esi] = at::data;
    s.general[edi] = data - 2;
    s.general[ecx] = 1 + b.random.below(4);
    if (b.random.one_in(3)) {
        b.feature("debug:step");
        s.eflags |= eflags::trap;
    }
    if (b.random.one_in(3)) {
        b.feature("debug:rf");
        s.eflags |= b.mode() == Mode::real ? 0 : eflags::resume;
    }
    uint32_t dr7 = dr7_always;
    if (b.random.one_in(2)) {
        b.feature("debug:breakpoint");
        const bool execution = b.random.one_in(2);
        const uint32_t length = execution ? 0 : b.random.pick({0u, 1u, 3u});
        const unsigned number = b.random.below(4);
        b.feature(execution ? "debug:on_execution" : "debug:on_data");
        s.debug[number] =
            arena + (execution ? at::code + b.random.below(10) : (data - 4 + b.random.below(8)) & ~length);
        dr7 |= dr7_for(number, b.random.one_in(2),
                       execution ? on_execution : (b.random.one_in(2) ? on_write : on_access), length);
    }
    if (b.mode() != Mode::real &&
        b.random.one_in(8)) { // the driver's own way out of real mode has no #DB handler
        b.feature("debug:general_detect");
        dr7 |= general_detect;
    }
    s.debug[5] = dr7;
    if (b.random.one_in(3))
        s.cr4 |= cr4::debugging;
    for (unsigned done = 0, count = 1 + b.random.below(4); done < count; ++done)
        if (b.random.one_in(6))
            move_debug_register(b);
        else
            filler(b, data);
    b.invalid_opcode();
}

} // namespace differential
