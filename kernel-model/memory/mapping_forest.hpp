// The nodes of the mapping database: a fixed pool of them, linked into trees.
//
// A node stands for one mapping, of a 4 KB page or of a superpage. Children of a superpage may be of either
// size, those of a page are pages. Among siblings superpages come first, so that one look at the first child
// tells whether there is any. A first child's `previous_sibling` is the last child.
#pragma once

#include "kernel-model/abi/types.hpp"

#include <cstdint>

namespace kernel {

// Number of a node; 0: none.
using NodeNumber = uint32_t;

struct MappingNode {
    uint32_t place; // page address [31:12], superpage [8], task [7:0]
    NodeNumber parent, first_child, next_sibling, previous_sibling;

    static constexpr uint32_t superpage_bit = 1u << 8;

    uint32_t page() const { return place & ~0xFFFu; }
    unsigned task() const { return place & 0xFFu; }
    bool superpage() const { return place & superpage_bit; }
};
static_assert(sizeof(MappingNode) == 20);

class MappingForest {
public:
    constexpr MappingForest() = default;
    // nodes[0] is never used. The others need not be initialised: there are many, and a boot should not take longer the
    // more memory there is.
    MappingForest(MappingNode* nodes, uint32_t node_count)
        : nodes_(nodes), never_used_(1), node_count_(node_count), free_count_(node_count - 1) {}

    const MappingNode& operator[](NodeNumber number) const { return nodes_[number]; }
    uint32_t free_nodes() const { return free_count_; }

    // A node without relatives; 0: none left.
    NodeNumber allocate(unsigned task, uint32_t page, bool superpage) {
        const bool again = free_ != 0;
        const NodeNumber number = again ? free_ : never_used_ < node_count_ ? never_used_ : 0;
        if (number != 0) {
            (again ? free_ : never_used_) = again ? nodes_[number].next_sibling : number + 1;
            --free_count_;
            nodes_[number] = {};
            move(number, task, page);
            nodes_[number].place |= superpage ? MappingNode::superpage_bit : 0;
        }
        return number;
    }
    // The node has no relatives any more.
    void release(NodeNumber number) {
        nodes_[number] = {0, 0, 0, free_, 0};
        free_ = number;
        ++free_count_;
    }

    // The mapping is at another place now, its size is the same.
    void move(NodeNumber number, unsigned task, uint32_t page) {
        uint32_t& place = nodes_[number].place;
        place = page | (place & MappingNode::superpage_bit) | task;
    }

    void attach(NodeNumber child, NodeNumber parent) {
        NodeNumber& first = nodes_[parent].first_child;
        nodes_[child].parent = parent;
        nodes_[child].next_sibling = 0;
        if (first == 0) {
            nodes_[child].previous_sibling = first = child;
            return;
        }
        const NodeNumber last = nodes_[first].previous_sibling;
        nodes_[child].previous_sibling = last;
        if (nodes_[child].superpage()) {
            nodes_[child].next_sibling = first;
            nodes_[first].previous_sibling = child;
            first = child;
        } else {
            nodes_[last].next_sibling = child;
            nodes_[first].previous_sibling = child;
        }
    }
    void detach(NodeNumber child) {
        MappingNode& node = nodes_[child];
        if (node.parent == 0)
            return;
        NodeNumber& first = nodes_[node.parent].first_child;
        if (first == child)
            first = node.next_sibling;
        else
            nodes_[node.previous_sibling].next_sibling = node.next_sibling;
        if (node.next_sibling != 0)
            nodes_[node.next_sibling].previous_sibling = node.previous_sibling;
        else if (first != 0)
            nodes_[first].previous_sibling = node.previous_sibling;
        node.parent = node.next_sibling = node.previous_sibling = 0;
    }

    bool is_self_or_ancestor(NodeNumber candidate, NodeNumber of) const {
        for (NodeNumber number = of; number != 0; number = nodes_[number].parent)
            if (number == candidate)
                return true;
        return false;
    }

    // Walks without recursion: the kernel stack is small and trees may be deep.

    // Preorder: the node after `number` in the tree below `top`; 0: that was all.
    NodeNumber next_in_preorder(NodeNumber number, NodeNumber top) const {
        if (nodes_[number].first_child != 0)
            return nodes_[number].first_child;
        while (number != top && nodes_[number].next_sibling == 0)
            number = nodes_[number].parent;
        return number == top ? 0 : nodes_[number].next_sibling;
    }
    // Postorder, which allows to remove a node once its successor is known: begins with first_leaf(top), ends
    // with `top`, after which there is nothing to ask for.
    NodeNumber first_leaf(NodeNumber top) const {
        while (nodes_[top].first_child != 0)
            top = nodes_[top].first_child;
        return top;
    }
    NodeNumber next_in_postorder(NodeNumber number) const {
        const NodeNumber sibling = nodes_[number].next_sibling;
        return sibling != 0 ? first_leaf(sibling) : nodes_[number].parent;
    }

private:
    MappingNode* nodes_ = nullptr;
    NodeNumber free_ = 0;                        // of those that were released
    NodeNumber never_used_ = 0, node_count_ = 0; // the first that never was, and the end
    uint32_t free_count_ = 0;
};

} // namespace kernel
