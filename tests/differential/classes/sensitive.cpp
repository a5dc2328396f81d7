// Instructions that IOPL, the I/O map and virtual-8086 mode decide about, also with VME and PVI
// (SDM vol. 1, 19.5; vol. 3, 20.2-20.4).
#include "tests/differential/classes/classes.hpp"

namespace differential {
namespace {

constexpr uint16_t scratch_port = 0x3FF; // a byte that can be written and read back everywhere
constexpr uint32_t virtual_interrupt = 0x8'0000, virtual_pending = 0x10'0000;

void input_output(Builder& b) {
    b.feature("io");
    // Widths above a byte only where they fault or have no effect: other devices are not the same everywhere.
    const bool out = b.random.one_in(2);
    const unsigned width = out ? b.random.pick({1u, 2u, 4u}) : 1;
    const uint16_t port = out && b.random.one_in(2) ? 0x80 : scratch_port;
    const uint32_t wide = width == 1 || port != 0x80 ? 0 : 1;
    b.move(edx, port, 2);
    const bool by_string = b.random.one_in(3);
    const char* names[] = {"in", "out", "ins", "outs"};
    b.instruction(names[(out ? 1 : 0) + (by_string ? 2 : 0)]);
    if (wide != 0)
        b.operand_size(width);
    if (by_string)
        b.byte((out ? 0x6E : 0x6C) | wide);
    else
        b.byte((out ? 0xEE : 0xEC) | wide);
}

void one(Builder& b) {
    switch (b.random.below(10)) {
    case 0:
        b.instruction("cli");
        b.byte(0xFA);
        return;
    case 1:
        b.instruction("sti");
        b.byte(0xFB);
        return;
    case 2:
        b.instruction("pushf");
        if (b.random.one_in(3))
            b.byte(0x66);
        b.byte(0x9C);
        return;
    case 3: {
        const unsigned width = b.random.one_in(3) ? 4 : 2;
        b.instruction("push_imm");
        b.operand_size(width);
        b.byte(0x68);
        b.immediate(width, b.random.word() & ~(eflags::trap | eflags::nested_task));
        b.instruction("popf");
        b.operand_size(width);
        b.byte(0x9D);
        return;
    }
    case 4:
        b.instruction("int_n");
        b.bytes({0xCD, 0x30u + b.random.below(4)});
        return;
    case 5:
        b.instruction("privileged");
        switch (b.random.below(4)) {
        case 0:
            if (b.level() != 0) {
                b.byte(0xF4); // HLT
                return;
            }
            [[fallthrough]];
        case 1:
            b.bytes({0x0F, 0x06}); // CLTS
            return;
        case 2:
            b.bytes({0x0F, 0x20, 0xC0}); // MOV EAX, CR0
            return;
        default:
            b.bytes({0x0F, 0x08}); // INVD
            return;
        }
    case 6: // RDTSC: only where it faults, for the time is not the same
        if (b.level() != 0) {
            b.result.state.cr4 |= cr4::time_stamp;
            b.instruction("rdtsc");
            b.bytes({0x0F, 0x31});
            return;
        }
        [[fallthrough]];
    default:
        input_output(b);
    }
}

} // namespace

void sensitive(Builder& b) {
    b.begin_anywhere();
    CaseRecord& s = b.result.state;
    s.eflags |= b.random.word() & (eflags::iopl | eflags::interrupt);
    s.general[esi] = s.general[edi] = at::data + 0x10;
    s.general[ecx] = 1;
    if (b.mode() != Mode::real && b.random.one_in(3)) {
        b.feature("io:map");
        switch (b.random.below(3)) {
        case 0: // a bit of the map
            b.poke(at::tss_main + 0x88 + b.random.pick({0x80u / 8, 0x83u / 8, 0x3F8u / 8}),
                   b.random.word() & 0xFF, 1);
            break;
        case 1: // where the map is
            b.poke(at::tss_main + 102, b.random.pick({0x68u, 0x80u, 0x110u, 0x10Fu, 0xFFu, 0xFFFFu}), 2);
            break;
        default: { // where the TSS ends
            const uint32_t limit = b.random.pick({0x67u, 0x88u, 0x97u, 0x98u, 0x99u, 0x107u, 0x108u});
            b.poke_descriptor(selector::main_tss,
                              segment_descriptor(descriptor::tss_32, 0, arena + at::tss_main, limit, 0));
        }
        }
    }
    if (b.mode() != Mode::real && b.random.one_in(4)) {
        b.feature("cr4:vme");
        s.cr4 |= cr4::virtual_8086 | cr4::protected_virtual;
        // Not both: what happens then before the first instruction is not for IRET to decide.
        s.eflags |= b.random.one_in(4) ? virtual_pending : b.random.word() & virtual_interrupt;
        if (b.paging() != Paging::off) { // the program's own vectors, at linear address 0
            const uint32_t entry = (arena + at::spare) | 7;
            b.poke(b.paging() == Paging::pae ? at::pae_table : at::page_table, entry, 4);
            for (uint32_t vector = 0x30; vector < 0x34; ++vector)
                b.poke(at::spare + 4 * vector, at::landing | (arena >> 4) << 16, 4);
        }
        if (b.random.one_in(
                2)) // vectors 0x30-0x37 by the redirection map: to the IDT (1) or to the program (0)
            b.poke(at::tss_main + 0x68 + 0x30 / 8, 0xFF, 1);
    }
    for (unsigned done = 0, count = 1 + b.random.below(3); done < count; ++done)
        one(b);
    b.invalid_opcode();
}

} // namespace differential
