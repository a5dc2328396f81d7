// The mapping database: who has mapped which page to whom.
//
// Each page table entry that maps a frame has one node; nodes form trees, a node's parent being the mapping
// it was made from. The roots are sigma0's. So revoking a mapping revokes everything derived from it:
//
//      sigma0 frame F ── checkpoint server F ──┬── client A 0x00401000 ──── client B 0x10000000
//                                              └── client C 0x00401000
//
// Rights only shrink on the way down: a child is writable only if its parent is. Nothing survives a blocking
// point, nothing outside refers to a node but the shadow entry of its page (I7: all of it can be dropped,
// each mapper then seems to have revoked).
//
// A template over the address spaces, so that host tests check it, step by step, against a simple model.
// Spaces has
//   PageEntry find(task, page)    the entry and its node number; pte == nullptr: no table
//   PageEntry create(task, page)  the same, makes the table; pte == nullptr: out of memory
//   uint32_t  flags(task)         bits of every present entry of that space
//   void      changed(task, page) an entry lost rights or moved: TLB entries of it must go
#pragma once

#include "kernel-model/abi/types.hpp"
#include "kernel-model/memory/page_table.hpp"

#include <cstdint>

namespace kernel {

// Number of a node; 0: none.
using NodeNumber = uint32_t;

struct MappingNode {
    uint32_t page_and_task; // page address [31:12], task [7:0]
    NodeNumber parent, first_child, next_sibling, previous_sibling;

    uint32_t page() const { return page_and_task & ~0xFFFu; }
    unsigned task() const { return page_and_task & 0xFFu; }
};
static_assert(sizeof(MappingNode) == 20);

enum class MapOutcome {
    mapped,        // the destination maps the page now
    nothing,       // the source maps nothing there
    kept,          // the destination is what the source was mapped from: left alone
    out_of_memory, // no node, no table
};

template<class Spaces>
class MappingDatabase {
public:
    constexpr MappingDatabase() = default;
    // nodes[0] is never used.
    MappingDatabase(Spaces spaces, MappingNode* nodes, uint32_t node_count) : spaces_(spaces), nodes_(nodes) {
        for (NodeNumber number = node_count - 1; number >= 1; --number)
            release(number);
    }

    // A mapping from nobody: sigma0's, idempotent.
    MapOutcome map_root(unsigned task, uint32_t page, uint32_t frame, uint32_t extra_flags) {
        const PageEntry entry = spaces_.create(task, page);
        if (entry.pte == nullptr)
            return MapOutcome::out_of_memory;
        if (*entry.pte & pte::present)
            return MapOutcome::kept;
        const NodeNumber number = allocate();
        if (number == 0)
            return MapOutcome::out_of_memory;
        nodes_[number] = {page | task, 0, 0, 0, 0};
        *entry.node = number;
        *entry.pte = frame | spaces_.flags(task) | pte::present | extra_flags;
        return MapOutcome::mapped;
    }

    // Maps or grants one page from one space to another. `page` addresses are multiples of 4 KB.
    MapOutcome map(unsigned from_task, uint32_t from_page, unsigned to_task, uint32_t to_page, bool writable,
                   bool grant) {
        const PageEntry source = spaces_.find(from_task, from_page);
        if (source.pte == nullptr || !(*source.pte & pte::present))
            return MapOutcome::nothing;
        const NodeNumber source_node = *source.node;
        const PageEntry target = spaces_.create(to_task, to_page);
        if (target.pte == nullptr)
            return MapOutcome::out_of_memory;

        const uint32_t frame = *source.pte & pte::frame_mask;
        const uint32_t rights =
            (writable ? *source.pte & pte::writable : 0) | (*source.pte & pte::cache_disable);
        const uint32_t value = frame | spaces_.flags(to_task) | pte::present | rights;

        if (*target.pte & pte::present) {
            const NodeNumber present_node = *target.node;
            if (is_self_or_ancestor(present_node, source_node))
                return MapOutcome::kept;
            if (!grant && nodes_[present_node].parent == source_node &&
                (*target.pte & pte::frame_mask) == frame) {
                // The same mapping once more: it may gain rights, it loses none.
                if ((value & pte::writable) && !(*target.pte & pte::writable)) {
                    *target.pte |= pte::writable;
                    spaces_.changed(to_task, to_page);
                }
                return MapOutcome::mapped;
            }
            remove_subtree(present_node);
        }

        if (grant) {
            MappingNode& moved = nodes_[source_node];
            *source.pte = 0;
            *source.node = 0;
            spaces_.changed(from_task, from_page);
            moved.page_and_task = to_page | to_task;
            *target.node = source_node;
            *target.pte = value;
            if (!(value & pte::writable))
                revoke_write_below(source_node);
            return MapOutcome::mapped;
        }
        const NodeNumber number = allocate();
        if (number == 0)
            return MapOutcome::out_of_memory;
        nodes_[number] = {to_page | to_task, source_node, 0, 0, 0};
        link(number, source_node);
        *target.node = number;
        *target.pte = value;
        return MapOutcome::mapped;
    }

