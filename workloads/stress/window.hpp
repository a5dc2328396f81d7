// A slot's own window: what the slot does with its pages, and what it must find there.
//
// Only the slot's thread touches its window and asks for changes, so it knows exactly which frame and which rights
// every access must meet, whatever else goes on with the frame and whenever mappings are dropped.
#pragma once

#include "workloads/stress/world.hpp"

namespace stress {

// The frame behind the page is the one that it shall be, and nobody has written where nobody may.
void check_page(unsigned slot, unsigned page);

// Counts up in the slot's own frame, through a page that shall be this frame, writable.
void write_own_frame(unsigned slot, unsigned page);

// A write to a page that shall be read only: it is denied, and the page is the hole from then on.
void try_forbidden_write(unsigned slot, unsigned page);

// Asks for `pages` frames from `frame` on at `page`. `flags` as in pager.hpp. With full revocation the next access
// must fault.
void change_pages(workloads::Random& random, unsigned slot, unsigned page, unsigned pages, unsigned frame,
                  uint32_t flags);

// The own frame, writable, at page 0.
void require_own_frame(workloads::Random& random, unsigned slot);

// Drops the page and looks at it. May be cut short anywhere.
void flush_page(unsigned slot, unsigned page);

// A page fault may have been cut short: afterwards the pager's answer to it can come no more.
void settle_with_pager(workloads::Random& random, unsigned slot);

// One random thing with the window. Returns what the thread's digest shall remember of it.
uint32_t use_window(workloads::Random& random, unsigned slot);

// Any frame in the gallery.
uint32_t look_at_gallery(workloads::Random& random);

} // namespace stress
