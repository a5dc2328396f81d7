// What a checkpoint server can be told to do one way or another, so that the ways can be compared.
#pragma once

#include <cstdint>

namespace pager {

enum class CopyPolicy : uint8_t {
    on_write, // a frozen page is copied when a client writes to it before it is saved
    eager,    // all frozen pages are copied soon after the stop, in the background
    in_stop,  // all dirty pages are copied within the stop
};

enum class Tracking : uint8_t {
    protect,    // a page is mapped read only until it is written to: every dirty page costs a fault
    dirty_bits, // pages are mapped writable, and the stop asks the kernel which were written to
};

enum class DrainOrder : uint8_t {
    address,       // ascending disk addresses
    hottest_first, // pages that were written in many intervals in a row: they are soon written again
    coldest_first,
    random,
};

struct Policy {
    CopyPolicy copy = CopyPolicy::on_write;
    Tracking tracking = Tracking::protect;
    DrainOrder drain_order = DrainOrder::address;
    // Pages that were written in so many intervals in a row are copied in the stop and stay writable; 0: none are.
    uint32_t hot_intervals = 0;
    uint32_t seed = 1; // of the random drain order
    // Requests of the drain that are on their way at once, at most WriteQueue::places.
    uint32_t drain_depth = 4;
    bool drain_throttle = true; // the drain gives way to page-ins (DrainThrottle)
    // Every checkpoint notes which pages were in use, so that they can be read after a restart before they are asked for.
    bool prefetch = false;
};

} // namespace pager
