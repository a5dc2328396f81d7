// Instructions about descriptors, system registers and privilege (SDM vol. 3, 2.8 and 5.10; vol. 2).
#include "tests/differential/classes/classes.hpp"

namespace differential {
namespace {

// ModRM operand: CX holding `value`, or a word in memory with it. CX is loaded before, so: first prepare, then encode.
struct WordOperand {
    bool in_register;
    uint32_t at;
};
WordOperand prepare(Builder& b, uint16_t value) {
    const WordOperand operand{b.random.one_in(2), b.data_offset(4)};
    if (operand.in_register)
        b.move(ecx, value, 2);
    else
        b.poke(operand.at, value, 2);
    return operand;
}
void encode(Builder& b, const WordOperand& operand, uint32_t reg) {
    if (operand.in_register)
        b.registers(reg, ecx);
    else
        b.memory(reg, operand.at);
}

void inquiry(Builder& b) {
    const WordOperand operand = prepare(b, b.any_selector());
    switch (b.random.below(5)) {
    case 0:
    case 1: {
        const bool limit = b.random.one_in(2);
        b.instruction(limit ? "lsl" : "lar");
        b.operand_size(b.random.one_in(2) ? 2 : 4);
        b.bytes({0x0F, limit ? 0x03u : 0x02u});
        encode(b, operand, edx);
        return;
    }
    case 2:
    case 3: {
        const bool write = b.random.one_in(2);
        b.instruction(write ? "verw" : "verr");
        b.bytes({0x0F, 0x00});
        encode(b, operand, write ? 5 : 4);
        return;
    }
    default:
        b.instruction("arpl");
        b.byte(0x63);
        encode(b, operand, b.random.pick({eax, edx, ebx}));
    }
}

void store_register(Builder& b) {
    const WordOperand operand = prepare(b, 0);
    switch (b.random.below(5)) {
    case 0:
        b.instruction("sldt");
        b.operand_size(b.random.one_in(2) ? 2 : 4);
        b.bytes({0x0F, 0x00});
        encode(b, operand, 0);
        return;
    case 1:
        b.instruction("str");
        b.operand_size(b.random.one_in(2) ? 2 : 4);
        b.bytes({0x0F, 0x00});
        encode(b, operand, 1);
        return;
    case 2:
        b.instruction("smsw");
        b.operand_size(b.random.one_in(2) ? 2 : 4);
        b.bytes({0x0F, 0x01});
        encode(b, operand, 4);
        return;
    default: {
        const bool interrupts = b.random.one_in(2);
        b.instruction(interrupts ? "sidt" : "sgdt");
        b.operand_size(b.random.one_in(2) ? 2 : 4);
        b.bytes({0x0F, 0x01});
        b.memory(interrupts ? 1 : 0, b.data_offset(8));
    }
    }
}

void load_register(Builder& b) {
    uint16_t selector = b.any_selector();
    if (b.random.one_in(3))
        selector = b.random.pick({selector::ldt, selector::tss_32, selector::tss_16, selector::main_tss});
    const bool task = b.random.one_in(2);
    const WordOperand operand = prepare(b, selector);
    b.instruction(task ? "ltr" : "lldt");
    b.bytes({0x0F, 0x00});
    encode(b, operand, task ? 3 : 2);
}

void machine_status(Builder& b) {
    // PE stays as it is: CR0.PE has a class of its own. PE set: LMSW cannot clear it.
    const WordOperand operand = prepare(
        b, static_cast<uint16_t>((b.random.word() & ~1u) | (b.mode() == Mode::real ? 0 : b.random.below(2))));
    if (b.random.one_in(3)) {
        b.instruction("clts");
        b.bytes({0x0F, 0x06});
        return;
    }
    b.instruction("lmsw");
    b.bytes({0x0F, 0x01});
    encode(b, operand, 6);
}

void control_register(Builder& b) {
    const uint32_t which = b.random.pick({0u, 0u, 2u, 3u, 4u, 4u, 1u, 5u, 7u});
    if (b.random.one_in(2)) {
        b.instruction("mov_from_cr");
        b.bytes({0x0F, 0x20});
        b.registers(which, edx);
        return;
    }
    uint32_t value = b.any_value();
    const CaseRecord& s = b.result.state;
    if (which == 0) // paging, protection and caches stay as they are; PG without PE faults
        value = (s.cr0 & (cr0::paging | cr0::extension)) | (b.mode() == Mode::real ? 0 : cr0::protection) |
                (value & (cr0::monitor | cr0::emulation | cr0::task_switched | cr0::numeric_error |
                          cr0::write_protect | cr0::alignment_mask));
    if (which == 0 && b.random.one_in(6))
        value =
            b.random.one_in(2) ? value | cr0::not_write_through : (value | cr0::paging) & ~cr0::protection;
    if (which == 3)
        value = s.cr3 | (b.random.word() & 0x18);
    if (which == 4)
        value = s.cr4 ^ (b.protected_mode() && b.random.one_in(8)
                             ? 0x8000'0000u
                             : b.random.word() & (cr4::time_stamp | cr4::debugging | cr4::global));
    b.move(ecx, value);
    b.instruction("mov_to_cr");
    b.bytes({0x0F, 0x22});
    b.registers(which, ecx);
}

void table_register(Builder& b) {
    // Only limits change: shorter tables.
    const bool interrupts = b.random.one_in(3);
    const uint32_t at = b.data_offset(8);
    const CaseRecord& s = b.result.state;
    b.poke(at,
           interrupts ? (b.mode() == Mode::real ? 0x3FFu : 0x7FFu) : selector::own - 1 + b.random.below(16),
           2);
    b.poke(at + 2, interrupts ? s.idt_base : arena + at::gdt, 4);
    b.instruction(interrupts ? "lidt" : "lgdt");
    b.operand_size(b.random.one_in(2) ? 2 : 4); // 2: a base of 24 bits
    b.bytes({0x0F, 0x01});
    b.memory(interrupts ? 3 : 2, at);
}

void other(Builder& b) {
    switch (b.random.below(4)) {
    case 0:
        b.instruction("invlpg");
        b.bytes({0x0F, 0x01});
        b.memory(7, b.data_offset());
        return;
    case 1:
        b.instruction("invlpg_register");
        b.bytes({0x0F, 0x01});
        b.registers(7, b.random.one_in(2) ? ecx : edx);
        return;
    case 2: // CPL decides before the address does
        if (b.level() != 0 || b.mode() == Mode::virtual_8086) {
            b.instruction(b.random.one_in(2) ? "rdmsr" : "wrmsr");
            b.bytes({0x0F, b.random.one_in(2) ? 0x32u : 0x30u});
            return;
        }
        [[fallthrough]];
    default:
        b.instruction("wbinvd");
        b.bytes({0x0F, b.random.one_in(2) ? 0x08u : 0x09u});
    }
}

} // namespace

void system_instructions(Builder& b) {
    b.begin_anywhere();
    for (unsigned own = 0, count = b.random.below(4); own < count; ++own)
        b.poke_descriptor(static_cast<uint16_t>(selector::own + 8 * b.random.below(4)),
                          b.random.one_in(4) ? uint64_t{b.random.word()} << 32 | b.random.word()
                                             : b.random_segment());
    for (unsigned done = 0, count = 1 + b.random.below(3); done < count; ++done) {
        switch (b.random.below(8)) {
        case 0:
        case 1:
        case 2:
            inquiry(b);
            break;
        case 3:
            store_register(b);
            break;
        case 4:
            load_register(b);
            break;
        case 5:
            machine_status(b);
            break;
        case 6:
            control_register(b);
            break;
        default:
            if (b.random.one_in(2))
                table_register(b);
            else
                other(b);
        }
    }
    b.invalid_opcode();
}

} // namespace differential
