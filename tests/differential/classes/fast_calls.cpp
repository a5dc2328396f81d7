// SYSENTER and SYSEXIT: from every mode and level, to flat segments whatever the descriptors say
// (SDM vol. 3, 5.8.7; vol. 2 at both).
#include "tests/differential/classes/classes.hpp"

namespace differential {
namespace {

constexpr uint32_t msr_cs = 0x174, msr_esp = 0x175, msr_eip = 0x176;

void write_msr(Builder& b, uint32_t number, uint32_t value) {
    b.move(ecx, number);
    b.move(eax, value);
    b.move(edx, 0);
    b.instruction("wrmsr");
    b.bytes({0x0F, 0x30});
}

void enter(Builder& b) {
    b.instruction("sysenter");
    b.bytes({0x0F, 0x34});
}

// To level 3, which comes back by the same way, or tries to leave once more.
void leave(Builder& b) {
    constexpr uint32_t sysenter = 0x340F, sysexit = 0x350F, undefined = 0x0B0F;
    b.poke(at::second_code, b.random.one_in(4) ? sysexit : sysenter, 2);
    b.poke(at::second_code + 2, undefined, 2);
    b.move(edx, arena + (b.random.one_in(4) ? at::landing : at::second_code));
    b.move(ecx, arena + at::stacks + 0xF00);
    b.instruction("sysexit");
    b.bytes({0x0F, 0x35});
}

} // namespace

// The driver makes IA32_SYSENTER_CS 0 before each case, so that whoever may not write it finds no entry.
void fast_calls(Builder& b) {
    b.begin_anywhere();
    CaseRecord& s = b.result.state;
    s.eflags |= b.random.word() & (eflags::interrupt | eflags::direction);
    const bool may_set_up = b.mode() == Mode::real || (b.protected_mode() && b.level() == 0);
    if (may_set_up && !b.random.one_in(6)) {
        const uint16_t usual =
            b.random.pick({selector::code32(0), selector::code16(0), selector::conforming(0)});
        write_msr(b, msr_cs, b.random.one_in(4) ? b.random.below(0x1'0000) : usual | b.random.below(4));
        write_msr(b, msr_esp, arena + at::stack0 + 0xE00 + b.random.below(4));
        write_msr(b, msr_eip, arena + at::landing + b.random.below(0x40));
    }
    if (b.random.one_in(2))
        enter(b);
    else
        leave(b);
    b.invalid_opcode();
}

} // namespace differential
