#include "tests/native/instruction_generator.hpp"

#include <algorithm>

namespace fixpoint::native {

using namespace models;

namespace {

constexpr uint8_t operand_size_prefix = 0x66, address_size_prefix = 0x67, lock_prefix = 0xF0;
constexpr std::array<uint8_t, 6> segment_prefixes{0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65};
constexpr uint32_t line_bytes = 64;

} // namespace

TestCase InstructionGenerator::make(unsigned length) {
    TestCase made;
    state_ = State{};
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
            return stack.big ? offset : offset | word() << 16;
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
    if (chance(100)) {
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

// ---- Encoding

void InstructionGenerator::begin(unsigned size, bool sized) {
    now_ = Encoding{};
    steady_ = false;
    size_ = size;
    sized_ = sized;
    if (sized && size != byte_size && (size == dword_size) != code32())
        prefix(operand_size_prefix);
    else if (size == byte_size && chance(24))
        prefix(operand_size_prefix); // without effect
}

// REP where it means nothing, and prefixes twice. Not before LOOPE and LOOPNE: some processors (AMD's) take REP for
// their condition.
void InstructionGenerator::idle_prefixes() {
    constexpr uint8_t two_byte = 0x0F, nop = 0x90;
    constexpr size_t longest = 15;
    const uint8_t opcode = now_.rest.front();
    const bool string = (opcode >= 0xA4 && opcode <= 0xA7) || (opcode >= 0xAA && opcode <= 0xAF) ||
                        (opcode >= 0x6C && opcode <= 0x6F);
    if (steady_)
        return;
    const bool loop = (opcode & 0xFE) == 0xE0;
    if (!string && !loop && opcode != two_byte && opcode != nop && chance(40))
        prefix(static_cast<uint8_t>(0xF2 | below(2)));
    if (!now_.prefixes.empty() && chance(40))
        prefix(now_.prefixes.front());
    if (now_.prefixes.size() + now_.rest.size() > longest)
        now_.prefixes.pop_back();
}

void InstructionGenerator::end() {
    idle_prefixes();
    std::shuffle(now_.prefixes.begin(), now_.prefixes.end(), random_);
    chunk_.bytes.insert(chunk_.bytes.end(), now_.prefixes.begin(), now_.prefixes.end());
    chunk_.bytes.insert(chunk_.bytes.end(), now_.rest.begin(), now_.rest.end());
    now_ = Encoding{};
}

void InstructionGenerator::effect(uint32_t reads, uint32_t defines, uint32_t undefines) {
    if ((state_.undefined & reads) != 0)
        skipped_ = true;
    chunk_.effects.push_back({reads, defines, undefines, skippable_});
    state_.undefined = (state_.undefined & ~(skippable_ ? 0 : defines)) | undefines;
}

void InstructionGenerator::lock(bool memory_destination) {
    if (memory_destination ? chance(20) : chance(400))
        prefix(lock_prefix);
}

uint8_t InstructionGenerator::pick_segment(uint8_t usual) {
    if (!chance(6))
        return usual;
    const auto other = static_cast<uint8_t>(below(6));
    prefix(segment_prefixes[other]);
    return other;
}

bool InstructionGenerator::operand(unsigned reg, unsigned size, Access access) {
    if (chance(2)) {
        memory_operand(reg, bytes_of(size), access);
        return true;
    }
    if (chance(40))
        prefix(segment_prefixes[below(6)]); // without effect on a register
    register_operand(reg, access == Access::read ? below(8) : destination(size));
    return false;
}

void InstructionGenerator::memory_operand(unsigned reg, uint32_t bytes, Access access) {
    // 16-bit addresses are of use where the segment starts near the areas.
    const Descriptor* data = table_.find(state_.selector[seg_ds]);
    const bool near = data != nullptr && data->base + 0x1'0000 > data_begin && data->base < data_end;
    const bool narrow = near ? chance(2) : chance(24);
    if (narrow == code32())
        prefix(address_size_prefix);
    if (narrow)
        narrow_memory(reg, bytes, access);
    else
        wide_memory(reg, bytes, access);
}

// SDM vol. 2, table 2-1.
void InstructionGenerator::narrow_memory(unsigned reg, uint32_t bytes, Access access) {
    struct Form {
        unsigned base, index;
    };
    constexpr unsigned none = 8;
    constexpr Form forms[8] = {{reg_ebx, reg_esi}, {reg_ebx, reg_edi}, {reg_ebp, reg_esi}, {reg_ebp, reg_edi},
                               {reg_esi, none},    {reg_edi, none},    {reg_ebp, none},    {reg_ebx, none}};
    const auto known = [&](unsigned r) { return r == none || state_.known[r]; };
    const unsigned rm = below(8);
    const Form& form = forms[rm];
    if ((!known(form.base) || !known(form.index)) && !(wild_ && chance(16))) {
        const uint8_t segment = pick_segment(seg_ds);
        byte(reg << 3 | 6);
        return immediate(2,
                         pick_offset(table_.find(state_.selector[segment]), bytes, access == Access::write));
    }
    const uint8_t segment = pick_segment(form.base == reg_ebp ? seg_ss : seg_ds);
    const uint32_t target =
        pick_offset(table_.find(state_.selector[segment]), bytes, access == Access::write);
    const uint32_t sum = state_.value[form.base] + (form.index == none ? 0 : state_.value[form.index]);
    const uint32_t displacement = target - sum;
    const auto short_form = static_cast<uint16_t>(displacement + 0x80) < 0x100;
    if (short_form || chance(6)) {
        byte(0x40 | reg << 3 | rm);
        return byte(displacement);
    }
    if (rm != 6 && chance(8))
        return byte(reg << 3 | rm);
    byte(0x80 | reg << 3 | rm);
    immediate(2, displacement);
}

// SDM vol. 2, tables 2-2 and 2-3.
void InstructionGenerator::wide_memory(unsigned reg, uint32_t bytes, Access access) {
    const auto target_in = [&](uint8_t segment) {
        return pick_offset(table_.find(state_.selector[segment]), bytes, access == Access::write);
    };
    std::array<unsigned, 8> known{};
    unsigned count = 0;
    for (unsigned i = 0; i < 8; ++i)
        if (state_.known[i])
            known[count++] = i;
    const uint32_t kind = below(10);
    if (kind == 0 && !chance(4)) { // ESP + disp8
        pick_segment(seg_ss);
        byte(0x44 | reg << 3);
        byte(below(4) << 6 | 4 << 3 | reg_esp);
        return byte(word() & 0x3F);
    }
    if (wild_ && kind == 1 && chance(4)) { // any registers
        pick_segment(seg_ds);
        byte(0x04 | reg << 3 | 0x80);
        byte(word());
        return immediate(4, interesting());
    }
    if (count == 0 || kind < 4) {
        const uint8_t segment = pick_segment(seg_ds);
        const uint32_t target = target_in(segment);
        if (count != 0 && kind == 3) { // an index without a base
            const unsigned index = known[below(count)], scale = below(4);
            byte(0x04 | reg << 3);
            byte(scale << 6 | index << 3 | 5);
            return immediate(4, target - (state_.value[index] << scale));
        }
        byte(reg << 3 | 5);
        return immediate(4, target);
    }
    const unsigned base = known[below(count)];
    const uint8_t segment = pick_segment(base == reg_ebp ? seg_ss : seg_ds);
    const bool indexed = chance(2);
    const unsigned index = known[below(count)], scale = below(4);
    const uint32_t sum = state_.value[base] + (indexed ? state_.value[index] << scale : 0);
    const auto form = [&](unsigned mod) {
        byte(mod << 6 | reg << 3 | (indexed ? 4 : base));
        if (indexed)
            byte(scale << 6 | index << 3 | base);
    };
    const uint32_t displacement = target_in(segment) - sum;
    const bool straight = !indexed || state_.value[index] < 256;
    if (base != reg_ebp && straight && chance(5))
        return form(0);
    if (displacement + 0x80 < 0x100 || (straight && chance(3))) {
        form(1);
        return byte(displacement);
    }
    form(2);
    immediate(4, displacement);
}

InstructionGenerator::Place InstructionGenerator::place_holder(unsigned size) {
    const auto at = static_cast<uint16_t>(chunk_.bytes.size() + now_.prefixes.size() + now_.rest.size());
    immediate(bytes_of(size), 0);
    steady_ = true;
    return {at, static_cast<uint16_t>(bytes_of(size))};
}

// `from` will hold the offset of what follows now.
void InstructionGenerator::point(Place from, uint32_t base) {
    chunk_.fixups.push_back({from.at, from.bytes, static_cast<uint16_t>(chunk_.bytes.size()), base});
}

void InstructionGenerator::move_immediate(unsigned reg, uint32_t value) {
    begin(dword_size);
    byte(0xB8 | reg);
    immediate(4, value);
    end();
    forget(reg);
}

void InstructionGenerator::push_immediate(unsigned size, uint32_t value) {
    begin(size);
    byte(0x68);
    immediate(bytes_of(size), value);
    end();
}

// PUSH 0 and ADD SP, 4: the doubleword below the stack's top is zero.
void InstructionGenerator::zero_below_stack() {
    push_immediate(dword_size, 0);
    begin(word_size);
    opcode({0x83, 0xC4, 4});
    end();
    effect(0, all);
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
                                         &G::far_transfer_fault};
    if (chance(40))
        return (this->*faulting[below(std::size(faulting))])();
    if (chance(3))
        return (this->*makers[below(std::size(makers))])();
    plain_instruction();
}

} // namespace fixpoint::native
