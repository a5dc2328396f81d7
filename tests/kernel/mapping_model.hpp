// What the mapping database must do, as a plain table: 4 KB page -> (frame, rights, the page it came from). It knows
// nothing of superpages, nodes or page tables. Mappings of the TCB array are pinned: when others go they descend from the next
// above.
#pragma once

#include "kernel-model/abi/types.hpp"
#include "kernel-model/memory/page_table.hpp"

#include <cstdint>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mapping_test {

using kernel::entries_per_table;

inline constexpr unsigned tcb_array = 0, sigma0 = 1, first_task = sigma0, end_task = 5, region_count = 2;
inline constexpr unsigned pages_per_task = region_count * entries_per_table;
inline constexpr std::uint32_t space_end = region_count * l4::superpage_size, frame_base = 0x01000000;

// A page of a task.
struct Place {
    unsigned task;
    unsigned page;

    std::uint32_t address() const { return page * l4::page_size; }
    int index() const { return static_cast<int>(task * pages_per_task + page); }
};

inline constexpr int nobody = -1;

struct Mapping {
    bool present = false, writable = false;
    std::uint32_t frame = 0;
    int parent = nobody;

    bool operator==(const Mapping&) const = default;
};

class Model {
public:
    std::vector<Mapping> mappings = std::vector<Mapping>(end_task * pages_per_task);

    // Status of what descends from each mapping.
    std::vector<std::uint32_t> below_status = std::vector<std::uint32_t>(end_task * pages_per_task);

    // Places in the TCB array that were written to since the TCB pager asked.
    std::set<int> written_pinned;

    // The page is accessed through this mapping.
    void use(Place place, std::uint32_t how) {
        if (place.task == tcb_array && (how & l4::page_written))
            written_pinned.insert(place.index());
        for (int above = at(place.index()).parent; above != nobody; above = at(above).parent)
            below_status[static_cast<std::size_t>(above)] |= how;
    }
    std::uint32_t take_status(Place place, unsigned pages) {
        std::uint32_t status = 0;
        for (unsigned page = 0; page < pages; ++page) {
            std::uint32_t& below = below_status[static_cast<std::size_t>(place.index()) + page];
            if (at(place.index() + static_cast<int>(page)).present)
                status |= std::exchange(below, 0);
        }
        return status;
    }

    std::uint32_t take_written(Place place, unsigned pages) {
        std::uint32_t written = 0;
        for (unsigned page = 0; page < pages; ++page)
            if (take_status({place.task, place.page + page}, 1) & l4::page_written)
                written |= 1u << page % 32;
        return written;
    }

    std::uint32_t take_written_pinned(unsigned first_page, unsigned count) {
        std::uint32_t written = 0;
        for (unsigned page = 0; page < count; ++page)
            if (written_pinned.erase(Place{tcb_array, first_page + page}.index()) != 0)
                written |= 1u << page;
        return written;
    }

    void map_root(Place place) {
        Mapping& root = at(place.index());
        if (!root.present)
            set(place.index(), {true, true, frame_base + place.address(), nobody});
    }
    void map(Place from, Place to, unsigned pages, bool writable, bool grant) {
        for (unsigned page = 0; page < pages; ++page)
            map_page(from.index() + static_cast<int>(page), to.index() + static_cast<int>(page), writable,
                     grant);
    }
    void unmap(Place place, unsigned pages, bool own_too, bool fully) {
        for (int page = place.index(); page < place.index() + static_cast<int>(pages); ++page) {
            if (!at(page).present)
                continue;
            for (const int other : below(page))
                revoke(other, fully, own_too ? at(page).parent : page);
            if (own_too)
                revoke(page, fully, nobody);
        }
    }
    bool status_is_exact = true;

    // Goes on from another state. Where that is not what was expected the status is unknown.
    void adopt(const std::vector<Mapping>& state) {
        for (std::size_t place = 0; place < state.size(); ++place) {
            if (state[place] == mappings[place])
                continue;
            below_status[place] = 0;
            status_is_exact = false;
        }
        mappings = state;
        for (int place = 0; place < count(); ++place)
            if (at(place).present)
                once_mapped_[at(place).frame].insert(place);
    }
    template<class Keep>
    void forget(Keep keep) {
        std::vector<bool> needed(mappings.size());
        for (int place = 0; place < count(); ++place)
            if (at(place).present &&
                (is_pinned(place) || keep(static_cast<unsigned>(place) / pages_per_task)))
                for (int up = place; up != nobody; up = at(up).parent)
                    needed[static_cast<std::size_t>(up)] = true;
        for (int place = 0; place < count(); ++place)
            if (!needed[static_cast<std::size_t>(place)])
                at(place) = {};
    }

private:
    Mapping& at(int index) { return mappings[static_cast<std::size_t>(index)]; }
    void set(int place, Mapping mapping) {
        at(place) = mapping;
        below_status[static_cast<std::size_t>(place)] = 0;
        once_mapped_[mapping.frame].insert(place);
    }
    int count() const { return static_cast<int>(mappings.size()); }

    std::vector<int> below(int top) {
        std::vector<int> result;
        const std::uint32_t frame = at(top).frame;
        for (const int place : once_mapped_[frame])
            if (place != top && at(place).present && at(place).frame == frame && descends(place, top))
                result.push_back(place);
        return result;
    }
    bool descends(int place, int ancestor) {
        while (place != nobody && place != ancestor)
            place = at(place).parent;
        return place == ancestor;
    }
    static bool is_pinned(int place) { return static_cast<unsigned>(place) / pages_per_task == tcb_array; }
    void revoke(int place, bool fully, int heir) {
        if (!is_pinned(place) && fully)
            at(place) = {};
        else if (!is_pinned(place))
            at(place).writable = false;
        else if (fully)
            at(place).parent = heir;
    }
    void map_page(int from, int to, bool writable, bool grant) {
        if (!at(from).present)
            return;
        const Mapping made{true, writable && at(from).writable, at(from).frame, from};
        if (at(to).present) {
            if (is_pinned(to))
                return;
            if (descends(from, to))
                return;
            if (!grant && at(to).parent == from) {
                at(to).writable |= made.writable;
                return;
            }
            for (const int place : below(to))
                revoke(place, true, at(to).parent);
        }
        if (!grant) {
            set(to, made);
            return;
        }
        const std::vector<int> children = below(from);
        set(to, {true, made.writable, made.frame, at(from).parent});
        below_status[static_cast<std::size_t>(to)] = below_status[static_cast<std::size_t>(from)];
        at(from) = {};
        for (const int child : children) {
            if (at(child).parent == from)
                at(child).parent = to;
            at(child).writable &= made.writable || is_pinned(child);
        }
    }

    // Where a frame is, or has been: spares a search of the whole table.
    std::unordered_map<std::uint32_t, std::set<int>> once_mapped_;
};

} // namespace mapping_test
