// x87 functions of ST(0) and ST(1): square root, rounding, scaling, remainders, and the transcendental ones (SDM vol. 1,
// 8.3.7 to 8.3.9).
#include "models/cpu/handlers_x87.hpp"
#include "models/cpu/x87_unit.hpp"

namespace fixpoint::models {

namespace {

// The low four bits of D9 F0-FF.
enum : unsigned {
    op_f2xm1 = 0x0,
    op_fyl2x = 0x1,
    op_fptan = 0x2,
    op_fpatan = 0x3,
    op_fxtract = 0x4,
    op_fprem1 = 0x5,
    op_fprem = 0x8,
    op_fyl2xp1 = 0x9,
    op_fsqrt = 0xA,
    op_fsincos = 0xB,
    op_frndint = 0xC,
    op_fscale = 0xD,
    op_fsin = 0xE,
    op_fcos = 0xF
};

constexpr Float80 one{0x8000'0000'0000'0000, 0x3FFF};

// ---- One operand, one result in its place

template<unsigned Operation>
Float80 function_of(const Float80& value, FloatContext& context) {
    if constexpr (Operation == op_f2xm1)
        return f2xm1(value, context);
    else if constexpr (Operation == op_fsqrt)
        return square_root(value, context);
    else
        return round_to_integer(value, context);
}

template<unsigned Operation>
void one_operand(X87State& x87) {
    if (x87.empty(0)) {
        if (x87_stack_fault(x87, StackFault::underflow))
            x87.set(0, indefinite);
        return;
    }
    FloatContext context = x87_context(x87);
    const Float80 result = function_of<Operation>(x87.st(0), context);
    if (x87_settle(x87, context))
        x87.set(0, result);
}

// ---- ST(0) and ST(1); the result goes to ST(0), or to ST(1), and ST(0) is popped

template<unsigned Operation>
Float80 function_of(const Float80& top, const Float80& second, FloatContext& context) {
    if constexpr (Operation == op_fscale)
        return scale(top, second, context);
    else if constexpr (Operation == op_fyl2x)
        return y_log2_x(second, top, context);
    else if constexpr (Operation == op_fyl2xp1)
        return y_log2_x_plus_1(second, top, context);
    else
        return arctangent(second, top, context);
}

template<unsigned Operation>
void two_operands(X87State& x87) {
    constexpr bool pops = Operation != op_fscale;
    Float80 result = indefinite;
    bool deliver = false;
    if (x87.empty(0) || x87.empty(1)) {
        deliver = x87_stack_fault(x87, StackFault::underflow);
    } else {
        FloatContext context = x87_context(x87);
        result = function_of<Operation>(x87.st(0), x87.st(1), context);
        deliver = x87_settle(x87, context);
    }
    if (!deliver)
        return;
    x87.set(pops ? 1 : 0, result);
    if (pops)
        x87.pop();
}

// C0, C3 and C1 are bits 2, 1 and 0 of the quotient; C2: not finished (SDM vol. 2, FPREM).
void partial_remainder(X87State& x87, bool round_to_nearest) {
    x87_set_condition(x87, x87_status::c2, 0);
    if (x87.empty(0) || x87.empty(1)) {
        if (x87_stack_fault(x87, StackFault::underflow))
            x87.set(0, indefinite);
        return;
    }
    FloatContext context = x87_context(x87);
    const Remainder result = remainder(x87.st(0), x87.st(1), round_to_nearest, context);
    if (!x87_settle(x87, context))
        return;
    x87.set(0, result.value);
    const bool invalid = (context.raised & float_exception::invalid) != 0;
    if (invalid || classify(result.value) == FloatClass::nan)
        return;
    const auto bit = [&](unsigned number, unsigned flag) {
        return (result.quotient_low_bits >> number & 1) != 0 ? flag : 0u;
    };
    const unsigned quotient = bit(2, x87_status::c0) | bit(1, x87_status::c3) | bit(0, x87_status::c1);
    x87_set_condition(x87, x87_status::condition, result.complete ? quotient : x87_status::c2);
}

// ---- One operand, two results: the second is pushed

// Both places must be right: ST(0) full and the one above it empty. False: a stack fault, dealt with.
[[nodiscard]] bool room_for_two(X87State& x87) {
    const bool underflow = x87.empty(0);
    if (!underflow && x87.empty(7))
        return true;
    if (x87_stack_fault(x87, underflow ? StackFault::underflow : StackFault::overflow)) {
        x87.set(0, indefinite);
        x87.push(indefinite);
    }
    return false;
}

void extract_both(X87State& x87) {
    if (!room_for_two(x87))
        return;
    FloatContext context = x87_context(x87);
    const Extracted result = extract(x87.st(0), context);
    if (!x87_settle(x87, context))
        return;
    x87.set(0, result.exponent);
    x87.push(result.significand);
}

template<unsigned Operation>
void trigonometric(X87State& x87) {
    constexpr bool two_results = Operation == op_fptan || Operation == op_fsincos;
    x87_set_condition(x87, x87_status::c2, 0);
    if constexpr (two_results) {
        if (!room_for_two(x87))
            return;
    } else if (x87.empty(0)) {
        if (x87_stack_fault(x87, StackFault::underflow))
            x87.set(0, indefinite);
        return;
    }
    FloatContext context = x87_context(x87);
    Float80 first, second = one;
    bool in_range = false;
    if constexpr (Operation == op_fsincos) {
        const SineCosine result = sine_cosine(x87.st(0), context);
        first = result.sine;
        second = result.cosine;
        in_range = result.in_range;
    } else {
        const Trigonometric result = Operation == op_fsin   ? sine(x87.st(0), context)
                                     : Operation == op_fcos ? cosine(x87.st(0), context)
                                                            : tangent(x87.st(0), context);
        first = result.value;
        in_range = result.in_range;
        if (classify(first) == FloatClass::nan)
            second = first; // FPTAN pushes a NaN twice
    }
    if (!x87_settle(x87, context))
        return;
    if (!in_range)
        return x87_set_condition(x87, x87_status::c2, x87_status::c2);
    x87.set(0, first);
    if constexpr (two_results)
        x87.push(second);
}

template<unsigned Operation>
void function_op(Core& core, const Op* op) {
    if (!x87_ready(core, op))
        return;
    X87State& x87 = core.x87;
    x87_record(core, op);
    if constexpr (Operation == op_f2xm1 || Operation == op_fsqrt || Operation == op_frndint)
        one_operand<Operation>(x87);
    else if constexpr (Operation == op_fprem || Operation == op_fprem1)
        partial_remainder(x87, Operation == op_fprem1);
    else if constexpr (Operation == op_fxtract)
        extract_both(x87);
    else if constexpr (Operation == op_fptan || Operation >= op_fsin || Operation == op_fsincos)
        trigonometric<Operation>(x87);
    else
        two_operands<Operation>(x87);
    return next(core, op);
}

} // namespace

Handler x87_function_handler(unsigned low_bits) {
    return by_value<16>(low_bits, []<unsigned N>() -> Handler {
        constexpr unsigned fdecstp = 6, fincstp = 7;
        if constexpr (N == fdecstp || N == fincstp)
            return nullptr;
        else
            return function_op<N>;
    });
}

} // namespace fixpoint::models
