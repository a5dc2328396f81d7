#include "tests/native/instruction_generator.hpp"

#include <iterator>

namespace fixpoint::native {

using namespace models;

namespace {

constexpr uint32_t line_bytes = 64;

} // namespace

TestCase InstructionGenerator::make(unsigned length) {
    TestCase made;
    state_ = State{};
    // Rarely, and then nothing wild, which could overwrite code with just anything.
    modifies_ = made.modifies_code = chance(32);
    wild_ = wild_ && !modifies_;
    initial_registers(made);
    size_t bytes = 0;
    for (unsigned count = 0; count < length;) {
        const State before = state_;
        chunk_ = Chunk{};
        chunk_.code_before = state_.code;
        skipped_ = skippable_ = false;
        instruction();
        constexpr size_t longest = 300;
        if (skipped_ || bytes + chunk_.bytes.size() > longest) {
            state_ = before;
            count += skipped_ ? 0 : length;
            continue;
        }
        chunk_.code_after = state_.code;
        bytes += chunk_.bytes.size();
        made.chunks.push_back(std::move(chunk_));
        ++count;
    }
    // Anywhere in the code area that the shortest code segment covers; often across the pages' border or up
    // to the area's end, where INT3 just fits or no longer does.
    const auto size = static_cast<uint32_t>(bytes + 1);
    switch (below(4)) {
    case 0:
        made.address = code_area.begin + page_bytes - below(size);
        break;
    case 1:
        made.address = code_area.end() - size - (chance(4) ? 0 : 1 + below(8)) + (chance(16) ? 1 : 0);
        break;
    default:
        made.address = code_area.begin + 0x400 + below(code_area.bytes - 0x800);
    }
    return made;
}

uint32_t InstructionGenerator::interesting() {
    constexpr uint32_t edges[] = {0,      1,      0x7F,        0x80,        0xFF, 0x7FFF,
                                  0x8000, 0xFFFF, 0x7FFF'FFFF, 0x8000'0000, ~0u};
    switch (below(4)) {
    case 0:
        return below(64);
    case 1:
        return edges[below(11)] + below(3) - 1;
    default:
        return word();
    }
}

uint32_t InstructionGenerator::initial_stack(const Descriptor& stack) {
    for (unsigned i = 0; i < 16; ++i) {
        const Area& area = data_areas[chance(3) ? 0 : 3];
        uint32_t linear = area.begin + 0x100 + below(area.bytes - 0x200);
        if (!chance(8))
            linear &= ~3u;
        if (chance(12))
            linear = chance(2) ? area.begin + below(64) : area.end() - below(64);
        const uint32_t offset = linear - stack.base;
        if (stack.allows(offset - 64, 64, true) && stack.allows(offset, 64, true) &&
            (stack.big || offset <= 0xFFFF))
            return stack.big ? offset : offset | (wild_ ? word() << 16 : 0);
    }
    return word(); // the stack of this segment is of no use
}

void InstructionGenerator::initial_registers(TestCase& made) {
    Registers& r = made.before;
    const auto pick_data = [&](bool stack) {
        for (;;) {
            const unsigned index =
                chance(2) ? LocalTable::flat_first + below(2)
                          : LocalTable::flat_first + below(LocalTable::data_absent - LocalTable::flat_first);
            const uint16_t selector = LocalTable::selector(index);
            if (table_.loadable(selector, stack))
                return selector;
        }
    };
    state_.code =
        static_cast<uint8_t>(LocalTable::code_first + (chance(3) ? below(LocalTable::code_count) : below(2)));
    r.selector[seg_cs] = LocalTable::selector(state_.code);
    const bool all_flat = chance(3);
    for (const unsigned index : {seg_es, seg_ss, seg_ds, seg_fs, seg_gs})
        r.selector[index] =
            all_flat ? LocalTable::selector(LocalTable::flat_first) : pick_data(index == seg_ss);
    if (!all_flat) {
        if (chance(16))
            r.selector[seg_es + 3 * below(2)] = 0; // ES or DS
        if (chance(8))
            r.selector[seg_fs] = LocalTable::selector(below(4));
        if (chance(8))
            r.selector[seg_gs] = 0;
    }
    state_.selector = r.selector;
    for (uint32_t& value : r.general)
        value = interesting();
    const auto know = [&](unsigned reg, uint32_t value) {
        state_.known[reg] = true;
        state_.value[reg] = r.general[reg] = value;
    };
    const auto pointer = [&](unsigned segment) {
        return pick_offset(table_.find(r.selector[segment]), 4, true);
    };
    if (!chance(4))
        know(reg_ebx, pointer(seg_ds));
    if (!chance(4))
        know(reg_ebp, pointer(seg_ss));
    if (!chance(3))
        know(reg_esi, chance(2) ? pointer(seg_ds) : below(64));
    if (!chance(3))
        know(reg_edi, chance(2) ? pointer(seg_ds) : below(64));
    if (chance(4))
        know(reg_ecx, below(40));
    if (chance(4))
        know(reg_edx, pointer(seg_ds));
    r.general[reg_esp] = initial_stack(*table_.find(r.selector[seg_ss]));
    r.eflags = eflags::always_set | eflags::iif | (word() & eflags::arithmetic) |
               (chance(4) ? eflags::df : 0) | (chance(10) ? eflags::ac : 0) | (chance(8) ? eflags::tf : 0);
    state_.checks_alignment = (r.eflags & eflags::ac) != 0;
    state_.steps = (r.eflags & eflags::tf) != 0;
}

uint32_t InstructionGenerator::pick_offset(const Descriptor* segment, uint32_t bytes, bool write) {
    if (segment == nullptr)
        return data_begin + below(0x100);
    const uint32_t limit = segment->granular ? segment->limit << 12 | 0xFFF : segment->limit;
    switch (below(24)) {
    case 0:
        if (limit != ~0u) // no accesses beyond 4 GB
            return limit + 4 - below(12);
        break;
    case 1: {
        const Area& area = data_areas[below(4)];
        return (chance(2) ? area.begin : area.end()) + 4 - below(12) - segment->base;
    }
    case 2:
        return data_areas[1].begin + below(page_bytes) - segment->base;
    default:
        break;
    }
    uint32_t offset = 0;
    for (unsigned i = 0; i < 12; ++i) {
        constexpr unsigned writable[] = {0, 0, 0, 2, 3};
        const Area& area = data_areas[write || !chance(4) ? writable[below(5)] : below(4)];
        uint32_t linear = area.begin + below(area.bytes - bytes);
        if (chance(4))
            linear = (linear | (line_bytes - 1)) + 1 - below(bytes + 1);
        else if (chance(8))
            linear = area.begin + page_bytes - below(bytes + 1);
        else if (chance(2))
            linear &= ~3u;
        offset = linear - segment->base;
        if (linear >= area.begin && linear + bytes <= area.end() && segment->allows(offset, bytes, write))
            break;
    }
    return offset;
}

unsigned InstructionGenerator::destination(unsigned size) {
    if (wild_ && chance(100)) { // even ESP
        const unsigned reg = below(8);
        forget_written(reg, size);
        return reg;
    }
    for (unsigned i = 0; i < 8; ++i) {
        const unsigned reg = below(8), whole = size == byte_size ? reg & 3 : reg;
        if (whole != reg_esp && !state_.known[whole])
            return reg;
    }
    return reg_eax;
}

// ---- What comes next

void InstructionGenerator::plain_instruction() {
    using Maker = void (InstructionGenerator::*)();
    using G = InstructionGenerator;
    static constexpr Maker makers[] = {&G::alu,
                                       &G::alu,
                                       &G::alu,
                                       &G::test,
                                       &G::unary,
                                       &G::shift,
                                       &G::shift,
                                       &G::double_shift,
                                       &G::multiply_divide,
                                       &G::imul,
                                       &G::bit_scan,
                                       &G::bit_test,
                                       &G::byte_swap,
                                       &G::decimal,
                                       &G::exchange_and_add,
                                       &G::compare_exchange,
                                       &G::compare_exchange8,
                                       &G::move,
                                       &G::move,
                                       &G::move_offset,
                                       &G::extend,
                                       &G::conditional_move,
                                       &G::set_condition,
                                       &G::load_effective_address,
                                       &G::exchange,
                                       &G::translate_byte,
                                       &G::convert,
                                       &G::flag_instruction,
                                       &G::hint};
    (this->*makers[below(std::size(makers))])();
}

void InstructionGenerator::instruction() {
    using Maker = void (InstructionGenerator::*)();
    using G = InstructionGenerator;
    static constexpr Maker makers[] = {
        &G::push_pop,      &G::push_pop,      &G::push_pop_all, &G::push_flags,
        &G::pop_flags,     &G::frame,         &G::string,       &G::string,
        &G::jump_over,     &G::jump_over,     &G::call_near,    &G::jump_indirect,
        &G::far_transfer,  &G::push_segment,  &G::load_segment, &G::load_far_pointer,
        &G::store_segment, &G::query_segment, &G::bound};
    static constexpr Maker faulting[] = {&G::trap, &G::privileged, &G::undefined_opcode,
                                         &G::far_transfer_fault, &G::long_instruction};
    if (modifies_ && chance(3))
        return modify_code();
    if (chance(40))
        return (this->*faulting[below(std::size(faulting))])();
    if (chance(24))
        return chance(3) ? mmx() : x87();
    if (chance(3))
        return (this->*makers[below(std::size(makers))])();
    plain_instruction();
}

} // namespace fixpoint::native
