// String instructions, with and without REP.
//
// A repetition works in runs that end where one of the two lines ends, so that the caches and the deadline
// are looked at once per line; where a run ends depends on the addresses alone, never on what the short cut
// happens to know. An expired deadline leaves the instruction to be continued (registers say how far it
// came), as an interrupt does on hardware. Faults leave the registers at the element that faulted.
#include "models/cpu/handler_support.hpp"

#include <algorithm>

namespace fixpoint::models {

namespace {

constexpr bool reads_source(StringKind kind) {
    return kind == StringKind::move || kind == StringKind::compare || kind == StringKind::load ||
           kind == StringKind::output;
}
constexpr bool uses_destination(StringKind kind) {
    return kind != StringKind::load && kind != StringKind::output;
}

[[gnu::always_inline]] inline void advance(Core& core, unsigned index, uint32_t step, uint32_t mask) {
    uint32_t& value = core.registers[index];
    value = (value & ~mask) | ((value + step) & mask);
}

// One element. False: fault.
template<StringKind Kind, class T, bool Flat>
bool element(Core& core, const Op* op) {
    const uint32_t mask = Flat ? ~0u : op->address_mask;
    const uint32_t source = core.registers[reg_esi] & mask, destination = core.registers[reg_edi] & mask;
    const uint32_t step =
        (core.flags.system & eflags::df) != 0 ? 0u - static_cast<uint32_t>(sizeof(T)) : sizeof(T);
    T a = 0, b = 0;
    if constexpr (reads_source(Kind))
        if (!load_at<T, Flat>(core, op, source, a))
            return false;
    if constexpr (uses_destination(Kind)) {
        uint32_t linear = destination;
        constexpr bool writes =
            Kind == StringKind::move || Kind == StringKind::store || Kind == StringKind::input;
        if constexpr (!Flat)
            if (!core.segment_address(seg_es, destination, sizeof(T), writes, linear))
                return false;
        if constexpr (Kind == StringKind::move || Kind == StringKind::store) {
            if (!write_linear<T>(core, op, linear, Kind == StringKind::move ? a : core.get<T>(reg_eax * 4)))
                return false;
        } else if constexpr (Kind == StringKind::input) {
            core.current = op;
            if (!core.probe_write(linear, sizeof(T), core.user())) // before the device is read
                return false;
            const T value = static_cast<T>(core.io_read(op, core.get<uint16_t>(reg_edx * 4), sizeof(T)));
            if (!write_linear<T>(core, op, linear, value))
                return false;
        } else {
            if (!read_linear<T>(core, op, linear, b))
                return false;
            if constexpr (Kind == StringKind::scan)
                a = core.get<T>(reg_eax * 4);
            core.flags.set_subtract<T>(a, b, static_cast<T>(a - b));
        }
    }
    if constexpr (Kind == StringKind::load)
        core.set<T>(reg_eax * 4, a);
    if constexpr (Kind == StringKind::output)
        core.io_write(op, core.get<uint16_t>(reg_edx * 4), sizeof(T), a);
    if constexpr (reads_source(Kind))
        advance(core, reg_esi, step, mask);
    if constexpr (uses_destination(Kind))
        advance(core, reg_edi, step, mask);
    return true;
}

// Elements until the end of the line at `address`, at least 1.
template<class T>
uint32_t left_in_line(const Core& core, uint32_t address, bool down) {
    const uint32_t line_bytes = ~core.line_mask + 1, offset = address & ~core.line_mask;
    const uint32_t bytes = down ? offset + static_cast<uint32_t>(sizeof(T)) : line_bytes - offset;
    return std::max<uint32_t>(1, bytes / static_cast<uint32_t>(sizeof(T)));
}

// The whole run at once, where every access of it takes the short cut: MOVS and STOS upwards. False: not so.
template<StringKind Kind, class T>
bool bulk(Core& core, uint32_t count) {
    const uint32_t bytes = count * static_cast<uint32_t>(sizeof(T));
    const uint32_t source = core.registers[reg_esi], destination = core.registers[reg_edi];
    const FastPath::Entry& to = core.data_entries[(destination >> core.line_shift) & core.data_index_mask];
    if (((destination + (bytes - 1)) & core.line_mask) != to.write_tag)
        return false;
    auto* target = reinterpret_cast<uint8_t*>(to.target + destination);
    if constexpr (Kind == StringKind::move) {
        const FastPath::Entry& from = core.data_entries[(source >> core.line_shift) & core.data_index_mask];
        if (((source + (bytes - 1)) & core.line_mask) != from.read_tag)
            return false;
        const auto* origin = reinterpret_cast<const uint8_t*>(from.target + source);
        if (target <= origin || target >= origin + bytes)
            std::memmove(target, origin, bytes);
        else // an overlap repeats the beginning, element by element
            for (uint32_t i = 0; i < bytes; i += static_cast<uint32_t>(sizeof(T)))
                std::memmove(target + i, origin + i, sizeof(T));
        core.registers[reg_esi] = source + bytes;
    } else {
        const T value = core.get<T>(reg_eax * 4);
        for (uint32_t i = 0; i < bytes; i += static_cast<uint32_t>(sizeof(T)))
            std::memcpy(target + i, &value, sizeof(T));
    }
    core.registers[reg_edi] = destination + bytes;
    return true;
}

template<StringKind Kind, class T, bool Flat>
void repeat(Core& core, const Op* op) {
    const uint32_t mask = Flat ? ~0u : op->address_mask;
    constexpr bool compares = Kind == StringKind::compare || Kind == StringKind::scan;
    constexpr bool device = Kind == StringKind::input || Kind == StringKind::output;
    const bool down = (core.flags.system & eflags::df) != 0;
    const Flags before = core.flags; // a fault restores them (SDM vol. 2, REP)
    uint32_t left = core.registers[reg_ecx] & mask;
    while (left != 0) {
        uint32_t run = device ? 1 : left;
        if constexpr (reads_source(Kind))
            run = std::min(run, left_in_line<T>(core, core.registers[reg_esi], down));
        if constexpr (uses_destination(Kind))
            run = std::min(run, left_in_line<T>(core, core.registers[reg_edi], down));
        bool done = false;
        if constexpr (Flat && (Kind == StringKind::move || Kind == StringKind::store))
            done = !down && bulk<Kind, T>(core, run);
        if (done) {
            core.clock.cycles += uint64_t{run} * core.parameters.string_iteration_cycles;
            advance(core, reg_ecx, 0u - run, mask);
        } else {
            for (uint32_t i = 0; i < run; ++i) {
                if (!element<Kind, T, Flat>(core, op)) {
                    core.flags = before;
                    return core.fault_exit(op);
                }
                core.clock.cycles += core.parameters.string_iteration_cycles;
                advance(core, reg_ecx, ~0u, mask);
                if constexpr (compares)
                    if (core.flags.zf() != (op->repeat == Repeat::while_equal))
                        return next(core, op);
            }
        }
        left = core.registers[reg_ecx] & mask;
        if (left != 0 && core.clock.cycles >= core.deadline)
            return core.leave_block(op);
    }
    return next(core, op);
}

template<StringKind Kind, class T, bool Flat>
void string_op(Core& core, const Op* op) {
    if constexpr (Kind == StringKind::input || Kind == StringKind::output)
        if (!core.io_allowed(core.get<uint16_t>(reg_edx * 4), sizeof(T)))
            return core.fault_exit(op);
    if (op->repeat != Repeat::none)
        return repeat<Kind, T, Flat>(core, op);
    if (!element<Kind, T, Flat>(core, op))
        return core.fault_exit(op);
    return next(core, op);
}

} // namespace

Handler string_handler(StringKind kind, unsigned size, bool flat) {
    return by_value<7>(static_cast<unsigned>(kind), [&]<unsigned N>() {
        return by_size(size, [&]<class T>() -> Handler {
            return flat ? string_op<static_cast<StringKind>(N), T, true>
                        : string_op<static_cast<StringKind>(N), T, false>;
        });
    });
}

} // namespace fixpoint::models
