// x87 instructions between registers: transfers, constants, sign, examination, the stack pointer.
#include "models/cpu/handlers_x87.hpp"
#include "models/cpu/x87_unit.hpp"

namespace fixpoint::models {

namespace {

void clear_c1(X87State& x87) {
    x87_set_condition(x87, x87_status::c1, 0);
}

// Makes an empty register's place hold the indefinite, if the stack fault is masked. False: the instruction ends.
[[nodiscard]] bool fill_empty(X87State& x87, unsigned index) {
    if (!x87.empty(index))
        return true;
    if (!x87_stack_fault(x87, StackFault::underflow))
        return false;
    x87.set(index, indefinite);
    return true;
}

void push_or_fault(X87State& x87, const Float80& value) {
    if (x87.empty(7)) {
        clear_c1(x87);
        x87.push(value);
    } else if (x87_stack_fault(x87, StackFault::overflow)) {
        x87.push(indefinite);
    }
}

template<X87Transfer Transfer>
void transfer_op(Core& core, const Op* op) {
    if (!x87_ready(core, op))
        return;
    X87State& x87 = core.x87;
    x87_record(core, op);
    const unsigned other = op->detail;
    if constexpr (Transfer == X87Transfer::load) {
        if (x87.empty(other)) {
            if (x87_stack_fault(x87, StackFault::underflow))
                x87.push(indefinite);
        } else {
            push_or_fault(x87, Float80{x87.st(other)});
        }
    } else if constexpr (Transfer == X87Transfer::store || Transfer == X87Transfer::store_pop) {
        const bool empty = x87.empty(0);
        if (empty && !x87_stack_fault(x87, StackFault::underflow))
            return next(core, op);
        if (!empty)
            clear_c1(x87);
        x87.set(other, empty ? indefinite : Float80{x87.st(0)});
        if constexpr (Transfer == X87Transfer::store_pop)
            x87.pop();
    } else if constexpr (Transfer == X87Transfer::exchange) {
        if (x87.empty(0) || x87.empty(other)) {
            if (!fill_empty(x87, 0) || !fill_empty(x87, other))
                return next(core, op);
        } else {
            clear_c1(x87);
        }
        const Float80 top = x87.st(0);
        x87.set(0, Float80{x87.st(other)});
        x87.set(other, top);
    } else if constexpr (Transfer == X87Transfer::store_pop_quietly) {
        clear_c1(x87);
        if (!x87.empty(0))
            x87.set(other, Float80{x87.st(0)});
        x87.pop();
    } else {
        x87.free(other);
        if constexpr (Transfer == X87Transfer::free_pop)
            x87.pop();
    }
    return next(core, op);
}

// Condition: 0-3 is below (CF), equal (ZF), below or equal, unordered (PF).
template<unsigned Condition, bool Negated>
void conditional_move_op(Core& core, const Op* op) {
    if (!x87_ready(core, op))
        return;
    X87State& x87 = core.x87;
    x87_record(core, op);
    const unsigned other = op->detail;
    if (x87.empty(0) || x87.empty(other)) {
        if (x87_stack_fault(x87, StackFault::underflow))
            x87.set(0, indefinite);
        return next(core, op);
    }
    constexpr unsigned codes[] = {2, 4, 6, 10}; // of Jcc
    if (condition<codes[Condition]>(core.flags) != Negated)
        x87.set(0, Float80{x87.st(other)});
    return next(core, op);
}

void constant_op(Core& core, const Op* op) {
    if (!x87_ready(core, op))
        return;
    X87State& x87 = core.x87;
    x87_record(core, op);
    push_or_fault(x87, constant(static_cast<FloatConstant>(op->detail), x87_context(x87).rounding));
    return next(core, op);
}

// FXAM; the sign goes to C1, of an empty register too (SDM vol. 2, FXAM).
unsigned examined(const X87State& x87) {
    using namespace x87_status;
    const Float80& value = x87.st(0);
    const unsigned sign = value.sign_exponent >> 15 != 0 ? c1 : 0;
    if (x87.empty(0))
        return sign | c3 | c0;
    switch (classify(value)) {
    case FloatClass::unsupported:
        return sign;
    case FloatClass::nan:
        return sign | c0;
    case FloatClass::normal:
        return sign | c2;
    case FloatClass::infinity:
        return sign | c2 | c0;
    case FloatClass::zero:
        return sign | c3;
    default:
        return sign | c3 | c2;
    }
}

void test_op(X87State& x87) {
    using namespace x87_status;
    constexpr unsigned unordered = c3 | c2 | c0;
    if (x87.empty(0)) {
        (void)x87_stack_fault(x87, StackFault::underflow);
        return x87_set_condition(x87, unordered, unordered);
    }
    FloatContext context = x87_context(x87);
    const Order order = compare(x87.st(0), Float80{}, false, context);
    constexpr unsigned results[] = {c0, c3, 0, unordered};
    (void)x87_settle(x87, context);
    if ((context.raised & ~context.masked & float_exception::invalid) == 0)
        x87_set_condition(x87, unordered, results[static_cast<unsigned>(order)]);
}

template<X87Simple Operation>
void simple_op(Core& core, const Op* op) {
    if (!x87_ready(core, op))
        return;
    X87State& x87 = core.x87;
    x87_record(core, op);
    constexpr uint16_t sign = 0x8000;
    switch (Operation) {
    case X87Simple::change_sign:
    case X87Simple::absolute:
        if (x87.empty(0)) {
            if (x87_stack_fault(x87, StackFault::underflow))
                x87.set(0, indefinite);
        } else {
            clear_c1(x87);
            uint16_t& word = x87.registers[x87.physical(0)].sign_exponent;
            word = static_cast<uint16_t>(Operation == X87Simple::change_sign ? word ^ sign : word & ~sign);
        }
        break;
    case X87Simple::test:
        test_op(x87);
        break;
    case X87Simple::examine:
        x87_set_condition(x87, x87_status::condition, examined(x87));
        break;
    case X87Simple::decrement:
    case X87Simple::increment:
        clear_c1(x87);
        x87.rotate(Operation == X87Simple::increment ? 1 : -1);
        break;
    case X87Simple::no_operation:
        break;
    }
    return next(core, op);
}

} // namespace

Handler x87_transfer_handler(X87Transfer transfer) {
    return by_value<7>(static_cast<unsigned>(transfer),
                       []<unsigned N>() -> Handler { return transfer_op<static_cast<X87Transfer>(N)>; });
}
Handler x87_conditional_move_handler(unsigned condition, bool negated) {
    return by_value<4>(condition, [&]<unsigned N>() -> Handler {
        return negated ? conditional_move_op<N, true> : conditional_move_op<N, false>;
    });
}
Handler x87_constant_handler() {
    return constant_op;
}
Handler x87_simple_handler(X87Simple operation) {
    return by_value<7>(static_cast<unsigned>(operation),
                       []<unsigned N>() -> Handler { return simple_op<static_cast<X87Simple>(N)>; });
}

} // namespace fixpoint::models
