// Who may use which I/O ports, and from whom each right has come.
//
// Ports are mapped idempotently: a task has a right to a port or has not. So the mapping database of ports needs no
// nodes. A task with rights of its own has
//   denied   one bit a port as the processor reads it (TSS I/O map): 1, no right
//   parents  one byte for 16 ports, the smallest fpage of the manual's: the task that these rights were mapped from
// A group's rights come from one parent; from another one they replace the group's old ones. A child's rights are
// always among its parent's.
//
// Tasks that hold all ports hold them for good. They have no tables and no parents: they are the roots.
// A template over the tables: host tests run it on arrays.
#pragma once

#include "kernel-model/abi/io_fpage.hpp"
#include "kernel-model/abi/types.hpp"

#include <cstdint>

namespace kernel {

inline constexpr unsigned ports_per_group = 16, port_group_count = l4::io_port_count / ports_per_group;

struct PortTables {
    uint16_t* denied = nullptr; // a word for each group; null: no rights
    uint8_t* parents = nullptr; // 0: no right to any port of the group
};

struct PortRange {
    uint32_t low, high; // [low, high)
};

constexpr PortRange ports_of(l4::IoFpage fpage) {
    if (fpage.log2_size() > l4::io_port_bits)
        return {0, 0};
    const uint32_t low = fpage.port(), high = low + (1u << fpage.log2_size());
    return {low, high < l4::io_port_count ? high : l4::io_port_count};
}

// The bits of a range's ports in a group.
constexpr uint16_t ports_in_group(PortRange range, unsigned group) {
    const uint32_t first = group * ports_per_group, end = first + ports_per_group;
    const uint32_t low = range.low > first ? range.low : first, high = range.high < end ? range.high : end;
    if (low >= high)
        return 0;
    return static_cast<uint16_t>(((1u << (high - low)) - 1) << (low - first));
}

// Tables: bool holds_all(task); PortTables find(task); PortTables create(task), no tables: no memory.
template<class Tables>
class PortRights {
public:
    constexpr PortRights() = default;
    constexpr explicit PortRights(Tables tables) : tables_(tables) {}

    bool may_use(unsigned task, PortRange range) const {
        for (unsigned group = first_group(range); group < group_end(range); ++group) {
            const uint16_t wanted = ports_in_group(range, group);
            if ((rights(task, group) & wanted) != wanted)
                return false;
        }
        return true;
    }

    // Gives `to` what `from` has of the range. A grant takes it from `from` and from those who have it from there.
    // False: no memory, nothing has changed.
    bool map(unsigned from, PortRange range, unsigned to, bool grant) {
        if (from == to || tables_.holds_all(to))
            return true;
        const bool moves = grant && !tables_.holds_all(from);
        PortTables target = tables_.find(to);
        const Holders holders = all_holders();
        for (unsigned group = first_group(range); group < group_end(range); ++group) {
            const auto ports = static_cast<uint16_t>(rights(from, group) & ports_in_group(range, group));
            if (ports == 0 || descends_from(from, to, group))
                continue;
            if (target.denied == nullptr)
                target = tables_.create(to);
            if (target.denied == nullptr)
                return false;
            const unsigned parent = moves ? tables_.find(from).parents[group] : from;
            if (target.parents[group] != 0 && target.parents[group] != parent)
                revoke(to, group, all_ports, true, holders);
            if (moves)
                revoke(from, group, ports, true, holders);
            target.denied[group] = static_cast<uint16_t>(target.denied[group] & ~ports);
            target.parents[group] = static_cast<uint8_t>(parent);
        }
        return true;
    }

    // Takes the range from all who have it from `task`, and from the task itself.
    void unmap(unsigned task, PortRange range, bool own_too) {
        const Holders holders = all_holders();
        if (holders.count == 0)
            return;
        for (unsigned group = first_group(range); group < group_end(range); ++group)
            if (rights(task, group) != 0)
                revoke(task, group, ports_in_group(range, group), own_too, holders);
    }

private:
    static constexpr uint16_t all_ports = 0xFFFF;

    static constexpr unsigned first_group(PortRange range) { return range.low / ports_per_group; }
    static constexpr unsigned group_end(PortRange range) {
        return (range.high + ports_per_group - 1) / ports_per_group;
    }

    uint16_t rights(unsigned task, unsigned group) const {
        if (tables_.holds_all(task))
            return all_ports;
        const PortTables tables = tables_.find(task);
        return tables.denied == nullptr ? 0 : static_cast<uint16_t>(~tables.denied[group]);
    }

    bool descends_from(unsigned task, unsigned ancestor, unsigned group) const {
        for (unsigned at = task; at != 0;) {
            if (at == ancestor)
                return true;
            const PortTables tables = tables_.find(at);
            at = tables.denied == nullptr ? 0 : tables.parents[group];
        }
        return false;
    }

    // The tasks with tables: usually few.
    struct Holders {
        uint8_t task[l4::task_count] = {};
        unsigned count = 0;
    };
    Holders all_holders() const {
        Holders holders;
        for (unsigned task = 1; task < l4::task_count; ++task)
            if (tables_.find(task).denied != nullptr)
                holders.task[holders.count++] = static_cast<uint8_t>(task);
        return holders;
    }

    void revoke(unsigned top, unsigned group, uint16_t ports, bool own_too, const Holders& holders) {
        for (unsigned index = 0; index < holders.count; ++index) {
            const unsigned task = holders.task[index];
            const PortTables tables = tables_.find(task);
            if (tables.denied != nullptr && (task == top ? own_too : descends_from(task, top, group)))
                tables.denied[group] = static_cast<uint16_t>(tables.denied[group] | ports);
        }
        for (unsigned index = 0; index < holders.count; ++index) { // not before: the chains were still needed
            const PortTables tables = tables_.find(holders.task[index]);
            if (tables.denied != nullptr && tables.denied[group] == all_ports)
                tables.parents[group] = 0;
        }
    }

    Tables tables_{};
};

} // namespace kernel
