// The manager's pager thread: it answers the page faults of all children, above the checkpoint server, and is the only
// one that changes what is mapped to whom; the conductors ask it to.
//
// Every slot of a child is *bound* to a page. What is mapped comes and goes: a fault maps the bound page again, and
// any of unmap's forms, a checkpoint or a recovery takes it away. Two things must hold whatever happens: what a child
// sees in a slot is the bound page, and after an unmap its next access faults (unless a grant has made its mapping
// independent of the manager's).
#pragma once

#include "kernel-model/abi/syscalls.hpp"
#include "workloads/churn/commands.hpp"

#include <cstdint>

namespace workloads {

inline constexpr unsigned children_max = 64;

// Of a slot. The pager thread writes it, conductors read it.
struct Binding {
    uint32_t page = 0;
    bool writable = false;
    bool granted = false;          // the mapping may outlive all of the manager's
    bool must_fault = false;       // nothing of the manager's is mapped there
    bool must_write_fault = false; // nothing writable
    uint32_t faults = 0, write_faults = 0;
};

// The forms of fpage_unmap.
inline constexpr unsigned unmap_forms = 4;
constexpr uint32_t unmap_mask(unsigned form) {
    return ((form & 1) != 0 ? l4::unmap_fully : 0) | ((form & 2) != 0 ? l4::unmap_own_too : 0);
}

class ChildPager {
public:
    struct Layout {
        uint32_t pool;         // address of the manager's pages
        uint32_t null_page;    // the number of the page that slots are bound to at first: never written
        uint32_t child_stacks; // address of two pages a child
        unsigned first_task, children;
    };

    ChildPager() = default;
    explicit constexpr ChildPager(const Layout& layout) : layout_(layout) {}

    // The pager thread's life.
    [[noreturn]] void run();

    const Binding& binding(unsigned child, unsigned slot) const { return bindings_[child][slot]; }
    StripedPage& page(uint32_t number) const {
        return *reinterpret_cast<StripedPage*>(layout_.pool + number * l4::page_size);
    }
    uint32_t faults() const { return faults_; }
    // The first fault that nothing is bound to: its address with a bit 0 set; 0: none.
    uint32_t stray_fault() const { return stray_fault_; }

    // What the conductors ask for; `pager` is the thread that does it.
    struct Access {
        bool writable = false, granted = false;
    };
    // A new child with this conductor, or a new one in the place of the old; its id, nil: refused.
    static l4::ThreadId create(l4::ThreadId pager, unsigned child, uint32_t chain);
    static void bind(l4::ThreadId pager, unsigned child, unsigned slot, uint32_t page, Access access);
    // A child has mapped the bound page there, granted or not; has given up what it had there.
    static void note_mapped(l4::ThreadId pager, unsigned child, unsigned slot, bool granted);
    static void note_dropped(l4::ThreadId pager, unsigned child, unsigned slot);
    static void unmap(l4::ThreadId pager, uint32_t first_page, unsigned log2_pages, unsigned form);
    static void unmap_text(l4::ThreadId pager);

private:
    struct Reply {
        l4::Message message;
        uint32_t descriptor = l4::no_send;

        static Reply map(uint32_t to, uint32_t from, uint32_t flags) {
            return {{to, l4::Fpage::make(from, l4::page_bits, flags).raw, 0}, l4::send_map};
        }
    };
    Reply answer(l4::ThreadId client, const l4::Message& message);
    Reply answer_fault(l4::ThreadId client, uint32_t address);
    Reply answer_slot_fault(unsigned child, uint32_t page_address, bool write);
    uint32_t answer_request(l4::ThreadId client, const l4::Message& message);
    uint32_t create_child(l4::ThreadId conductor, unsigned child, uint32_t chain);
    void bind_slot(unsigned child, unsigned slot, uint32_t page, Access access);
    void unmap_pages(uint32_t first_page, unsigned log2_pages, unsigned form);

    uint32_t stack_page(unsigned child) const {
        return layout_.child_stacks + (child * 2 + (lives_[child] & 1)) * l4::page_size;
    }

    Layout layout_{};
    Binding bindings_[children_max][slot_count] = {};
    uint32_t lives_[children_max] = {}; // of each child's number
    uint32_t faults_ = 0, stray_fault_ = 0;
};

} // namespace workloads
