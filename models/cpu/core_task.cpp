// Hardware task switches (SDM vol. 3, chapter 7): what JMP, CALL, INT, IRET and events do with a TSS.
//
// switch_task() has two halves. Up to the point of no return nothing has changed and every fault, page faults
// on either TSS and on their descriptors included, is the old task's: all places that will be read or written
// are tried first. Then the old state is saved, the new one loaded as far as it needs no checks, and the
// segment registers are qualified one by one; a fault among these is the new task's, at its first instruction
// (fault_in_new_task), and leaves the registers not yet qualified unusable.
#include "models/cpu/core.hpp"

#include <array>

namespace fixpoint::models {

namespace {

// Where the fields of a TSS are (SDM vol. 3, figures 7-2 and 7-10). General registers and segment selectors
// follow each other in the order of their numbers, each in a field of `bytes`.
struct TaskLayout {
    unsigned bytes;
    uint32_t eip, eflags, general, selectors, local_table, smallest_limit;
    unsigned selector_count; // a 16-bit TSS has no FS and GS

    // What a switch saves begins at `eip` and ends before this.
    [[nodiscard]] uint32_t saved_end() const { return selectors + (selector_count - 1) * bytes + 2; }
};
constexpr TaskLayout layout16{2, 0x0E, 0x10, 0x12, 0x22, 0x2A, 0x2B, 4};
constexpr TaskLayout layout32{4, 0x20, 0x24, 0x28, 0x48, 0x60, 0x67, 6};
constexpr uint32_t back_link = 0, page_directory = 0x1C, debug_trap = 0x64;

constexpr uint16_t wide_tss = 8, busy_tss = 2; // bits of a TSS's type
constexpr uint32_t busy_in_descriptor = 1u << 9;
constexpr uint16_t in_local_table = 4; // TI of a selector

const TaskLayout& layout_of(const SegmentState& tss) {
    return (tss.attributes & wide_tss) != 0 ? layout32 : layout16;
}

struct TaskImage {
    uint32_t cr3 = 0, eip = 0, eflags = 0;
    std::array<uint32_t, 8> general{};
    std::array<uint16_t, segment_count> selectors{};
    uint16_t local_table = 0, trap = 0;
};

bool read_field(Core& core, uint32_t linear, unsigned bytes, uint32_t& value) {
    if (bytes == 4)
        return core.read_system(linear, value);
    uint16_t narrow = 0;
    const bool read = core.read_system(linear, narrow);
    value = narrow;
    return read;
}

bool read_image(Core& core, const SegmentState& tss, TaskImage& image) {
    const TaskLayout& at = layout_of(tss);
    const uint32_t base = tss.base;
    if (!read_field(core, base + at.eip, at.bytes, image.eip) ||
        !read_field(core, base + at.eflags, at.bytes, image.eflags))
        return false;
    for (unsigned i = 0; i < 8; ++i) {
        if (!read_field(core, base + at.general + i * at.bytes, at.bytes, image.general[i]))
            return false;
        if (at.bytes == 2)
            image.general[i] |= 0xFFFF'0000u; // as every 386 and its successors load them
    }
    for (unsigned i = 0; i < at.selector_count; ++i)
        if (!core.read_system(base + at.selectors + i * at.bytes, image.selectors[i]))
            return false;
    if (!core.read_system(base + at.local_table, image.local_table))
        return false;
    return at.bytes == 2 || (core.read_system(base + page_directory, image.cr3) &&
                             core.read_system(base + debug_trap, image.trap));
}

bool save_image(Core& core, uint32_t return_eip, uint32_t flags_image) {
    const TaskLayout& at = layout_of(core.tr);
    const uint32_t base = core.tr.base;
    if (!core.write_slow(base + at.eip, at.bytes, return_eip, false) ||
        !core.write_slow(base + at.eflags, at.bytes, flags_image, false))
        return false;
    for (unsigned i = 0; i < 8; ++i)
        if (!core.write_slow(base + at.general + i * at.bytes, at.bytes, core.registers[i], false))
            return false;
    for (unsigned i = 0; i < at.selector_count; ++i)
        if (!core.write_slow(base + at.selectors + i * at.bytes, 2, core.segment[i].selector, false))
            return false;
    return true;
}

// Both ends of a range that is no longer than a page.
bool may_write(Core& core, uint32_t linear, uint32_t bytes) {
    return core.probe_write(linear, 1, false) && core.probe_write(linear + bytes - 1, 1, false);
}
bool may_read(Core& core, uint32_t linear, uint32_t bytes) {
    uint8_t first = 0, last = 0;
    return core.read_system(linear, first) && core.read_system(linear + bytes - 1, last);
}

// Where the busy bit of a TSS is; its table was looked up when it was loaded.
uint32_t descriptor_of(const Core& core, uint16_t selector) {
    return core.gdtr.base + (selector & ~7u) + 4;
}
bool mark_busy(Core& core, uint16_t selector, bool busy) {
    uint32_t high = 0;
    if (!core.read_system(descriptor_of(core, selector), high))
        return false;
    high = busy ? high | busy_in_descriptor : high & ~busy_in_descriptor;
    return core.write_slow(descriptor_of(core, selector), 4, high, false);
}

// ---- The checks of the new task's CS and SS

// The first of two of CS: only of what is a code segment, and whatever else may be wrong with it.
bool check_code_level(Core& core, uint16_t selector) {
    uint32_t linear = 0;
    if ((selector & ~3u) == 0 || !core.find_descriptor(selector, linear))
        return true;
    Core::Descriptor code{};
    if (!core.read_descriptor(selector, vector::invalid_tss, code))
        return false;
    const unsigned level = selector & 3u;
    const bool fits = code.conforming() ? code.dpl() <= level : code.dpl() == level;
    return !code.code() || fits || core.raise(vector::invalid_tss, selector & ~3u);
}
bool check_code(Core& core, uint16_t selector, Core::Descriptor& code) {
    const uint32_t index = selector & ~3u;
    if (index == 0)
        return core.raise(vector::invalid_tss, index);
    if (!core.read_descriptor(selector, vector::invalid_tss, code))
        return false;
    if (!code.code())
        return core.raise(vector::invalid_tss, index);
    return code.present() || core.raise(vector::segment_not_present, index);
}
// All but the selector's RPL.
bool check_stack(Core& core, uint16_t selector, unsigned level, Core::Descriptor& stack) {
    const uint32_t index = selector & ~3u;
    if (index == 0)
        return core.raise(vector::invalid_tss, index);
    if (!core.read_descriptor(selector, vector::invalid_tss, stack))
        return false;
    if (!stack.writable_data())
        return core.raise(vector::invalid_tss, index);
    if (!stack.present())
        return core.raise(vector::stack_fault, index);
    return stack.dpl() == level || core.raise(vector::invalid_tss, index);
}

} // namespace

bool Core::switch_task(uint16_t selector, TaskSwitch kind, uint32_t return_eip, uint32_t flags_image,
                       const uint32_t* error_code) {
    constexpr unsigned available16 = 1, available32 = 9;
    const bool back = kind == TaskSwitch::unnest;
    // SDM vol. 3, table 7-1.
    const uint8_t unfit = back ? vector::invalid_tss : vector::general_protection;
    const uint32_t index = selector & ~3u;
    if ((selector & in_local_table) != 0)
        return raise(unfit, index);
    Descriptor descriptor{};
    if (!read_descriptor(selector, unfit, descriptor))
        return false;
    const unsigned state_bit = back ? busy_tss : 0u, type = descriptor.type() ^ state_bit;
    if (type != available16 && type != available32)
        return raise(unfit, index);
    if (!descriptor.present())
        return raise(vector::segment_not_present, index);
    SegmentState entered = descriptor.segment();
    const TaskLayout &from = layout_of(tr), &to = layout_of(entered);
    if (entered.limit < to.smallest_limit)
        return raise(vector::invalid_tss, index);
    if (tr.limit < from.saved_end() - 1)
        return raise(vector::invalid_tss, tr.selector & ~3u);

    // 7.3, step 5: everything that the switch uses is in memory.
    const bool leaves_busy = kind == TaskSwitch::nest;
    if (!may_write(*this, tr.base + from.eip, from.saved_end() - from.eip) ||
        !may_read(*this, entered.base, to.smallest_limit + 1) ||
        (leaves_busy && !may_write(*this, entered.base + back_link, 2)) ||
        (!leaves_busy && !may_write(*this, descriptor_of(*this, tr.selector), 4)) ||
        (!back && !may_write(*this, descriptor_of(*this, selector), 4)))
        return false;

    // Steps 6 to 10. The new image is read after the old one is written: IRET may go to the task it leaves.
    if ((!leaves_busy && !mark_busy(*this, tr.selector, false)) ||
        !save_image(*this, return_eip, back ? flags_image & ~eflags::nt : flags_image) ||
        (leaves_busy && !write_slow(entered.base + back_link, 2, tr.selector, false)) ||
        (!back && !mark_busy(*this, selector, true)))
        return false;
    TaskImage image;
    if (!read_image(*this, entered, image))
        return false;

    // Steps 11 and 12: from here on the new task runs.
    fault_in_new_task = true;
    entered.attributes |= busy_tss;
    tr = entered;
    clock.cycles +=
        parameters.privilege_change_cycles + uint64_t{segment_count} * parameters.segment_load_cycles;
    debug[7] &= ~dr7::local_enables;
    mmu.cr0 |= Mmu::cr0_ts;
    eip = image.eip;
    for (unsigned i = 0; i < 8; ++i)
        registers[i] = image.general[i];
    flags.set_value((image.eflags & eflags::defined) | (leaves_busy ? eflags::nt : 0));
    for (unsigned i = 0; i < segment_count; ++i) {
        segment[i] = SegmentState{};
        segment[i].selector = image.selectors[i];
    }
    update_breakpoints();
    if ((mmu.cr0 & Mmu::cr0_pg) != 0 && to.bytes == 4) {
        clock.cycles += parameters.cr3_load_cycles;
        if (!mmu.set_cr3(image.cr3)) // the new task's page-directory-pointer entries
            return raise_protection();
    }
    if (!load_task_segments(image.local_table) ||
        (error_code != nullptr && !push_error_code(*error_code, to.bytes)))
        return false;
    if (eip > code_limit)
        return raise_protection();
    if ((image.trap & 1) != 0)
        trap_after_instruction(dr6::task_switch);
    fault_in_new_task = false;
    return true;
}

// On the new task's stack, as wide as its TSS.
bool Core::push_error_code(uint32_t error_code, unsigned bytes) {
    Stack stack = current_stack();
    if (!frame_fits(stack, bytes, 1, 0) || !push_frame(stack, bytes, std::array{error_code}))
        return false;
    set_stack(stack);
    return true;
}

// The checks are in the order of SDM vol. 3, table 7-1, which is that of the P6 family: CS is looked at before and
// after SS, and whether the LDT is present only after what may be read from it.
bool Core::load_task_segments(uint16_t local_table) {
    // Until the stack is known to be good, events must not use it: as from level 3.
    privilege = 3;
    update_mode();
    request_attention();
    bool local_present = true;
    if (!load_task_local_table(local_table, local_present))
        return false;
    const uint16_t code_selector = segment[seg_cs].selector, stack_selector = segment[seg_ss].selector;
    const unsigned level = code_selector & 3u;
    Descriptor code{}, stack{};
    const bool checked =
        v86() || (check_code_level(*this, code_selector) && check_stack(*this, stack_selector, level, stack));
    if (!local_present) {
        ldtr = SegmentState{};
        ldtr.selector = local_table;
    }
    if (!checked)
        return false;
    if (!local_present)
        return raise(vector::invalid_tss, local_table & ~3u);
    if (v86()) {
        for (unsigned i = 0; i < segment_count; ++i)
            set_v86_or_real_segment(i, segment[i].selector);
        update_mode();
        return true;
    }
    const bool stack_fits = (stack_selector & 3u) == level;
    if (stack_fits) { // a fault of CS finds the task's stack in use
        if (!mark_accessed(stack))
            return false;
        segment[seg_ss] = stack.segment();
        privilege = static_cast<uint8_t>(level);
        update_mode();
    }
    if (!check_code(*this, code_selector, code))
        return false;
    if (!stack_fits)
        return raise(vector::invalid_tss, stack_selector & ~3u);
    if (!mark_accessed(code))
        return false;
    segment[seg_cs] = code.segment();
    update_mode();
    for (const unsigned index : {seg_ds, seg_es, seg_fs, seg_gs})
        if (!load_task_data(index))
            return false;
    update_mode();
    return true;
}

// `present`: whether it is; until that is checked, LDTR counts as loaded with it.
bool Core::load_task_local_table(uint16_t selector, bool& present) {
    constexpr unsigned ldt_type = 2;
    ldtr = SegmentState{};
    ldtr.selector = selector;
    if ((selector & in_local_table) != 0)
        return raise(vector::invalid_tss, selector & ~3u);
    if ((selector & ~3u) == 0)
        return true;
    Descriptor descriptor{};
    if (!read_descriptor(selector, vector::invalid_tss, descriptor))
        return false;
    if (descriptor.type() != ldt_type)
        return raise(vector::invalid_tss, selector & ~3u);
    present = descriptor.present();
    ldtr = descriptor.segment();
    ldtr.attributes |= SegmentState::present;
    return true;
}

bool Core::load_task_data(unsigned index) {
    const uint16_t selector = segment[index].selector;
    if ((selector & ~3u) == 0)
        return true; // stays unusable
    Descriptor descriptor{};
    if (!read_descriptor(selector, vector::invalid_tss, descriptor))
        return false;
    if (!descriptor.readable())
        return raise(vector::invalid_tss, selector & ~3u);
    if (!descriptor.present())
        return raise(vector::segment_not_present, selector & ~3u);
    if (!descriptor.loadable_at(privilege))
        return raise(vector::invalid_tss, selector & ~3u);
    if (!mark_accessed(descriptor))
        return false;
    segment[index] = descriptor.segment();
    return true;
}

} // namespace fixpoint::models
