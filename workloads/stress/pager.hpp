// Pagers: every page of the tested tasks comes from one of these by page fault, and again whenever it is gone (I7).
//
//   sigma0 -- root -+-- worker tasks
//                   +-- middle tasks -- worker tasks -- (map messages) -- worker tasks
//                          or root  --- children ------ grandchildren
//
// A fault in a window is answered as the page's policy says, and counted. A write to a page that is read only gets
// the slot's hole instead, which is what the page is from then on.
//
// A slot asks its pager for another policy. The pager revokes the old mapping, which nobody may have after that. It
// does so in its own space if the mapping must descend from its own; if it has ever granted the frame, the mapping may
// descend from its pager's only, so root revokes it: all mappings of the pool descend from root's.
#pragma once

#include "workloads/stress/world.hpp"

namespace stress {

// Requests. Bit 0 tells them from page faults, whose address is a multiple of four.
//   w0 = 1 | what << 4 | pages << 8      pages: 1 or 4, in a row, as are their frames
//   change    w1 = slot << 8 | page, w2 = frame | flags
//   revoke    w1 = mapmask, w2 = frame: of the pager, to root
//   ping      the reply is w0
enum class PagerRequest : uint32_t { change = 1, revoke, ping };
constexpr uint32_t request_word(PagerRequest what, unsigned pages = 1) {
    return 1 | static_cast<uint32_t>(what) << 4 | pages << 8;
}
namespace change {
inline constexpr uint32_t frame_mask = 0xFFFF, writable = 1u << 16, grant = 1u << 17, from_root = 1u << 18;
inline constexpr uint32_t fully = 1u << 19, own_too = 1u << 20; // the mapmask of the old page
} // namespace change

[[noreturn]] void pager_main(unsigned pager);

} // namespace stress
