// The mapping database: who has mapped which page to whom.
//
// Each entry of a page table or directory that maps a frame has one node; nodes form trees, a node's parent
// being the mapping it was made from. The roots are sigma0's. So revoking a mapping revokes everything derived
// from it:
//
//      sigma0 4 MB at F ── pager 4 MB at F ──┬── client A 4 MB at 0x00400000
//                                            ├── client B page 0x00401000 ──── client C page 0x10000000
//                                            └── client C page 0x00405000
//
// Rights only shrink on the way down: a child is writable only if its parent is. Nothing survives a blocking
// point, nothing outside refers to a node but the shadow entry of its page (I7: all of it can be dropped,
// each mapper then seems to have revoked).
//
// Superpages. What users see is a database of 4 KB pages; a superpage is a short form for 1024 of them that have
// so far been treated alike. It stays one entry and one node while parts of it are mapped onward: the children
// are then pages, and their frames tell which part they come from. An operation that treats a part of it
// differently (unmap, revoke, grant or overwrite) or asks for its status first *splits* it into 1024 entries and nodes, and before it
// all superpages derived from it; its children go to the page whose frame they map. Superpages that it
// was mapped from stay whole. A mapping becomes a superpage only if its source is one.
// When there is no memory to split, unmap treats the whole superpage as it should have treated the part:
// more is revoked than was asked for, never less, and page faults bring it back (I7).
//
// Status. The processor marks in an entry that its page was accessed or written. Before anybody asks, and before an entry
// goes, its marks are *harvested*: cleared, and noted in the entries of all mappings that it descends from. So each
// mapper can ask for itself, and take away, what has been done below since it asked last; no other's knowledge
// suffers. A superpage has one set of marks for all its parts, which each part has after a split: more may
// seem to be written than was, never less.
//
// Mappings of task 0, the TCB array's, are *pinned*: they are leaves, and nothing takes them, their place or their right to
// write away. If a mapping goes from which one descends, it descends from the next above, or from nobody. Of them the TCB
// pager asks by their own addresses, since neighbouring entries of one table are in few cache lines. No mapping descends from
// them, so written_below says of one that a harvest for others has found it written since the TCB pager asked last.
//
// A template over the address spaces, so that host tests check it, step by step, against a simple model.
// Spaces has
//   PageEntry find(task, page)            as PageTables
//   PageEntry create(task, page)          makes the table; pte == nullptr: out of memory
//   PageEntry superpage_entry(task, page) where there is no table
//   bool      split(task, page)           table for superpage; false: out of memory
//   void      filled(task, page), cleared(task, page): an entry of a table is in use, is free again
//   uint32_t  flags(task)                 bits of every present entry of that space
//   void      changed(task, page)         an entry lost rights or moved: TLB entries of it must go
#pragma once

#include "kernel-model/abi/types.hpp"
#include "kernel-model/memory/mapping_forest.hpp"
#include "kernel-model/memory/page_table.hpp"

#include <cstdint>

namespace kernel {

template<class Spaces>
class MappingDatabase {
public:
    constexpr MappingDatabase() = default;
    // nodes[0] is never used.
    MappingDatabase(Spaces spaces, MappingNode* nodes, uint32_t node_count)
        : spaces_(spaces), forest_(nodes, node_count) {}

    // A mapping from nobody: sigma0's, idempotent. What is there already is left alone; for a superpage there
    // must not be a table. False: out of memory.
    bool map_root(unsigned task, uint32_t page, uint32_t frame, uint32_t extra_flags, bool superpage) {
        if (spaces_.find(task, page).present())
            return true;
        return enter(task, page, frame | spaces_.flags(task) | pte::present | extra_flags, superpage, 0);
    }

    // Maps or grants `bytes` from one space to another: a power of two, 4 KB to 4 MB, to which both addresses
    // are aligned. False: out of memory; a part may have been mapped.
    //   - What the source does not map is skipped.
    //   - A page that the source descends from, or is, stays as it is: no cycles.
    //   - The same mapping once more: it may gain rights, it loses none.
    //   - A pinned mapping at the destination stays as it is.
    //   - Anything else there is revoked first.
    bool map(unsigned from_task, uint32_t source, unsigned to_task, uint32_t target, uint32_t bytes,
             bool writable, bool grant) {
        const PageEntry first = spaces_.find(from_task, source);
        if (first.pte == nullptr)
            return true;
        if (bytes == l4::superpage_size && first.superpage &&
            make_room_for_superpage(*first.node, to_task, target, grant))
            return map_entry({from_task, source}, {to_task, target}, true, writable, grant);
        for (uint32_t offset = 0; offset < bytes; offset += l4::page_size)
            if (!map_entry({from_task, source + offset}, {to_task, target + offset}, false, writable, grant))
                return false;
        return true;
    }

