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
// assert_sound() mirrors the table of states:
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

struct Page {
    uint32_t frame = no_frame;
    uint32_t save = no_frame;
    uint32_t frozen_epoch = 0; // the last snapshot that it was written for; 0: none since the start
    uint32_t place = 0; // resident: in the list of resident pages; discarded: the next slot of its list
    PageState state = PageState::absent;
    uint8_t streak = 0;         // intervals in a row in which it was written, up to the last one
    bool fresh : 1 = false;     // zeros or content that no snapshot has
    bool must_save : 1 = false; // by the next stop, whatever its dirty bits say
    bool by_bits : 1 = false;   // dirty: its mappings' dirty bits tell whether it was written, or else it was
    bool listed : 1 = false;    // stands in the list of dirty pages

    bool is_saved() const { return save != no_frame; }
    void assert_sound() const {
        switch (state) {
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
        check(state != PageState::dirty || listed, "pages: a dirty page that no stop will find");
    }
};
static_assert(sizeof(Page) == 20);

} // namespace pager
