// A conductor: a thread of the manager with children and pages of its own. In every round it creates the children that
// are missing, binds pages to their slots, gives each a command, lets the pager take mappings away and kills a child
// while they work, and then compares every answer with its model.
//
// What it decides follows from the seed and the model alone, never from what comes first. So do the final contents.
#pragma once

#include "workloads/churn/page_model.hpp"
#include "workloads/churn/pager.hpp"
#include "workloads/runtime/random.hpp"

#include <cstdint>

namespace workloads {

class Conductor {
public:
    struct Share { // what is this conductor's
        unsigned first_child, children;
        uint32_t first_page, pages;
        uint64_t seed;
    };

    Conductor() = default;
    Conductor(ChildPager& child_pager, l4::ThreadId pager, PageRecord* records, const Share& share);

    // Puts the first contents into the pages.
    void fill_pages();
    // Nothing after the first error.
    void run_round();
    // Every word of every page against the model; the children must be idle.
    bool check_pages();
    // Deletes all children.
    void end();

    const char* error() const { return error_; }
    unsigned error_child() const { return error_child_; }
    uint32_t error_value() const { return error_value_; }
    unsigned children() const { return share_.children; }
    uint32_t created() const { return created_; }
    // Of the contents and all that was decided.
    uint32_t checksum() const { return chain32(model_.chain(), decisions_); }

private:
    struct Child {
        l4::ThreadId id; // nil: there is none
        uint32_t chain = 0;
        bool busy = false;
        bool may_fail = false; // its partner has been killed
        unsigned partner = 0;  // of a command for two
        Command command;
        Binding before; // of the command's slot
    };

    Child& child(unsigned index) { return children_[index]; }
    unsigned number_of(unsigned index) const { return share_.first_child + index; }
    const Binding& binding(unsigned index, unsigned slot) const {
        return child_pager_->binding(number_of(index), slot);
    }

    void create_missing();
    void rebind_some();
    void give_commands();
    void give_command(unsigned index);
    bool try_step(unsigned index);
    bool try_check(unsigned index);
    bool try_message(unsigned index, unsigned partner);
    bool try_mapping(unsigned index, unsigned partner);
    void issue(unsigned index, const Command& command, unsigned partner);
    void take_mappings_away();
    void kill_somebody();
    void kill(unsigned index, bool replaced);
    void rewrite_what_it_wrote(const Child& dead);
    void collect_answers();
    void check_answer(unsigned index, const l4::Message& message);
    void check_value(unsigned index, uint32_t value);
    void check_faults(unsigned index);
    void fail(unsigned index, const char* error, uint32_t value);
    void start_child(unsigned index);
    unsigned idle_partner_of(unsigned index);

    ChildPager* child_pager_ = nullptr;
    l4::ThreadId pager_;
    Share share_{};
    PageModel model_;
    Random random_;
    Child children_[children_max];
    uint32_t decisions_ = 0, created_ = 0;
    const char* error_ = nullptr;
    unsigned error_child_ = 0;
    uint32_t error_value_ = 0;
};

} // namespace workloads