    // fpage_unmap of [low, high) in `task`. Without `fully` only the right to write is revoked.
    void unmap(unsigned task, uint32_t low, uint32_t high, bool own_too, bool fully) {
        for (uint32_t page = low; page < high;) {
            const PageEntry entry = spaces_.find(task, page);
            if (entry.pte == nullptr) {
                page = next_superpage(page);
                continue;
            }
            if (!entry.superpage) {
                if (entry.present())
                    unmap_entry(entry, own_too, fully);
                page += l4::page_size;
                continue;
            }
            const NodeNumber node = *entry.node;
            const bool whole = page % l4::superpage_size == 0 && high - page >= l4::superpage_size;
            const bool concerned = own_too || forest_[node].first_child != 0;
            if (!whole && concerned && split(node))
                continue; // with its pages
            unmap_entry(entry, own_too, fully);
            page = next_superpage(page);
        }
    }

    // What has been done since the last time by mappings that descend from those of [low, high) in `task`:
    // l4::page_accessed, l4::page_written.
    uint32_t take_status(unsigned task, uint32_t low, uint32_t high) {
        uint32_t status = 0;
        for (uint32_t page = low; page < high;) {
            const PageEntry entry = spaces_.find(task, page);
            if (entry.present()) {
                const bool whole = page % l4::superpage_size == 0 && high - page >= l4::superpage_size;
                const bool part = entry.superpage && !whole;
                harvest_below(*entry.node);
                const uint32_t found = status_below(entry);
                if (part && split(*entry.node))
                    continue; // with its pages
                status |= found;
                if (!part) // else, without memory to split it, its other parts have their status in it too
                    *entry.pte &= ~(pte::written_below | pte::accessed_below);
            }
            page = entry.pte == nullptr || entry.superpage ? next_superpage(page) : page + l4::page_size;
        }
        return status;
    }

    // The same, a bit a page: was it written? Bit i is page i (modulo 32) of [low, high).
    uint32_t take_written(unsigned task, uint32_t low, uint32_t high) {
        uint32_t written = 0;
        PageEntry entry;
        for (uint32_t page = low, bit = 1; page < high; page += l4::page_size, bit = bit << 1 | bit >> 31) {
            // The entries of a table lie one behind the other: most pages need no walk.
            entry = entry.pte == nullptr || entry.superpage || table_index(page) == 0
                        ? spaces_.find(task, page)
                        : PageEntry{entry.pte + 1, entry.node + 1};
            if (!entry.present())
                continue;
            if (entry.superpage) {
                written |= take_status(task, page, page + l4::page_size) & l4::page_written ? bit : 0;
                continue;
            }
            harvest_below(*entry.node);
            written |= *entry.pte & pte::written_below ? bit : 0;
            if (status_below(entry) != 0)
                *entry.pte &= ~(pte::written_below | pte::accessed_below);
        }
        return written;
    }

    // The same for `count` (at most 32) pages of one table of the TCB array, by their own addresses, and only of those which
    // were mapped there by somebody.
    uint32_t take_written_pinned(uint32_t first_page, unsigned count) {
        const PageEntry first = spaces_.find(pinned_task, first_page);
        if (first.pte == nullptr)
            return 0;
        uint32_t written = 0;
        for (unsigned i = 0; i < count; ++i) {
            uint32_t& entry = first.pte[i];
            if (!(entry & (pte::dirty | pte::written_below)) || first.node[i] == 0)
                continue;
            harvest(first.node[i]);
            entry &= ~pte::written_below;
            written |= 1u << i;
        }
        return written;
    }

    // Drops all mappings that descend from `root_task`'s, but those of tasks for which keep(task) holds and those
    // they were mapped from. The roots stay.
    template<class Keep>
    void forget(unsigned root_task, uint32_t space_end, Keep keep) {
        for (uint32_t page = 0; page < space_end;) {
            const PageEntry entry = spaces_.find(root_task, page);
            if (entry.present())
                forget_below(*entry.node, keep);
            page = entry.pte == nullptr || entry.superpage ? next_superpage(page) : page + l4::page_size;
        }
    }

    const MappingForest& forest() const { return forest_; }

private:
    struct Place {
        unsigned task;
        uint32_t page;
    };

    static constexpr unsigned pinned_task = 0;

    static constexpr uint32_t next_superpage(uint32_t page) { return (page | (l4::superpage_size - 1)) + 1; }

