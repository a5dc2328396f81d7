// The lines of a world with output commit on their way to the console driver, each with a number: kept until the driver has
// released them, so that none is lost with the driver, which is not persistent.
//
//   oldest ... next-1    sent to the driver, which has not said that it has released them
//   next ... last        not sent yet, or to be sent again
//
// A number has one text for ever, once it may have left the machine (I10): the driver releases a line only when a
// checkpoint that was taken with the line in here is durable, and recovery goes back to that checkpoint or a newer one. The
// text of a number that was never released can change by a rollback.
#pragma once

#include <cstdint>

#include "pager/console/held_lines.hpp"

namespace workloads {

class LineLog {
public:
    // The driver keeps its sender waiting when it is full, so there is never more than one line that it has not got.
    static constexpr uint32_t capacity = 2 * pager::HeldLines::capacity;

    struct Line {
        uint32_t number, length;
        char text[pager::console_line_bytes_max];
    };

    // Room for a line; its number and length are set by append().
    char* room() { return lines_[(last_ + 1) % capacity].text; }
    uint32_t append(uint32_t length) {
        pager::check(last_ + 1 - oldest_ < capacity, "console log: full");
        Line& line = lines_[++last_ % capacity];
        line.number = last_;
        line.length = length;
        return last_;
    }

    const Line* to_send() const { return next_ <= last_ ? &lines_[next_ % capacity] : nullptr; }
    uint32_t oldest() const { return oldest_; } // not known to be released
    uint32_t last() const { return last_; }

    // What the driver says.
    void expected(uint32_t number) {
        if (number >= oldest_ && number <= last_ + 1)
            next_ = number;
    }
    void released(uint32_t number) {
        if (number < oldest_ || number > last_)
            return;
        oldest_ = number + 1;
        if (next_ < oldest_)
            next_ = oldest_;
    }
    // The driver may know nothing any more.
    void send_again() { next_ = oldest_; }

private:
    Line lines_[capacity] = {}; // number n in n % capacity
    uint32_t oldest_ = 1, next_ = 1, last_ = 0;
};

} // namespace workloads
