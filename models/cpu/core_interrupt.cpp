// Exceptions and interrupts: through the interrupt descriptor table or the real-mode vectors, and what
// happens when that faults again (SDM vol. 3, chapter 6; the order of checks: vol. 2, INT n).
#include "models/cpu/core.hpp"

#include <array>
#include <span>
#include <utility>

namespace fixpoint::models {

namespace {

constexpr bool contributory(uint8_t number) {
    return number == vector::divide_error ||
           (number >= vector::invalid_tss && number <= vector::general_protection);
}

} // namespace

void Core::deliver(Fault what, uint32_t return_eip, bool is_fault) {
    step_trap = false;
    observer_was_asked = false;
    if (is_fault)
        pending_debug = 0; // traps of an instruction that did not complete
    current = nullptr;
    bool exception = is_fault || what.vector == vector::debug;
    for (bool nested = false;; nested = true) {
        exception_log.add({what.vector, what.has_error, nested, what.error, return_eip, mmu.cr2});
        clock.cycles += parameters.interrupt_cycles;
        counters.exceptions += exception ? 1 : 0;
        delivering = true;
        const bool entered = enter_gate(what, return_eip, false, is_fault);
        delivering = false;
        if (entered) {
            if (what.vector == vector::debug)
                debug[7] &= ~dr7::general_detect; // so that the handler may use the registers (17.2.4)
            return;
        }
        // SDM vol. 3, table 6-5.
        if (std::exchange(fault_in_new_task, false))
            return_eip = eip;
        if (exception && what.vector == vector::double_fault) {
            shutdown = true;
            eip = return_eip;
            request_attention();
            return;
        }
        const bool second_serious = contributory(fault.vector) || fault.vector == vector::page_fault;
        const bool is_double = exception && ((contributory(what.vector) && contributory(fault.vector)) ||
                                             (what.vector == vector::page_fault && second_serious));
        what = is_double ? Fault{vector::double_fault, true, 0} : fault;
        exception = is_fault = true;
        // An #AC is benign, so that one after the other never ends where the stack of its handler at level 3 is not
        // aligned: the processor hangs. Time goes on (the limit is looked at), but nothing gets through.
        if (what.vector == vector::alignment_check && clock.cycles >= limit) {
            undelivered = what;
            eip = return_eip;
            request_attention();
            return;
        }
    }
}

bool Core::enter_real_mode_vector(uint8_t number, uint32_t return_eip) {
    if (number * 4u + 3 > idtr.limit)
        return raise_protection();
    uint32_t target = 0;
    if (!read_system(idtr.base + number * 4u, target))
        return false;
    Stack stack = current_stack();
    const std::array frame{flags.value(), uint32_t{segment[seg_cs].selector}, return_eip};
    if (!frame_fits(stack, 2, frame.size(), 0))
        return false;
    if ((target & 0xFFFF) > segment[seg_cs].limit)
        return raise_protection();
    if (!push_frame(stack, 2, frame))
        return false;
    set_stack(stack);
    flags.system &= ~(eflags::iif | eflags::tf | eflags::rf | eflags::ac);
    set_v86_or_real_segment(seg_cs, static_cast<uint16_t>(target >> 16));
    eip = target & 0xFFFF;
    update_mode();
    request_attention(); // a breakpoint may wait at the handler
    return true;
}

bool Core::enter_gate(const Fault& event, uint32_t return_eip, bool software, bool is_fault) {
    const uint8_t number = event.vector;
    if (!protected_mode())
        return enter_real_mode_vector(number, return_eip);

    // The gate.
    enum : unsigned { task_gate = 5, interrupt16 = 6, trap16 = 7, interrupt32 = 14, trap32 = 15 };
    const uint32_t in_idt = number * 8u + 2;
    Descriptor gate{};
    if (number * 8u + 7 > idtr.limit)
        return raise_protection(in_idt);
    if (!read_system(idtr.base + number * 8u, gate.low) ||
        !read_system(idtr.base + number * 8u + 4, gate.high))
        return false;
    const unsigned type = gate.type();
    if (type != task_gate && type != interrupt16 && type != trap16 && type != interrupt32 && type != trap32)
        return raise_protection(in_idt);
    if (software && gate.dpl() < privilege)
        return raise_protection(in_idt);
    if (!gate.present())
        return raise(vector::segment_not_present, in_idt);
    // Faults push RF = 1, so that an instruction breakpoint does not trigger again (SDM vol. 3, 17.3.1.1).
    const uint32_t image = flags.value() | (is_fault ? eflags::rf : 0);
    if (type == task_gate)
        return switch_task(static_cast<uint16_t>(gate.low >> 16), TaskSwitch::nest, return_eip, image,
                           event.has_error ? &event.error : nullptr);
    const bool wide = type >= interrupt32;
    const unsigned bytes = wide ? 4 : 2;

    // Its code segment.
    const auto selector = static_cast<uint16_t>(gate.low >> 16);
    const uint32_t target = (gate.low & 0xFFFF) | (wide ? gate.high & 0xFFFF'0000u : 0);
    if ((selector & ~3u) == 0)
        return raise_protection();
    Descriptor code{};
    if (!read_descriptor(selector, vector::general_protection, code))
        return false;
    if (!code.code() || code.dpl() > privilege)
        return raise_protection(selector & ~3u);
    if (!code.present())
        return raise(vector::segment_not_present, selector & ~3u);
    const bool inner = !code.conforming() && code.dpl() < privilege;
    const unsigned level = inner ? code.dpl() : privilege;
    const bool from_v86 = v86();
    if (from_v86 && level != 0)
        return raise_protection(selector & ~3u);

    // Its stack, and what is pushed there.
    Stack stack = current_stack();
    Descriptor inner_stack{};
    uint32_t stack_error = 0; // the manual's #SS names a new stack, not the current one
    std::array<uint32_t, 10> frame{};
    unsigned count = 0;
    if (inner) {
        uint16_t stack_selector = 0;
        if (!task_stack(level, stack_selector, stack.pointer) ||
            !read_stack_segment(stack_selector, level, vector::invalid_tss, inner_stack))
            return false;
        stack.segment = inner_stack.segment();
        stack_error = stack_selector & ~3u;
        stack.as_user = false;
        if (from_v86)
            for (const unsigned index : {seg_gs, seg_fs, seg_ds, seg_es})
                frame[count++] = segment[index].selector;
        frame[count++] = segment[seg_ss].selector;
        frame[count++] = registers[reg_esp];
    }
    for (const uint32_t value : {image, uint32_t{segment[seg_cs].selector}, return_eip})
        frame[count++] = value;
    if (event.has_error)
        frame[count++] = event.error;
    if (!frame_fits(stack, bytes, count, stack_error))
        return false;
    if (target > code.segment().limit)
        return raise_protection();
    if (!mark_accessed(code) || (inner && !mark_accessed(inner_stack)) ||
        !push_frame(stack, bytes, std::span{frame}.first(count)))
        return false;

    // Nothing can fault any more.
    if (inner) {
        segment[seg_ss] = inner_stack.segment();
        clock.cycles += parameters.privilege_change_cycles;
        if (from_v86)
            for (const unsigned index : {seg_gs, seg_fs, seg_ds, seg_es})
                segment[index] = SegmentState{};
    }
    set_stack(stack);
    flags.system &= ~(eflags::tf | eflags::nt | eflags::vm | eflags::rf);
    if (type == interrupt16 || type == interrupt32)
        flags.system &= ~eflags::iif;
    eip = target;
    set_code_segment(code.segment(), level);
    return true;
}

} // namespace fixpoint::models
