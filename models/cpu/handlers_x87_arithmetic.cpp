// x87 arithmetic with two operands, and comparisons (SDM vol. 1, 8.3.5 and 8.3.6).
#include "models/cpu/handlers_x87.hpp"
#include "models/cpu/x87_unit.hpp"

namespace fixpoint::models {

namespace {

enum : unsigned {
    op_add,
    op_multiply,
    op_compare,
    op_compare_pop,
    op_subtract,
    op_subtract_reversed,
    op_divide,
    op_divide_reversed
};

// ---- Memory operands

// What a memory operand becomes before the operation. A signalling NaN stays one, for the operation to find; a denormal
// is a normal number in the register format, so its exception is raised beside the operation's own.
struct Operand {
    Float80 value;
    bool denormal = false;
};

constexpr uint16_t largest_exponent = 0x7FFF;

Operand widen(uint32_t raw) {
    constexpr uint32_t exponent = 0x7F80'0000, fraction = 0x007F'FFFF;
    FloatContext masked;
    if ((raw & exponent) == exponent && (raw & fraction) != 0) {
        const auto sign = static_cast<uint16_t>(raw >> 16 & 0x8000u);
        return {{uint64_t{1} << 63 | uint64_t{raw & fraction} << 40,
                 static_cast<uint16_t>(sign | largest_exponent)}};
    }
    return {from_float32(raw, masked), (raw & exponent) == 0 && (raw & fraction) != 0};
}
Operand widen(uint64_t raw) {
    constexpr uint64_t exponent = 0x7FF0'0000'0000'0000, fraction = 0x000F'FFFF'FFFF'FFFF;
    FloatContext masked;
    if ((raw & exponent) == exponent && (raw & fraction) != 0) {
        const auto sign = static_cast<uint16_t>(raw >> 48 & 0x8000u);
        return {{uint64_t{1} << 63 | (raw & fraction) << 11, static_cast<uint16_t>(sign | largest_exponent)}};
    }
    return {from_float64(raw, masked), (raw & exponent) == 0 && (raw & fraction) != 0};
}
Operand widen(int16_t raw) {
    return {from_int64(raw)};
}
Operand widen(int32_t raw) {
    return {from_int64(raw)};
}

// The denormal exception of the memory operand, which NaNs, invalid operations and divisions by zero go before (SDM
// vol. 1, 8.5 and table 4-7).
void add_denormal(FloatContext& context, const Float80& other) {
    if ((context.raised & (float_exception::invalid | float_exception::divide_by_zero)) != 0 ||
        classify(other) == FloatClass::nan)
        return;
    const bool masked = (context.masked & float_exception::denormal) != 0;
    if (!masked) { // there is no operation
        context.raised = 0;
        context.rounded_up = false;
    }
    context.raised |= float_exception::denormal;
}

// ---- Arithmetic

template<unsigned Operation>
Float80 compute(const Float80& top, const Float80& other, FloatContext& context) {
    if constexpr (Operation == op_add)
        return add(top, other, context);
    else if constexpr (Operation == op_multiply)
        return multiply(top, other, context);
    else if constexpr (Operation == op_subtract)
        return subtract(top, other, context);
    else if constexpr (Operation == op_subtract_reversed)
        return subtract(other, top, context);
    else if constexpr (Operation == op_divide)
        return divide(top, other, context);
    else
        return divide(other, top, context);
}

template<unsigned Operation, class Raw, bool Flat>
void arithmetic_memory_op(Core& core, const Op* op) {
    Raw raw;
    if (!x87_memory_operand<Raw, Flat>(core, op, raw))
        return;
    X87State& x87 = core.x87;
    if (x87.empty(0)) {
        if (x87_stack_fault(x87, StackFault::underflow))
            x87.set(0, indefinite);
        return next(core, op);
    }
    const Operand operand = widen(raw);
    FloatContext context = x87_context(x87);
    const Float80 result = compute<Operation>(x87.st(0), operand.value, context);
    if (operand.denormal) [[unlikely]]
        add_denormal(context, x87.st(0));
    if (x87_settle(x87, context))
        x87.set(0, result);
    return next(core, op);
}

template<unsigned Operation, bool ToOther, bool Pop>
void arithmetic_register_op(Core& core, const Op* op) {
    if (!x87_ready(core, op))
        return;
    X87State& x87 = core.x87;
    x87_record(core, op);
    const unsigned other = op->detail, destination = ToOther ? other : 0;
    Float80 result = indefinite;
    bool deliver = false;
    if (x87.empty(0) || x87.empty(other)) {
        deliver = x87_stack_fault(x87, StackFault::underflow);
    } else {
        FloatContext context = x87_context(x87);
        result = compute<Operation>(x87.st(0), x87.st(other), context);
        deliver = x87_settle(x87, context);
    }
    if (deliver) {
        x87.set(destination, result);
        if constexpr (Pop)
            x87.pop();
    }
    return next(core, op);
}

// ---- Comparison

constexpr unsigned compared = x87_status::c0 | x87_status::c2 | x87_status::c3;

unsigned condition_of(Order order) {
    switch (order) {
    case Order::less:
        return x87_status::c0;
    case Order::equal:
        return x87_status::c3;
    case Order::greater:
        return 0;
    default:
        return compared;
    }
}

// FCOMI's flags (SDM vol. 2, FCOMI).
void set_flags_of(Flags& flags, Order order) {
    const uint32_t values[] = {eflags::cf, eflags::zf, 0, eflags::zf | eflags::pf | eflags::cf};
    flags.set_arithmetic(values[static_cast<unsigned>(order)]);
}

// What a comparison may still do. An unmasked exception leaves the stack as it is; only an invalid operand that is not
// masked keeps the result from being set (SDM vol. 2, FCOM).
struct Compared {
    bool sets = true, pops = true;
};
Compared compared_empty(X87State& x87) {
    return {true, x87_stack_fault(x87, StackFault::underflow)};
}
Compared settle_comparison(X87State& x87, const FloatContext& context) {
    const bool pops = x87_settle(x87, context);
    return {(context.raised & ~context.masked & float_exception::invalid) == 0, pops};
}

template<class Raw, bool Pop, bool Flat>
void compare_memory_op(Core& core, const Op* op) {
    Raw raw;
    if (!x87_memory_operand<Raw, Flat>(core, op, raw))
        return;
    X87State& x87 = core.x87;
    Order order = Order::unordered;
    Compared done;
    if (x87.empty(0)) {
        done = compared_empty(x87);
    } else {
        const Operand operand = widen(raw);
        FloatContext context = x87_context(x87);
        order = compare(x87.st(0), operand.value, false, context);
        if (operand.denormal)
            add_denormal(context, x87.st(0));
        done = settle_comparison(x87, context);
    }
    if (done.sets)
        x87_set_condition(x87, compared, condition_of(order));
    if constexpr (Pop)
        if (done.pops)
            x87.pop();
    return next(core, op);
}

template<bool Quiet, bool ToFlags, unsigned Pops>
void compare_register_op(Core& core, const Op* op) {
    if (!x87_ready(core, op))
        return;
    X87State& x87 = core.x87;
    x87_record(core, op);
    const unsigned other = op->detail;
    Order order = Order::unordered;
    Compared done;
    if (x87.empty(0) || x87.empty(other)) {
        done = compared_empty(x87);
    } else {
        FloatContext context = x87_context(x87);
        order = compare(x87.st(0), x87.st(other), Quiet, context);
        done = settle_comparison(x87, context);
    }
    if (done.sets) {
        if constexpr (ToFlags)
            set_flags_of(core.flags, order);
        else
            x87_set_condition(x87, compared, condition_of(order));
    }
    for (unsigned i = 0; done.pops && i < Pops; ++i)
        x87.pop();
    return next(core, op);
}

template<class Raw, bool Flat>
Handler pick_memory(unsigned operation) {
    return by_value<8>(operation, []<unsigned N>() -> Handler {
        if constexpr (N == op_compare || N == op_compare_pop)
            return compare_memory_op<Raw, N == op_compare_pop, Flat>;
        else
            return arithmetic_memory_op<N, Raw, Flat>;
    });
}
template<class Raw>
Handler pick_memory(unsigned operation, bool flat) {
    return flat ? pick_memory<Raw, true>(operation) : pick_memory<Raw, false>(operation);
}

template<bool Quiet, bool ToFlags>
Handler pick_comparison(unsigned pops) {
    return by_value<3>(pops, []<unsigned N>() -> Handler { return compare_register_op<Quiet, ToFlags, N>; });
}

} // namespace

Handler x87_arithmetic_memory_handler(unsigned operation, X87Format format, bool flat) {
    switch (format) {
    case X87Format::float32:
        return pick_memory<uint32_t>(operation, flat);
    case X87Format::float64:
        return pick_memory<uint64_t>(operation, flat);
    case X87Format::int16:
        return pick_memory<int16_t>(operation, flat);
    default:
        return pick_memory<int32_t>(operation, flat);
    }
}
Handler x87_arithmetic_register_handler(unsigned operation, bool to_other, bool pop) {
    return by_value<8>(operation, [&]<unsigned N>() -> Handler {
        if (pop)
            return arithmetic_register_op<N, true, true>;
        return to_other ? arithmetic_register_op<N, true, false> : arithmetic_register_op<N, false, false>;
    });
}
Handler x87_compare_register_handler(X87Comparison comparison) {
    const unsigned pops = comparison.pops;
    if (comparison.to_flags)
        return comparison.quiet ? pick_comparison<true, true>(pops) : pick_comparison<false, true>(pops);
    return comparison.quiet ? pick_comparison<true, false>(pops) : pick_comparison<false, false>(pops);
}

} // namespace fixpoint::models
