// What the handler files share: going on to the next instruction, and picking template instances.
#pragma once

#include "models/cpu/handlers.hpp"
#include "models/cpu/memory_access.hpp"

#include <type_traits>
#include <utility>

namespace fixpoint::models {

// The tail call that goes on within the block.
[[gnu::always_inline]] inline void next(Core& core, const Op* op) {
    return op[1].handler(core, op + 1);
}

template<class T>
inline constexpr unsigned bits_of = sizeof(T) * 8;

// Calls pick.operator()<T>() for the operand size.
template<class Pick>
Handler by_size(unsigned size, Pick pick) {
    switch (size) {
    case 0:
        return pick.template operator()<uint8_t>();
    case 1:
        return pick.template operator()<uint16_t>();
    default:
        return pick.template operator()<uint32_t>();
    }
}
// 16 or 32 bits only.
template<class Pick>
Handler by_wide_size(unsigned size, Pick pick) {
    return size == 1 ? pick.template operator()<uint16_t>() : pick.template operator()<uint32_t>();
}
// Calls pick.operator()<N>() for a value below Count.
template<unsigned Count, class Pick>
Handler by_value(unsigned value, Pick pick) {
    Handler found = nullptr;
    [&]<unsigned... N>(std::integer_sequence<unsigned, N...>) {
        ((N == value ? void(found = pick.template operator()<N>()) : void()), ...);
    }
    (std::make_integer_sequence<unsigned, Count>{});
    return found;
}

// The r/m operand of the less frequent instructions, register or memory.
template<class T, bool Memory>
[[nodiscard, gnu::always_inline]] inline bool read_rm(Core& core, const Op* op, T& value) {
    if constexpr (Memory)
        return load<T, false>(core, op, value);
    value = core.get<T>(op->rm);
    return true;
}
template<class T, bool Memory>
[[nodiscard, gnu::always_inline]] inline bool write_rm(Core& core, const Op* op, T value) {
    if constexpr (Memory)
        return store<T, false>(core, op, value);
    core.set<T>(op->rm, value);
    return true;
}
// Read-modify-write of the r/m operand; nullptr: fault.
template<class T, bool Memory, bool Flat = false>
[[nodiscard, gnu::always_inline]] inline uint8_t* modify_rm(Core& core, const Op* op) {
    if constexpr (Memory)
        return modify<T, Flat>(core, op);
    return reinterpret_cast<uint8_t*>(core.registers.data()) + op->rm;
}

} // namespace fixpoint::models
