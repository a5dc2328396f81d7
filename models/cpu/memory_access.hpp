// Memory operands of instructions: the short cut inline, everything else in Core's slow functions.
//
// Flat: the decoder has established that the segment covers all addresses from base 0, may be written, and
// that the address is 32 bits wide, so that the effective address is the linear one. Otherwise all checks are
// made.
#pragma once

#include "models/cpu/core.hpp"

#include <cstring>

namespace fixpoint::models {

// The access just made has left its line and page the most recently used ones: the next may take the short
// cut.
[[gnu::always_inline]] inline void Core::remember(const Piece& piece, bool write, bool as_user) {
    const uint32_t physical = piece.translation.physical;
    const uint8_t* place = write ? map.memory(physical) : map.readable(physical);
    if (place == nullptr || (breakpoints.watches_data() &&
                             breakpoints.watches_line(piece.linear & line_mask, caches.line_bytes())))
        return;
    // After a read the line may be dirty, but nothing here says so: the first write goes the long way.
    const bool writable =
        write && piece.translation.writable && !blocks.line_has_code(physical, caches.line_bytes());
    data_path.fill(as_user, piece.linear, writable, reinterpret_cast<uintptr_t>(place) - piece.linear,
                   piece.translation.tlb_set);
}

template<class T>
[[nodiscard, gnu::always_inline]] inline bool read_linear(Core& core, const Op* op, uint32_t linear,
                                                          T& value) {
    const FastPath::Entry& entry = core.data_entries[(linear >> core.line_shift) & core.data_index_mask];
    if (((linear + static_cast<uint32_t>(sizeof(T) - 1)) & core.line_mask) == entry.read_tag) [[likely]] {
        std::memcpy(&value, reinterpret_cast<const void*>(entry.target + linear), sizeof(T));
        return true;
    }
    core.current = op;
    if constexpr (sizeof(T) > sizeof(uint32_t)) {
        return core.read_wide(linear, sizeof(T), core.user(), &value);
    } else {
        const uint64_t got = core.read_slow(linear, sizeof(T), core.user());
        value = static_cast<T>(got);
        return (got & Core::failed) == 0;
    }
}

template<class T>
[[nodiscard, gnu::always_inline]] inline bool write_linear(Core& core, const Op* op, uint32_t linear,
                                                           const T& value) {
    const FastPath::Entry& entry = core.data_entries[(linear >> core.line_shift) & core.data_index_mask];
    if (((linear + static_cast<uint32_t>(sizeof(T) - 1)) & core.line_mask) == entry.write_tag) [[likely]] {
        std::memcpy(reinterpret_cast<void*>(entry.target + linear), &value, sizeof(T));
        return true;
    }
    core.current = op;
    if constexpr (sizeof(T) > sizeof(uint32_t))
        return core.write_wide(linear, sizeof(T), core.user(), &value);
    else
        return core.write_slow(linear, sizeof(T), value, core.user());
}

template<bool Flat>
[[gnu::always_inline]] inline uint32_t effective_address(const Core& core, const Op* op) {
    const uint32_t address =
        core.registers[op->base] + (core.registers[op->index] << op->scale) + op->displacement;
    return Flat ? address : address & op->address_mask;
}

template<class T, bool Flat>
[[nodiscard, gnu::always_inline]] inline bool load_at(Core& core, const Op* op, uint32_t offset, T& value) {
    uint32_t linear = offset;
    if constexpr (!Flat)
        if (!core.segment_address(op->segment, offset, sizeof(T), false, linear))
            return false;
    return read_linear<T>(core, op, linear, value);
}
template<class T, bool Flat>
[[nodiscard, gnu::always_inline]] inline bool load(Core& core, const Op* op, T& value) {
    return load_at<T, Flat>(core, op, effective_address<Flat>(core, op), value);
}
template<class T, bool Flat>
[[nodiscard, gnu::always_inline]] inline bool store(Core& core, const Op* op, T value) {
    uint32_t linear = effective_address<Flat>(core, op);
    if constexpr (!Flat)
        if (!core.segment_address(op->segment, linear, sizeof(T), true, linear))
            return false;
    return write_linear<T>(core, op, linear, value);
}

// Read-modify-write: where to read and write the operand, with write access established; nullptr: fault.
// Complete it with finish_modify().
template<class T, bool Flat>
[[nodiscard, gnu::always_inline]] inline uint8_t* modify_at(Core& core, const Op* op, uint32_t offset) {
    uint32_t linear = offset;
    if constexpr (!Flat)
        if (!core.segment_address(op->segment, offset, sizeof(T), true, linear))
            return nullptr;
    const FastPath::Entry& entry = core.data_entries[(linear >> core.line_shift) & core.data_index_mask];
    if (((linear + static_cast<uint32_t>(sizeof(T) - 1)) & core.line_mask) == entry.write_tag) [[likely]]
        return reinterpret_cast<uint8_t*>(entry.target + linear);
    core.current = op;
    return core.modify_slow(linear, sizeof(T));
}
template<class T, bool Flat>
[[nodiscard, gnu::always_inline]] inline uint8_t* modify(Core& core, const Op* op) {
    return modify_at<T, Flat>(core, op, effective_address<Flat>(core, op));
}
template<class T>
[[gnu::always_inline]] inline void finish_modify(Core& core, uint8_t* place, T value) {
    std::memcpy(place, &value, sizeof(T));
    if (place == reinterpret_cast<uint8_t*>(&core.modify_buffer)) [[unlikely]]
        core.finish_buffered_modify(sizeof(T));
}
template<class T>
[[gnu::always_inline]] inline T value_at(const uint8_t* place) {
    T value;
    std::memcpy(&value, place, sizeof(T));
    return value;
}

// The stack. Nothing here changes ESP but commit_stack(), so that an instruction can push several values and
// still be restarted.
template<class T, bool Flat>
[[nodiscard, gnu::always_inline]] inline bool push_below(Core& core, const Op* op, uint32_t& pointer,
                                                         T value) {
    uint32_t next = pointer - static_cast<uint32_t>(sizeof(T));
    uint32_t linear = next;
    if constexpr (!Flat) {
        next &= core.stack_mask;
        if (!core.segment_address(seg_ss, next, sizeof(T), true, linear))
            return false;
    }
    if (!write_linear<T>(core, op, linear, value))
        return false;
    pointer = next;
    return true;
}
template<class T, bool Flat>
[[nodiscard, gnu::always_inline]] inline bool pop_above(Core& core, const Op* op, uint32_t& pointer,
                                                        T& value) {
    uint32_t linear = pointer;
    if constexpr (!Flat)
        if (!core.segment_address(seg_ss, pointer & core.stack_mask, sizeof(T), false, linear))
            return false;
    if (!read_linear<T>(core, op, linear, value))
        return false;
    pointer += static_cast<uint32_t>(sizeof(T));
    return true;
}
template<bool Flat>
[[gnu::always_inline]] inline void commit_stack(Core& core, uint32_t pointer) {
    uint32_t& esp = core.registers[reg_esp];
    esp = Flat ? pointer : (esp & ~core.stack_mask) | (pointer & core.stack_mask);
}

} // namespace fixpoint::models
