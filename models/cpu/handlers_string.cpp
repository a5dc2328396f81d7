// String instructions, with and without REP.
//
// A repetition works in runs that end where one of the two lines ends, so that the caches and the deadline
// are looked at once per line; where a run ends depends on the addresses alone, never on what the short cut
// happens to know. An expired deadline leaves the instruction to be continued (registers say how far it
// came), as an interrupt does on hardware; so does every iteration where traps may follow it. Faults leave the registers at the element that faulted.
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

// A run whose accesses change nothing in caches and TLBs any more is done at once: MOVS and STOS upwards.
//
// That is so when both lines have valid entries in the short cut's table; or, where source and destination
// compete for one set (copies between pages always do), when two elements have just gone the long way: then
// both lines and both pages are the two most recently used of their sets, whatever the first element evicted,
// and every further element leaves them in the same order.
struct Run {
    uint8_t* target = nullptr;
    const uint8_t* origin = nullptr;
};

// Where the run's destination is, if its line may be written by the short cut.
inline uint8_t* writable_place(const Core& core, uint32_t linear) {
    const FastPath::Entry& entry = core.data_entries[(linear >> core.line_shift) & core.data_index_mask];
    return (linear & core.line_mask) == entry.write_tag ? reinterpret_cast<uint8_t*>(entry.target + linear)
                                                        : nullptr;
}
inline const uint8_t* readable_place(const Core& core, uint32_t linear) {
    const FastPath::Entry& entry = core.data_entries[(linear >> core.line_shift) & core.data_index_mask];
    return (linear & core.line_mask) == entry.read_tag
               ? reinterpret_cast<const uint8_t*>(entry.target + linear)
               : nullptr;
}

template<StringKind Kind, class T>
void transfer(Core& core, const Run& run, uint32_t count) {
    const uint32_t bytes = count * static_cast<uint32_t>(sizeof(T));
    if constexpr (Kind == StringKind::move) {
        if (run.target <= run.origin || run.target >= run.origin + bytes)
            std::memmove(run.target, run.origin, bytes);
        else // an overlap repeats the beginning, element by element
            for (uint32_t i = 0; i < bytes; i += static_cast<uint32_t>(sizeof(T)))
                std::memmove(run.target + i, run.origin + i, sizeof(T));
        core.registers[reg_esi] += bytes;
    } else {
        const T value = core.get<T>(reg_eax * 4);
        for (uint32_t i = 0; i < bytes; i += static_cast<uint32_t>(sizeof(T)))
            std::memcpy(run.target + i, &value, sizeof(T));
    }
    core.registers[reg_edi] += bytes;
    core.registers[reg_ecx] -= count;
    core.clock.cycles += uint64_t{count} * core.parameters.string_iteration_cycles;
}

// Does as many elements of the run as it may; false: none.
template<StringKind Kind, class T>
bool bulk(Core& core, uint32_t count) {
    Run run{writable_place(core, core.registers[reg_edi]), nullptr};
    if (run.target == nullptr)
        return false;
    if constexpr (Kind == StringKind::move) {
        run.origin = readable_place(core, core.registers[reg_esi]);
        if (run.origin == nullptr)
            return false;
    }
    // An element that crosses the line's end is a run of its own, and not for here.
    const uint32_t last = core.registers[reg_edi] + count * static_cast<uint32_t>(sizeof(T)) - 1;
    const uint32_t last_source = core.registers[reg_esi] + count * static_cast<uint32_t>(sizeof(T)) - 1;
    if (((last ^ core.registers[reg_edi]) & core.line_mask) != 0 ||
        (Kind == StringKind::move && ((last_source ^ core.registers[reg_esi]) & core.line_mask) != 0))
        return false;
    transfer<Kind, T>(core, run, count);
    return true;
}

// MOVS whose lines compete: one element the long way, noting where both lines are. False: fault.
template<class T>
bool noted_element(Core& core, const Op* op, Run& run) {
    const uint32_t source = core.registers[reg_esi], destination = core.registers[reg_edi];
    T value;
    if (!read_linear<T>(core, op, source, value))
        return false;
    const uint8_t* origin = readable_place(core, source);
    if (!write_linear<T>(core, op, destination, value))
        return false;
    uint8_t* target = writable_place(core, destination);
    run = origin != nullptr && target != nullptr ? Run{target + sizeof(T), origin + sizeof(T)} : Run{};
    core.registers[reg_esi] = source + static_cast<uint32_t>(sizeof(T));
    core.registers[reg_edi] = destination + static_cast<uint32_t>(sizeof(T));
    --core.registers[reg_ecx];
    core.clock.cycles += core.parameters.string_iteration_cycles;
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
        uint32_t run = device || core.iterations_may_trap() ? 1 : left;
        if constexpr (reads_source(Kind))
            run = std::min(run, left_in_line<T>(core, core.registers[reg_esi], down));
        if constexpr (uses_destination(Kind))
            run = std::min(run, left_in_line<T>(core, core.registers[reg_edi], down));
        bool done = false;
        if constexpr (Flat && (Kind == StringKind::move || Kind == StringKind::store))
            done = !down && bulk<Kind, T>(core, run);
        if constexpr (Flat && Kind == StringKind::move) {
            if (!done && !down && run > 2 && core.runs_may_compete) {
                Run place;
                if (!noted_element<T>(core, op, place) || !noted_element<T>(core, op, place))
                    return core.fault_exit(op);
                run -= 2;
                done = place.target != nullptr;
                if (done)
                    transfer<Kind, T>(core, place, run);
            }
        }
        if (!done) {
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
        if (left != 0 && (core.iteration_traps() || core.clock.cycles >= core.deadline))
            return core.leave_repetition(op);
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
