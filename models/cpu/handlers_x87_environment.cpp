// FSTENV, FLDENV, FSAVE, FRSTOR, FXSAVE, FXRSTOR.
#include "models/cpu/handlers_x87.hpp"
#include "models/cpu/x87_image.hpp"
#include "models/cpu/x87_unit.hpp"

namespace fixpoint::models {

namespace {

X87Image format_of(const Core& core, bool wide) {
    return {wide, !core.protected_mode() || core.v86()};
}

template<bool Wide, X87Area Area>
void save_op(Core& core, const Op* op) {
    if (!x87_ready_without_wait(core, op))
        return;
    X87State& x87 = core.x87;
    const X87Image format = format_of(core, Wide);
    uint8_t image[X87Image::largest];
    unsigned bytes = format.environment_bytes();
    format.store_environment(x87, image);
    if constexpr (Area == X87Area::all) {
        store_x87_registers(x87, image + bytes, X87Image::register_bytes);
        bytes += 8 * X87Image::register_bytes;
    }
    uint32_t linear = 0;
    if (!core.segment_address(op->segment, effective_address<false>(core, op), bytes, true, linear,
                              Wide ? 4 : 2) ||
        !core.write_area(op, linear, bytes, image))
        return core.fault_exit(op);
    if constexpr (Area == X87Area::all)
        x87.finit();
    else
        x87.set_control(x87.control | float_exception::all); // SDM vol. 2, FSTENV
    x87_pending_changed(core, op);
    return next(core, op);
}

template<bool Wide, X87Area Area>
void restore_op(Core& core, const Op* op) {
    if (!x87_ready(core, op))
        return;
    X87State& x87 = core.x87;
    const X87Image format = format_of(core, Wide);
    uint8_t image[X87Image::largest];
    const unsigned environment_bytes = format.environment_bytes();
    const unsigned bytes = environment_bytes + (Area == X87Area::all ? 8 * X87Image::register_bytes : 0);
    uint32_t linear = 0;
    if (!core.segment_address(op->segment, effective_address<false>(core, op), bytes, false, linear,
                              Wide ? 4 : 2) ||
        !core.read_area(op, linear, bytes, image))
        return core.fault_exit(op);
    format.load_environment(x87, image);
    if constexpr (Area == X87Area::all)
        load_x87_registers(x87, image + environment_bytes, X87Image::register_bytes);
    x87_pending_changed(core, op);
    return next(core, op);
}

// The whole area must be there, though not all of it is used; 16-byte alignment is a #GP (SDM vol. 2, FXSAVE).
[[nodiscard]] bool extended_area(Core& core, const Op* op, bool write, uint32_t& linear) {
    constexpr unsigned unaligned = 1; // #AC does not come first
    if (!core.segment_address(op->segment, effective_address<false>(core, op), X87ExtendedImage::bytes, write,
                              linear, unaligned))
        return false;
    if (linear % X87ExtendedImage::alignment != 0)
        return core.raise_protection();
    return core.probe_area(linear, X87ExtendedImage::bytes, write, core.user());
}

void extended_save_op(Core& core, const Op* op) {
    if (!x87_ready_without_wait(core, op))
        return;
    uint8_t image[X87ExtendedImage::used_bytes];
    X87ExtendedImage::store(core.x87, image);
    constexpr unsigned header = X87ExtendedImage::header_bytes,
                       registers = X87ExtendedImage::registers_offset;
    uint32_t linear = 0;
    if (!extended_area(core, op, true, linear) || !core.write_area(op, linear, header, image) ||
        !core.write_area(op, linear + registers, X87ExtendedImage::registers_bytes, image + registers))
        return core.fault_exit(op);
    return next(core, op);
}

void extended_restore_op(Core& core, const Op* op) {
    if (!x87_ready_without_wait(core, op))
        return;
    uint8_t image[X87ExtendedImage::used_bytes];
    uint32_t linear = 0;
    if (!extended_area(core, op, false, linear) ||
        !core.read_area(op, linear, X87ExtendedImage::used_bytes, image))
        return core.fault_exit(op);
    X87ExtendedImage::load(core.x87, image);
    x87_pending_changed(core, op);
    return next(core, op);
}

template<X87Area Area>
Handler pick_save(unsigned size) {
    return size == 2 ? save_op<true, Area> : save_op<false, Area>;
}
template<X87Area Area>
Handler pick_restore(unsigned size) {
    return size == 2 ? restore_op<true, Area> : restore_op<false, Area>;
}

} // namespace

Handler x87_save_handler(X87Area area, unsigned size) {
    return area == X87Area::all ? pick_save<X87Area::all>(size) : pick_save<X87Area::environment>(size);
}
Handler x87_restore_handler(X87Area area, unsigned size) {
    return area == X87Area::all ? pick_restore<X87Area::all>(size) : pick_restore<X87Area::environment>(size);
}
Handler x87_extended_save_handler() {
    return extended_save_op;
}
Handler x87_extended_restore_handler() {
    return extended_restore_op;
}

} // namespace fixpoint::models
