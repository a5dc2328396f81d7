// The checkpoint server's command line: words of the form key=value.
//
//   interval_us=N        from snapshot to snapshot; 0 (default): only on request
//   copy=on-write        (default), eager, stop: see CopyPolicy
//   tracking=protect     (default), dirty-bits: see Tracking
//   store=ab             (default): two blocks a page; log: a circular log and home blocks
//   drain_order=address  (default), hottest-first, coldest-first, random
//   hot_intervals=N      pages written in N intervals in a row are copied in the stop; 0 (default): none
//   drain_depth=N        requests of the drain that are on their way at once, 1 to 8; default 4
//   drain_throttle=1     (default): the drain gives way to page-ins; 0: it does not
//   seed=N               of the random drain order
//   recover=newest       (default); older: if the newest checkpoint cannot be read, the one before, if that is
//                        whole (I9)
//   format=blank         (default): only a disk that was never written to; force: whatever is there, if it is no
//                        checkpoint in the store that is asked for
//   prefetch=1           the pages that were in use are noted with every checkpoint and read after a restart; 0
//                        (default): pages come when they are asked for
//   verbose=1            a line on the console for every checkpoint
#pragma once

#include <cstdint>

#include "pager/checkpoint/policy.hpp"
#include "pager/store/format.hpp"

namespace pager {

struct Options {
    uint32_t interval_us = 0;
    Policy policy;
    store::StoreKind store = store::StoreKind::ab;
    bool older_allowed = false;
    bool format_forced = false;
    bool verbose = false;

    // False: `bad_word` begins the word that is not understood.
    bool parse(const char* arguments, const char*& bad_word);
};

} // namespace pager
