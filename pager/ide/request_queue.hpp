// The order in which requests go to the disk.
//
//   - Reads before writes and flushes: a thread waits for a read, nobody for the writes of a drain.
//   - But of the requests that wait, a write or flush lets at most reads_in_a_row_max reads go before it; then it is
//     its turn. So the n-th of the waiting writes starts after at most n * (reads_in_a_row_max + 1) requests.
//   - Writes and flushes keep the order in which they came, so a flush covers all writes that came before it, above
//     all those that were replied to. Whoever hands over writes has sorted and merged them as he wants them.
//   - Reads keep their order too.
//
// A read that overtakes a write of the same sectors finds the old content, as if it had come earlier.
#pragma once

#include <cstdint>

#include "pager/disk_protocol.hpp"

namespace pager {

class RequestQueue {
public:
    static constexpr uint32_t none = ~uint32_t{0};
    static constexpr uint32_t reads_in_a_row_max = 8;

    // The areas are the requests' names; an area is in the queue once at most.
    void add_read(uint32_t area) { reads_.add(area); }
    void add_write_or_flush(uint32_t area) { others_.add(area); }

    // The area whose request is next, which leaves the queue; none: there is no request.
    uint32_t take() {
        if (!reads_.empty() && (others_.empty() || reads_in_a_row_ < reads_in_a_row_max)) {
            reads_in_a_row_ = others_.empty() ? 0 : reads_in_a_row_ + 1;
            return reads_.take();
        }
        reads_in_a_row_ = 0;
        return others_.empty() ? none : others_.take();
    }

private:
    class Fifo {
    public:
        bool empty() const { return count_ == 0; }
        void add(uint32_t area) {
            area_[(first_ + count_++) % disk_request_areas] = static_cast<uint8_t>(area);
        }
        uint32_t take() {
            const uint32_t area = area_[first_];
            first_ = (first_ + 1) % disk_request_areas;
            --count_;
            return area;
        }

    private:
        uint8_t area_[disk_request_areas] = {};
        uint32_t first_ = 0, count_ = 0;
    };

    Fifo reads_, others_;
    uint32_t reads_in_a_row_ = 0; // while a write or flush waited
};

} // namespace pager