    // A new entry with its node. False: out of memory.
    bool enter(unsigned task, uint32_t page, uint32_t value, bool superpage, NodeNumber parent) {
        const NodeNumber number = forest_.allocate(task, page, superpage);
        if (number == 0)
            return false;
        const PageEntry entry = entry_for(task, page, superpage);
        if (entry.pte == nullptr) {
            forest_.release(number);
            return false;
        }
        fill(entry, task, page, value, number);
        if (parent != 0)
            forest_.attach(number, parent);
        return true;
    }
    PageEntry entry_for(unsigned task, uint32_t page, bool superpage) {
        return superpage ? spaces_.superpage_entry(task, page) : spaces_.create(task, page);
    }
    void fill(PageEntry entry, unsigned task, uint32_t page, uint32_t value, NodeNumber number) {
        *entry.pte = value | (entry.superpage ? pte::superpage : 0);
        *entry.node = number;
        if (!entry.superpage)
            spaces_.filled(task, page);
    }
    void clear(PageEntry entry, unsigned task, uint32_t page) {
        *entry.pte = 0;
        *entry.node = 0;
        spaces_.changed(task, page);
        if (!entry.superpage)
            spaces_.cleared(task, page);
    }

    // One entry; for a superpage the source is one, and at the destination there is none or a superpage.
    bool map_entry(Place from, Place to, bool superpage, bool writable, bool grant) {
        PageEntry source = spaces_.find(from.task, from.page);
        if (!source.present())
            return true;
        if (grant && source.superpage && !superpage) {
            if (!split(*source.node))
                return false;
            source = spaces_.find(from.task, from.page);
        }
        const uint32_t frame = source.frame_of(from.page);
        const uint32_t rights =
            (writable ? *source.pte & pte::writable : 0) | (*source.pte & pte::cache_disable);

        PageEntry target = spaces_.find(to.task, to.page);
        if (target.present() && to.task == pinned_task)
            return true;
        if (target.present()) {
            // Within one tree a page's frame is that of its origin: other frames, other parts of a superpage.
            const bool same_frame = target.frame_of(to.page) == frame;
            if (same_frame && forest_.is_self_or_ancestor(*target.node, *source.node))
                return true;
            const bool again = !grant && same_frame && forest_[*target.node].parent == *source.node;
            if (again && (target.writable() || !(rights & pte::writable)))
                return true;
            if (target.superpage && !superpage) {
                // Perhaps with the source, if that descends from it.
                return split(*target.node) && map_entry(from, to, superpage, writable, grant);
            }
            if (again) {
                *target.pte |= pte::writable;
                spaces_.changed(to.task, to.page);
                return true;
            }
            remove_subtree(*target.node);
        }

        const uint32_t value = frame | spaces_.flags(to.task) | pte::present | rights;
        if (!grant)
            return enter(to.task, to.page, value, superpage, *source.node);
        harvest(*source.node);
        target = entry_for(to.task, to.page, superpage);
        if (target.pte == nullptr)
            return false;
        const NodeNumber moved = *source.node;
        fill(target, to.task, to.page, value | (*source.pte & (pte::written_below | pte::accessed_below)),
             moved);
        forest_.move(moved, to.task, to.page);
        clear(source, from.task, from.page);
        if (!(value & pte::writable))
            revoke_write_below(moved);
        return true;
    }

    // Empties the 4 MB at `page`, unless pages there are parts of that superpage already and stay (map).
    bool make_room_for_superpage(NodeNumber source, unsigned task, uint32_t page, bool grant) {
        const uint32_t end = page + l4::superpage_size;
        for (uint32_t part = page; part < end && !grant; part += l4::page_size) {
            const PageEntry entry = spaces_.find(task, part);
            if (entry.pte == nullptr || entry.superpage)
                return true;
            if (entry.present() && forest_[*entry.node].parent == source)
                return false;
        }
        for (uint32_t part = page; part < end; part += l4::page_size) {
            const PageEntry entry = spaces_.find(task, part);
            if (entry.pte == nullptr || entry.superpage)
                return true;
            if (entry.present())
                remove_subtree(*entry.node);
        }
        return true;
    }

    void unmap_entry(PageEntry entry, bool own_too, bool fully) {
        const NodeNumber node = *entry.node;
        if (!fully) {
            revoke_write_below(node);
            if (own_too)
                revoke_write(node);
        } else if (own_too) {
            remove_subtree(node);
        } else {
            for (NodeNumber child = forest_[node].first_child; child != 0;) {
                const NodeNumber next = forest_[child].next_sibling;
                if (!is_pinned(child))
                    remove_subtree(child);
                child = next;
            }
        }
    }

