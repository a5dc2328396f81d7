// x87 control instructions and WAIT (SDM vol. 1, 8.3.11). They leave the last instruction's pointers alone.
#include "models/cpu/handlers_x87.hpp"
#include "models/cpu/x87_unit.hpp"

namespace fixpoint::models {

namespace {

template<X87Control Operation>
void control_op(Core& core, const Op* op) {
    if (!x87_ready_without_wait(core, op))
        return;
    X87State& x87 = core.x87;
    if constexpr (Operation == X87Control::initialise) {
        x87.finit();
    } else if constexpr (Operation == X87Control::clear_exceptions) {
        x87.status &= x87_status::condition;
    }
    x87_pending_changed(core, op);
    return next(core, op);
}

template<X87Word Word>
void store_word_op(Core& core, const Op* op) {
    if (!x87_ready_without_wait(core, op))
        return;
    const X87State& x87 = core.x87;
    if (!store<uint16_t, false>(core, op, Word == X87Word::control ? x87.control : x87.status_word()))
        return core.fault_exit(op);
    return next(core, op);
}

void store_status_in_ax_op(Core& core, const Op* op) {
    if (!x87_ready_without_wait(core, op))
        return;
    core.set<uint16_t>(reg_eax * 4, core.x87.status_word());
    return next(core, op);
}

void load_control_op(Core& core, const Op* op) {
    if (!x87_ready(core, op))
        return;
    uint16_t word;
    if (!load<uint16_t, false>(core, op, word))
        return core.fault_exit(op);
    core.x87.set_control(word);
    x87_pending_changed(core, op);
    return next(core, op);
}

void wait_op(Core& core, const Op* op) {
    if (!x87_wait(core, op))
        return;
    return next(core, op);
}

void absent_op(Core& core, const Op* op) {
    if (!x87_ready_without_wait(core, op))
        return;
    core.raise(vector::invalid_opcode);
    return core.fault_exit(op);
}

} // namespace

Handler x87_control_handler(X87Control operation) {
    return by_value<3>(static_cast<unsigned>(operation),
                       []<unsigned N>() -> Handler { return control_op<static_cast<X87Control>(N)>; });
}
Handler x87_store_word_handler(X87Word word) {
    return word == X87Word::control ? store_word_op<X87Word::control> : store_word_op<X87Word::status>;
}
Handler x87_store_status_in_ax_handler() {
    return store_status_in_ax_op;
}
Handler x87_load_control_handler() {
    return load_control_op;
}
Handler x87_wait_handler() {
    return wait_op;
}
Handler x87_absent_handler() {
    return absent_op;
}

} // namespace fixpoint::models
