// Descriptors, segment registers and the stacks of privilege levels (SDM vol. 3, chapters 3, 5 and 7).
#include "models/cpu/core.hpp"

namespace fixpoint::models {

SegmentState Core::Descriptor::segment() const {
    SegmentState s;
    s.selector = selector;
    s.attributes = static_cast<uint16_t>(high >> 8 & 0xF0FF);
    s.base = (low >> 16) | (high & 0xFF) << 16 | (high & 0xFF00'0000u);
    s.limit = (low & 0xFFFF) | (high & 0x000F'0000u);
    if ((s.attributes & SegmentState::granular) != 0)
        s.limit = s.limit << 12 | 0xFFF;
    return s;
}

bool Core::find_descriptor(uint16_t selector, uint32_t& linear) const {
    const bool local = (selector & 4) != 0;
    const uint32_t limit_of_table = local ? ldtr.limit : gdtr.limit;
    if ((local && (ldtr.attributes & SegmentState::present) == 0) || (selector | 7u) > limit_of_table)
        return false;
    linear = (local ? ldtr.base : gdtr.base) + (selector & ~7u);
    return true;
}

bool Core::read_descriptor(uint16_t selector, uint8_t fault_vector, Descriptor& descriptor) {
    uint32_t linear = 0;
    if (!find_descriptor(selector, linear))
        return raise(fault_vector, selector & ~3u);
    descriptor.selector = selector;
    return read_system(linear, descriptor.low) && read_system(linear + 4, descriptor.high);
}

bool Core::mark_accessed(Descriptor& descriptor) {
    constexpr uint32_t accessed = 1u << 8;
    uint32_t linear = 0;
    if ((descriptor.high & accessed) != 0 || !find_descriptor(descriptor.selector, linear))
        return true;
    descriptor.high |= accessed;
    return write_slow(linear + 4, 4, descriptor.high, false);
}

namespace {
// Present, writable, accessed data; in virtual-8086 mode of level 3.
constexpr uint16_t real_mode_attributes = 0x93, v86_attributes = 0xF3;
} // namespace

void Core::set_v86_or_real_segment(unsigned index, uint16_t selector) {
    SegmentState& s = segment[index];
    s.selector = selector;
    s.base = uint32_t{selector} << 4;
    if (v86()) {
        s.limit = 0xFFFF;
        s.attributes = v86_attributes;
    } else if ((s.attributes & SegmentState::present) == 0) { // unusable since protected mode
        s.limit = 0xFFFF;
        s.attributes = real_mode_attributes;
    } else if (index == seg_cs) { // limit and D bit stay, for code as for data
        constexpr uint16_t kept = SegmentState::big | SegmentState::granular;
        s.attributes = static_cast<uint16_t>((s.attributes & kept) | real_mode_attributes);
    }
}

bool Core::load_segment(unsigned index, uint16_t selector) {
    if (!protected_mode() || v86()) {
        set_v86_or_real_segment(index, selector);
        update_mode();
        return true;
    }
    clock.cycles += parameters.segment_load_cycles;
    if (index == seg_ss) {
        Descriptor stack{};
        if (!read_stack_segment(selector, privilege, vector::general_protection, stack) ||
            !mark_accessed(stack))
            return false;
        segment[seg_ss] = stack.segment();
        update_mode();
        return true;
    }
    if ((selector & ~3u) == 0) {
        segment[index] = SegmentState{};
        segment[index].selector = selector;
        update_mode();
        return true;
    }
    Descriptor descriptor{};
    if (!read_descriptor(selector, vector::general_protection, descriptor))
        return false;
    if (!descriptor.loadable_at(privilege))
        return raise_protection(selector & ~3u);
    if (!descriptor.present())
        return raise(vector::segment_not_present, selector & ~3u);
    if (!mark_accessed(descriptor))
        return false;
    segment[index] = descriptor.segment();
    update_mode();
    return true;
}

// `fault_vector`: #TS where the selector comes from a TSS, #GP elsewhere.
bool Core::read_stack_segment(uint16_t selector, unsigned level, uint8_t fault_vector,
                              Descriptor& descriptor) {
    if ((selector & ~3u) == 0)
        return raise(fault_vector, 0u);
    if (!read_descriptor(selector, fault_vector, descriptor))
        return false;
    if ((selector & 3u) != level || descriptor.dpl() != level || !descriptor.writable_data())
        return raise(fault_vector, selector & ~3u);
    return descriptor.present() || raise(vector::stack_fault, selector & ~3u);
}

bool Core::task_stack(unsigned level, uint16_t& selector, uint32_t& pointer) {
    const bool wide = (tr.attributes & 8) != 0; // a 32-bit TSS
    const uint32_t offset = wide ? level * 8 + 4 : level * 4 + 2;
    if (offset + (wide ? 7u : 3u) > tr.limit)
        return raise(vector::invalid_tss, tr.selector & ~3u);
    if (wide)
        return read_system(tr.base + offset, pointer) && read_system(tr.base + offset + 4, selector);
    uint16_t narrow = 0;
    const bool read = read_system(tr.base + offset, narrow) && read_system(tr.base + offset + 2, selector);
    pointer = narrow;
    return read;
}

void Core::set_code_segment(SegmentState code, unsigned level) {
    code.selector = static_cast<uint16_t>((code.selector & ~3u) | level);
    segment[seg_cs] = code;
    privilege = static_cast<uint8_t>(level);
    update_mode();
    request_attention();
}

namespace {

// May a stack be accessed there? SS itself can be unusable, after a task switch that failed.
bool within(const SegmentState& stack, uint32_t offset, unsigned bytes) {
    constexpr uint16_t expand_down = 4, code = 8, writable = 2;
    if ((stack.attributes & (SegmentState::present | writable | code)) != (SegmentState::present | writable))
        return false;
    const uint32_t last = offset + (bytes - 1);
    if ((stack.attributes & expand_down) == 0)
        return last >= offset && last <= stack.limit;
    return last >= offset && offset > stack.limit &&
           ((stack.attributes & SegmentState::big) != 0 || last <= 0xFFFF);
}

} // namespace

bool Core::frame_fits(const Stack& stack, unsigned bytes, unsigned count, uint32_t error) {
    uint32_t pointer = stack.pointer;
    for (unsigned i = 0; i < count; ++i) {
        pointer = (pointer - bytes) & stack.mask();
        if (!within(stack.segment, pointer, bytes))
            return raise(vector::stack_fault, error);
        if (stack.as_user && unaligned(stack.segment.base + pointer, bytes))
            return raise(vector::alignment_check, 0u);
    }
    return true;
}

bool Core::push_frame(Stack& stack, unsigned bytes, std::span<const uint32_t> values) {
    const auto place_of = [&](size_t number) {
        const auto below = static_cast<uint32_t>((number + 1) * bytes);
        return stack.segment.base + ((stack.pointer - below) & stack.mask());
    };
    // Within a page the first write decides for all.
    constexpr uint32_t page_mask = 0xFFFF'F000;
    if (((place_of(0) + bytes - 1) & page_mask) != (place_of(values.size() - 1) & page_mask))
        for (size_t i = 0; i < values.size(); ++i)
            if (!probe_write(place_of(i), bytes, stack.as_user))
                return false;
    for (size_t i = 0; i < values.size(); ++i)
        if (!write_implicit(place_of(i), bytes, values[i], stack.as_user))
            return false;
    stack.pointer = (stack.pointer - static_cast<uint32_t>(values.size() * bytes)) & stack.mask();
    return true;
}

bool Core::pop_from(Stack& stack, unsigned bytes, uint32_t& value) {
    const uint32_t pointer = stack.pointer & stack.mask();
    if (!within(stack.segment, pointer, bytes))
        return raise(vector::stack_fault, 0u);
    if (stack.as_user && unaligned(stack.segment.base + pointer, bytes))
        return raise(vector::alignment_check, 0u);
    const uint64_t got = read_implicit(stack.segment.base + pointer, bytes, stack.as_user);
    value = static_cast<uint32_t>(got);
    stack.pointer = (pointer + bytes) & stack.mask();
    return (got & failed) == 0;
}

void Core::set_stack(const Stack& stack) {
    uint32_t& esp = registers[reg_esp];
    esp = (esp & ~stack.mask()) | (stack.pointer & stack.mask());
}

} // namespace fixpoint::models
