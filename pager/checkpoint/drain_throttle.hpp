// How fast the drain may go, so that threads that wait for a page from the disk wait little longer than without it.
//
// A page-in finds the disk at work in three ways: a write of the drain's is under way; the drive's own cache is full of
// such writes, so the next takes as long as the media does; a flush empties that cache, and the drive does nothing
// else meanwhile. So what counts is less the number of requests in the driver's queue, which page-ins overtake, than what
// the drive has taken. While page-ins happen,
//
//   - one request is on its way at most,
//   - then the disk is left to the page-ins for as long as the request took: half of the time is theirs, at least
//     (and half of it the drain's: it is not starved either),
//   - and after unflushed_max requests a flush, so that each flush has little to do.
//
// When there was none for quiet_us the drain goes at full depth again. So it does as long as threads wait for frames or
// blocks, which only the drain and its commit can give: whoever pages in beside them would soon wait for the same.
#pragma once

#include <cstdint>

namespace pager {

struct PageIns {        // what the pager thread reads from the disk
    uint32_t begun = 0; // up to now
    bool under_way = false;
    bool drain_awaited = false; // threads wait for what the drain frees
};

class DrainThrottle {
public:
    static constexpr uint64_t quiet_us = 20'000;
    static constexpr uint32_t unflushed_max = 4;

    DrainThrottle(uint32_t depth, bool enabled) : depth_{depth}, enabled_{enabled} {}

    // Requests that may be on their way now; 0: not yet.
    uint32_t depth(uint64_t now_us, const PageIns& page_ins) {
        look(now_us, page_ins);
        if (!is_busy(now_us) || drain_awaited_)
            return depth_;
        return now_us < pause_until_us_ ? 0 : 1;
    }
    // Before the next request.
    bool flush_is_due(uint64_t now_us) const {
        return is_busy(now_us) && !drain_awaited_ && unflushed_ >= unflushed_max;
    }

    void begun(uint64_t now_us) {
        if (unflushed_ == 0)
            burst_us_ = now_us;
        ++unflushed_;
    }
    void flushed(uint64_t now_us) {
        unflushed_ = 0;
        pause_until_us_ = now_us + (now_us - burst_us_);
    }

private:
    void look(uint64_t now_us, const PageIns& page_ins) {
        drain_awaited_ = page_ins.drain_awaited;
        if (page_ins.begun == begun_ && !page_ins.under_way)
            return;
        begun_ = page_ins.begun;
        busy_until_us_ = now_us + quiet_us;
    }
    bool is_busy(uint64_t now_us) const { return enabled_ && now_us < busy_until_us_; }

    uint32_t depth_;
    bool enabled_, drain_awaited_ = false;
    uint32_t begun_ = 0, unflushed_ = 0;
    uint64_t burst_us_ = 0, busy_until_us_ = 0, pause_until_us_ = 0;
};

} // namespace pager