    static uint32_t status_below(PageEntry entry) {
        return (*entry.pte & pte::written_below ? l4::page_written : 0) |
               (*entry.pte & pte::accessed_below ? l4::page_accessed : 0);
    }
    void harvest_below(NodeNumber top) {
        for (NodeNumber number = forest_.next_in_preorder(top, top); number != 0;
             number = forest_.next_in_preorder(number, top))
            harvest(number);
    }
    void harvest(NodeNumber number) {
        uint32_t& entry = *entry_of(number).pte;
        const uint32_t below =
            (entry & pte::dirty ? pte::written_below : 0) | (entry & pte::accessed ? pte::accessed_below : 0);
        if (below == 0)
            return;
        entry &= ~(pte::dirty | pte::accessed);
        if (is_pinned(number))
            entry |= below & pte::written_below;
        spaces_.changed(forest_[number].task(), forest_[number].page());
        for (NodeNumber above = forest_[number].parent; above != 0; above = forest_[above].parent)
            *entry_of(above).pte |= below;
    }

    // Splits a superpage, after all superpages that descend from it. False: out of memory; some may be split.
    bool split(NodeNumber top) {
        for (NodeNumber number = top;;) {
            const NodeNumber child = forest_[number].first_child;
            if (child != 0 && forest_[child].superpage()) {
                number = child;
                continue;
            }
            const NodeNumber parent = forest_[number].parent;
            if (!split_without_superpages_below(number))
                return false;
            if (number == top)
                return true;
            number = parent;
        }
    }
    bool split_without_superpages_below(NodeNumber number) {
        const MappingNode whole = forest_[number];
        const unsigned task = whole.task();
        if (forest_.free_nodes() < entries_per_table || !spaces_.split(task, whole.page()))
            return false;
        for (uint32_t page = whole.page(), index = 0; index < entries_per_table;
             ++index, page += l4::page_size) {
            const NodeNumber part = forest_.allocate(task, page, false);
            *spaces_.find(task, page).node = part;
            if (whole.parent != 0)
                forest_.attach(part, whole.parent);
        }
        while (const NodeNumber child = forest_[number].first_child) {
            const uint32_t frame = frame_of(child);
            forest_.detach(child);
            const uint32_t page = whole.page() + frame % l4::superpage_size;
            forest_.attach(child, *spaces_.find(task, page).node);
        }
        forest_.detach(number);
        forest_.release(number);
        // Translations are the same, but a TLB should not hold the two sizes side by side (SDM vol. 3, 4.10.2.3).
        spaces_.changed(task, whole.page());
        return true;
    }

    PageEntry entry_of(NodeNumber number) const {
        return spaces_.find(forest_[number].task(), forest_[number].page());
    }
    uint32_t frame_of(NodeNumber number) const { return entry_of(number).frame_of(forest_[number].page()); }

    void remove_leaf(NodeNumber number) {
        harvest(number);
        clear(entry_of(number), forest_[number].task(), forest_[number].page());
        forest_.detach(number);
        forest_.release(number);
    }

    bool is_pinned(NodeNumber number) const { return forest_[number].task() == pinned_task; }

    void hand_over(NodeNumber pinned, NodeNumber heir) {
        harvest(pinned);
        forest_.detach(pinned);
        if (heir != 0)
            forest_.attach(pinned, heir);
    }

    void remove_subtree(NodeNumber top) {
        const NodeNumber heir = forest_[top].parent;
        for (NodeNumber number = forest_.first_leaf(top);;) {
            const NodeNumber next = number == top ? 0 : forest_.next_in_postorder(number);
            if (is_pinned(number))
                hand_over(number, heir);
            else
                remove_leaf(number);
            if (next == 0)
                return;
            number = next;
        }
    }

    template<class Keep>
    void forget_below(NodeNumber top, Keep keep) {
        for (NodeNumber number = forest_.first_leaf(top); number != top;) {
            const NodeNumber next = forest_.next_in_postorder(number);
            if (forest_[number].first_child == 0 && !is_pinned(number) && !keep(forest_[number].task()))
                remove_leaf(number);
            number = next;
        }
    }

    void revoke_write(NodeNumber number) {
        const PageEntry entry = entry_of(number);
        if (entry.writable() && !is_pinned(number)) {
            *entry.pte &= ~pte::writable;
            spaces_.changed(forest_[number].task(), forest_[number].page());
        }
    }
    void revoke_write_below(NodeNumber top) {
        for (NodeNumber number = forest_.next_in_preorder(top, top); number != 0;
             number = forest_.next_in_preorder(number, top))
            revoke_write(number);
    }

    Spaces spaces_{};
    MappingForest forest_;
};

} // namespace kernel
