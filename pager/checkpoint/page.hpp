// One persistent page: where it is, what its frame holds, and which states there are.
//
// A page has a slot in the store until it is discarded, and a frame while it is resident: the frame is what clients have
// mapped. Two things are kept apart: the page's *own frame*, and a *save frame* that may hold the content the running checkpoint needs
// while the own frame already changes (the page is then frozen and superseded).
//
//   state     own frame                                                                 mapped
//   absent    none: on disk only (evicted, or not faulted in since the start)           -
//   zero      none: never held anything but zeros, not on disk either                   -
//   clean     content is in the newest snapshot, or zeros that were never written       read only
//   dirty     may have changed since the newest snapshot                                writable
//   frozen    content belongs to the running checkpoint and is not written yet          read only
//   writing   as frozen; the disk is reading the frame                                  read only
//   tcb       a TCB page: always writable, copied whole in the stop when it changed     in the kernel's TCB array
//   discarded none: gone for clients, but some checkpoint still has it in this slot     -
//
// Legal transitions, with the function of Pages that makes them (`+save`: a save frame holds the checkpoint's content);
// assert_state() mirrors the table of states, become() and become_none() this one. What is (none) has the state absent, and
// becomes dirty by way of clean:
//
//   (none)          -> clean | dirty  fault: first touch by a read | a write (with dirty bits: either)
//   (none)          -> dirty          load
//   (none)          -> tcb            fault: first write to a TCB page
//   absent          -> clean          page_in, and its neighbours; prefetch
//   absent          -> tcb            recover_tcbs
//   zero            -> clean          page_in
//   clean [+save]   -> dirty [+save]  fault: write (with dirty bits: any)
//   dirty           -> frozen         freeze_all
//   dirty           -> dirty+save     freeze_all: hot, or copied in the stop, and known by its dirty bit
//   dirty           -> clean+save     freeze_all: copied in the stop, write access revoked
//   dirty           -> clean          freeze_all: it was not written; once hot, or room in the store is short
//   tcb             -> tcb+save       freeze_all_tcbs
//   frozen          -> clean+save     copy_aside (eager)
//   frozen          -> writing        begin_write
//   frozen          -> dirty+save     fault: copy on write
//   writing         -> dirty+save     fault: copy on write; the own frame becomes the save frame, the copy the own frame
//   writing         -> clean          end_write
//   any+save        -> any            end_write: the save frame is free again
//   clean           -> absent | zero  evict: its content is durable | it never had any
//   dirty           -> absent | zero  evict, with dirty bits: it was not written
//   any but tcb     -> (none)         discard: no checkpoint has it
//   any [+save]     -> discarded [+save]  discard, but of a tcb page: some checkpoint has it
//   frozen, writing -> discarded+save discard: what was the own frame is the save frame
//   discarded       -> (none)         remove_some: the running checkpoint does not have it any more
#pragma once

#include <cstdint>

#include "pager/checkpoint/assertion.hpp"
#include "pager/checkpoint/frame_pool.hpp"

namespace pager {

enum class PageState : uint8_t { absent, zero, clean, dirty, frozen, writing, tcb, discarded };

// The transitions as bits, one a state: from which `next` may be reached; in which of those the own frame held what the running
// checkpoint needs, so that a save frame must hold it now; and from which a page may be gone.
constexpr uint32_t bit_of(PageState state) {
    return 1u << static_cast<unsigned>(state);
}
constexpr uint32_t states_before(PageState next) {
    switch (next) {
    case PageState::clean:
        return bit_of(PageState::absent) | bit_of(PageState::zero) | bit_of(PageState::dirty) |
               bit_of(PageState::frozen) | bit_of(PageState::writing);
    case PageState::dirty:
        return bit_of(PageState::clean) | bit_of(PageState::frozen) | bit_of(PageState::writing);
    case PageState::absent:
    case PageState::zero:
        return bit_of(PageState::clean) | bit_of(PageState::dirty);
    case PageState::frozen:
        return bit_of(PageState::dirty);
    case PageState::writing:
        return bit_of(PageState::frozen);
    case PageState::tcb:
        return bit_of(PageState::absent);
    case PageState::discarded:
        return bit_of(PageState::absent) | bit_of(PageState::zero) | bit_of(PageState::clean) |
               bit_of(PageState::dirty) | bit_of(PageState::frozen) | bit_of(PageState::writing);
    }
    return 0;
}
constexpr uint32_t states_saved_before(PageState next) {
    switch (next) {
    case PageState::clean:
        return bit_of(PageState::frozen);
    case PageState::dirty:
    case PageState::discarded:
        return bit_of(PageState::frozen) | bit_of(PageState::writing);
    default:
        return 0;
    }
}
constexpr uint32_t states_before_none = bit_of(PageState::absent) | bit_of(PageState::zero) |
                                        bit_of(PageState::clean) | bit_of(PageState::dirty) |
                                        bit_of(PageState::discarded);

class Page {
public:
    uint32_t frame = no_frame;
    uint32_t save = no_frame;
    uint32_t frozen_epoch = 0; // the last snapshot that it was written for; 0: none since the start
    uint32_t place = 0; // resident: in the list of resident pages; discarded: the next slot of its list

private:
    PageState state_ = PageState::absent;

public:
    uint8_t streak = 0;         // intervals in a row in which it was written, up to the last one
    bool fresh : 1 = false;     // zeros or content that no snapshot has
    bool must_save : 1 = false; // by the next stop, whatever its dirty bits say
    bool by_bits : 1 = false;   // dirty: its mappings' dirty bits tell whether it was written, or else it was
    bool listed : 1 = false;    // stands in the list of dirty pages

    PageState state() const { return state_; }
    bool is_saved() const { return save != no_frame; }

    // Frames and list are as the next state has them already.
    void become(PageState next) {
        check((states_before(next) & bit_of(state_)) != 0, "pages: an illegal transition");
        check((states_saved_before(next) & bit_of(state_)) == 0 || is_saved(),
              "pages: a checkpoint's content is given up");
        state_ = next;
        assert_state();
    }

    // As it was before its first touch; but if it stands in the list of dirty pages, it must not stand there twice.
    void become_none() {
        check((states_before_none & bit_of(state_)) != 0, "pages: an illegal transition");
        check(frame == no_frame && !is_saved(), "pages: what is no page any more has a frame");
        const bool was_listed = listed;
        *this = {};
        listed = was_listed;
    }

    void assert_state() const {
        switch (state_) {
        case PageState::absent:
        case PageState::zero:
            check(frame == no_frame && !is_saved(), "pages: an absent page with a frame");
            break;
        case PageState::discarded:
            check(frame == no_frame, "pages: a discarded page with a frame");
            break;
        case PageState::clean:
        case PageState::dirty:
        case PageState::tcb:
            check(frame != no_frame, "pages: a present page without a frame");
            break;
        case PageState::frozen:
        case PageState::writing:
            check(frame != no_frame && !is_saved(), "pages: a frozen page that was also saved");
            break;
        }
        check(state_ != PageState::dirty || listed, "pages: a dirty page that no stop will find");
    }
};
static_assert(sizeof(Page) == 20);

} // namespace pager
