// Returns to another code segment: what RET and IRET share (SDM vol. 2, RET and IRET).
#include "models/cpu/core.hpp"

namespace fixpoint::models {

namespace {

// Data segments that the outer level may not keep.
void drop_inner_segments(Core& core) {
    for (const unsigned index : {seg_es, seg_ds, seg_fs, seg_gs}) {
        SegmentState& s = core.segment[index];
        constexpr unsigned conforming_code = 0xC;
        const unsigned type = s.attributes & SegmentState::type_mask;
        if ((s.attributes >> 5 & 3u) < core.privilege && (type & conforming_code) != conforming_code)
            s = SegmentState{};
    }
    core.update_mode();
}

} // namespace

bool Core::return_to(Stack stack, unsigned bytes, uint16_t selector, uint32_t target, uint32_t release) {
    const unsigned level = selector & 3u;
    if ((selector & ~3u) == 0)
        return raise_protection();
    Descriptor code{};
    if (!read_descriptor(selector, vector::general_protection, code))
        return false;
    if (!code.code() || level < privilege || (code.conforming() ? code.dpl() > level : code.dpl() != level))
        return raise_protection(selector & ~3u);
    if (!code.present())
        return raise(vector::segment_not_present, selector & ~3u);
    stack.pointer += release;
    const bool outer = level > privilege;
    Descriptor outer_stack{};
    uint32_t outer_pointer = 0, outer_selector = 0;
    if (outer && (!pop_from(stack, bytes, outer_pointer) || !pop_from(stack, bytes, outer_selector) ||
                  !read_stack_segment(static_cast<uint16_t>(outer_selector), level,
                                      vector::general_protection, outer_stack)))
        return false;
    if (target > code.segment().limit)
        return raise_protection();
    if (!mark_accessed(code) || (outer && !mark_accessed(outer_stack)))
        return false;
    if (outer) {
        segment[seg_ss] = outer_stack.segment();
        set_stack({segment[seg_ss], outer_pointer + release, true});
        clock.cycles += parameters.privilege_change_cycles;
    } else {
        set_stack(stack);
    }
    eip = target;
    set_code_segment(code.segment(), level);
    if (outer)
        drop_inner_segments(*this);
    return true;
}

bool Core::return_unprotected(Stack stack, uint16_t selector, uint32_t target, uint32_t release) {
    if (target > segment[seg_cs].limit)
        return raise_protection();
    stack.pointer += release;
    set_stack(stack);
    set_v86_or_real_segment(seg_cs, selector);
    eip = target;
    update_mode();
    return true;
}

} // namespace fixpoint::models
