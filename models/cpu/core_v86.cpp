// The virtual-8086 mode extensions (SDM vol. 3, 20.3): the virtual interrupt flag and the redirection of
// software interrupts to the 8086 program's own vectors.
#include "models/cpu/core.hpp"

#include <array>

namespace fixpoint::models {

// POPF and IRET with IOPL below 3. False: #GP(0), for the monitor to step in.
bool Core::virtual_flags_allowed(uint32_t image) {
    const bool enables_pending = (image & eflags::iif) != 0 && (flags.system & eflags::vip) != 0;
    return ((image & eflags::tf) == 0 && !enables_pending) || raise_protection();
}

// The bitmap of 256 bits ends where the I/O permission map begins; a clear bit redirects.
bool Core::redirect_interrupt(uint8_t number, uint32_t return_eip, bool& redirected) {
    constexpr uint32_t map_base_offset = 0x66, smallest_limit = 0x67, bitmap_bytes = 32;
    uint16_t map_base = 0;
    uint8_t bits = 0;
    if (tr.limit < smallest_limit)
        return raise_protection();
    if (!read_system(tr.base + map_base_offset, map_base))
        return false;
    const uint32_t offset = uint32_t{map_base} - bitmap_bytes + number / 8u;
    if (offset > tr.limit)
        return raise_protection();
    if (!read_system(tr.base + offset, bits))
        return false;
    redirected = (bits >> (number % 8) & 1) == 0;
    if (!redirected)
        return true;

    // The program sees IOPL = 3 and its own interrupt flag.
    const bool virtual_flag = iopl() < 3;
    uint32_t image = flags.value();
    if (virtual_flag)
        image = (image & ~eflags::iif) | eflags::iopl | ((image & eflags::vif) != 0 ? eflags::iif : 0);
    uint32_t target = 0; // CS:IP
    Stack stack = current_stack();
    const std::array frame{image, uint32_t{segment[seg_cs].selector}, return_eip};
    if (!read_system(number * 4u, target) || !frame_fits(stack, 2, frame.size(), 0) ||
        !push_frame(stack, 2, frame))
        return false;
    set_stack(stack);
    flags.system &= ~(eflags::tf | eflags::rf | (virtual_flag ? eflags::vif : eflags::iif));
    set_v86_or_real_segment(seg_cs, static_cast<uint16_t>(target >> 16));
    eip = target & 0xFFFF;
    update_mode();
    return true;
}

} // namespace fixpoint::models