    // fpage_unmap for one page of `task`.
    void unmap(unsigned task, uint32_t page, bool own_too, bool fully) {
        const PageEntry entry = spaces_.find(task, page);
        if (entry.pte == nullptr || !(*entry.pte & pte::present))
            return;
        const NodeNumber node = *entry.node;
        if (fully) {
            if (own_too) {
                remove_subtree(node);
            } else {
                while (nodes_[node].first_child != 0)
                    remove_subtree(nodes_[node].first_child);
            }
            return;
        }
        revoke_write_below(node);
        if (own_too)
            revoke_write(node);
    }

    uint32_t free_nodes() const { return free_count_; }
    const MappingNode& node(NodeNumber number) const { return nodes_[number]; }

private:
    NodeNumber allocate() {
        const NodeNumber number = free_;
        if (number != 0) {
            free_ = nodes_[number].next_sibling;
            --free_count_;
        }
        return number;
    }
    void release(NodeNumber number) {
        nodes_[number] = {0, 0, 0, free_, 0};
        free_ = number;
        ++free_count_;
    }

    void link(NodeNumber child, NodeNumber parent) {
        const NodeNumber sibling = nodes_[parent].first_child;
        nodes_[child].next_sibling = sibling;
        if (sibling != 0)
            nodes_[sibling].previous_sibling = child;
        nodes_[parent].first_child = child;
    }
    void unlink(NodeNumber child) {
        const MappingNode& node = nodes_[child];
        if (node.previous_sibling != 0)
            nodes_[node.previous_sibling].next_sibling = node.next_sibling;
        else if (node.parent != 0)
            nodes_[node.parent].first_child = node.next_sibling;
        if (node.next_sibling != 0)
            nodes_[node.next_sibling].previous_sibling = node.previous_sibling;
    }

    bool is_self_or_ancestor(NodeNumber candidate, NodeNumber of) const {
        for (NodeNumber number = of; number != 0; number = nodes_[number].parent)
            if (number == candidate)
                return true;
        return false;
    }

    // Leaves first, without recursion: the kernel stack is small and trees may be deep.
    void remove_subtree(NodeNumber top) {
        NodeNumber number = top;
        for (;;) {
            while (nodes_[number].first_child != 0)
                number = nodes_[number].first_child;
            const NodeNumber parent = nodes_[number].parent;
            const bool last = number == top;
            clear_entry(number);
            unlink(number);
            release(number);
            if (last)
                return;
            number = parent;
        }
    }

    void clear_entry(NodeNumber number) {
        const unsigned task = nodes_[number].task();
        const uint32_t page = nodes_[number].page();
        const PageEntry entry = spaces_.find(task, page);
        *entry.pte = 0;
        *entry.node = 0;
        spaces_.changed(task, page);
    }

    void revoke_write(NodeNumber number) {
        const unsigned task = nodes_[number].task();
        const uint32_t page = nodes_[number].page();
        const PageEntry entry = spaces_.find(task, page);
        if (*entry.pte & pte::writable) {
            *entry.pte &= ~pte::writable;
            spaces_.changed(task, page);
        }
    }

    // All of the subtree but its top, in preorder.
    void revoke_write_below(NodeNumber top) {
        NodeNumber number = nodes_[top].first_child;
        while (number != 0) {
            revoke_write(number);
            if (nodes_[number].first_child != 0) {
                number = nodes_[number].first_child;
                continue;
            }
            while (number != top && nodes_[number].next_sibling == 0)
                number = nodes_[number].parent;
            if (number == top)
                return;
            number = nodes_[number].next_sibling;
        }
    }

    Spaces spaces_{};
    MappingNode* nodes_ = nullptr;
    NodeNumber free_ = 0;
    uint32_t free_count_ = 0;
};

} // namespace kernel
