// x87 loads from memory and stores to it, with conversion (SDM vol. 1, 8.3.3).
//
// A store whose memory operand faults leaves the status word as it was; an unmasked exception that forbids the store
// keeps it from touching memory at all.
#include "models/cpu/handlers_x87.hpp"
#include "models/cpu/x87_unit.hpp"

#include <limits>

namespace fixpoint::models {

namespace {

// The formats: their bytes in memory, and the conversion into the register format.
struct Single {
    using Raw = uint32_t;
    static Float80 load(const Raw& raw, FloatContext& context) { return from_float32(raw, context); }
    static Raw store(const Float80& value, FloatContext& context) { return to_float32(value, context); }
    static constexpr Raw indefinite_value = 0xFFC0'0000;
};
struct Double {
    using Raw = uint64_t;
    static Float80 load(const Raw& raw, FloatContext& context) { return from_float64(raw, context); }
    static Raw store(const Float80& value, FloatContext& context) { return to_float64(value, context); }
    static constexpr Raw indefinite_value = 0xFFF8'0000'0000'0000;
};
struct Extended { // anything goes through unchanged
    using Raw = Bytes10;
    static Float80 load(const Raw& raw, FloatContext&) {
        Float80 value;
        std::memcpy(&value.significand, raw.data(), 8);
        std::memcpy(&value.sign_exponent, raw.data() + 8, 2);
        return value;
    }
    static Raw store(const Float80& value, FloatContext&) {
        Raw raw;
        std::memcpy(raw.data(), &value.significand, 8);
        std::memcpy(raw.data() + 8, &value.sign_exponent, 2);
        return raw;
    }
    static constexpr Raw indefinite_value = {0, 0, 0, 0, 0, 0, 0, 0xC0, 0xFF, 0xFF};
};
template<class T>
struct Integer {
    using Raw = T;
    static Float80 load(const Raw& raw, FloatContext&) { return from_int64(raw); }
    static Raw store(const Float80& value, FloatContext& context) {
        if constexpr (sizeof(T) == 2)
            return to_int16(value, context);
        else if constexpr (sizeof(T) == 4)
            return to_int32(value, context);
        else
            return to_int64(value, context);
    }
    static constexpr Raw indefinite_value = std::numeric_limits<T>::min();
};
struct Decimal {
    using Raw = Bytes10;
    static Float80 load(const Raw& raw, FloatContext&) {
        uint8_t digits[10];
        std::memcpy(digits, raw.data(), sizeof(digits));
        return from_bcd(digits);
    }
    static Raw store(const Float80& value, FloatContext& context) {
        uint8_t digits[10];
        to_bcd(value, digits, context);
        Raw raw;
        std::memcpy(raw.data(), digits, sizeof(digits));
        return raw;
    }
    static constexpr Raw indefinite_value = {0, 0, 0, 0, 0, 0, 0, 0xC0, 0xFF, 0xFF};
};

template<class Format, bool Flat>
void load_op(Core& core, const Op* op) {
    typename Format::Raw raw;
    if (!x87_memory_operand<typename Format::Raw, Flat>(core, op, raw))
        return;
    X87State& x87 = core.x87;
    if (!x87.empty(7)) {
        if (x87_stack_fault(x87, StackFault::overflow))
            x87.push(indefinite);
        return next(core, op);
    }
    FloatContext context = x87_context(x87);
    const Float80 value = Format::load(raw, context);
    if (x87_settle(x87, context))
        x87.push(value);
    return next(core, op);
}

template<class Format, bool Pop, bool Flat>
void store_op(Core& core, const Op* op) {
    if (!x87_ready(core, op))
        return;
    X87State& x87 = core.x87;
    const uint16_t status_before = x87.status;
    const uint32_t offset = effective_address<Flat>(core, op);
    typename Format::Raw raw = Format::indefinite_value;
    bool deliver = false;
    if (x87.empty(0)) {
        deliver = x87_stack_fault(x87, StackFault::underflow);
    } else {
        constexpr uint8_t no_result =
            float_exception::invalid | float_exception::overflow | float_exception::underflow;
        FloatContext context = x87_context(x87);
        context.stack_result = false;
        raw = Format::store(x87.st(0), context);
        deliver = x87_settle(x87, context) && (context.raised & ~context.masked & no_result) == 0;
    }
    if (deliver && !x87_store<typename Format::Raw, Flat>(core, op, offset, raw)) {
        x87.status = status_before;
        return core.fault_exit(op);
    }
    x87_record(core, op, offset);
    if constexpr (Pop)
        if (deliver)
            x87.pop();
    return next(core, op);
}

// Calls pick.operator()<Format>().
template<class Pick>
Handler by_format(X87Format format, Pick pick) {
    switch (format) {
    case X87Format::float32:
        return pick.template operator()<Single>();
    case X87Format::float64:
        return pick.template operator()<Double>();
    case X87Format::float80:
        return pick.template operator()<Extended>();
    case X87Format::int16:
        return pick.template operator()<Integer<int16_t>>();
    case X87Format::int32:
        return pick.template operator()<Integer<int32_t>>();
    case X87Format::int64:
        return pick.template operator()<Integer<int64_t>>();
    default:
        return pick.template operator()<Decimal>();
    }
}

} // namespace

Handler x87_load_handler(X87Format format, bool flat) {
    return by_format(format, [&]<class Format>() -> Handler {
        return flat ? load_op<Format, true> : load_op<Format, false>;
    });
}
Handler x87_store_handler(X87Format format, bool pop, bool flat) {
    return by_format(format, [&]<class Format>() -> Handler {
        if (pop)
            return flat ? store_op<Format, true, true> : store_op<Format, true, false>;
        return flat ? store_op<Format, false, true> : store_op<Format, false, false>;
    });
}

} // namespace fixpoint::models
