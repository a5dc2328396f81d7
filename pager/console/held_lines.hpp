// The lines that the console driver holds until a checkpoint covers them (I10), first in, first out.
//
// A line is *covered* by epoch E if the snapshot of E was taken after the line had come: then whatever is recovered
// from E on, the world has printed it, with this text and number. `covering` is such an epoch, not always the first: it
// is learned after the line came. The line may leave when that epoch is durable.
//
// The driver forgets everything in a crash, the log (workloads/console_log), which is persistent, forgets nothing that is
// not released, and sends it again. So of the lines that a crash finds here none is lost, and those that had left after the
// snapshot that is recovered leave a second time, with their numbers.
#pragma once

#include <cstdint>

#include "pager/checkpoint/assertion.hpp"
#include "pager/console_protocol.hpp"

namespace pager {

class HeldLines {
public:
    static constexpr uint32_t capacity = 32;

    struct Line {
        uint32_t number, covering, length;
        char text[console_line_bytes_max];
    };

    // `oldest`: the oldest line that the sender does not know to be released; a driver that has just started begins with it.
    // False: the line is not the one that is expected. Otherwise add() it.
    bool expects(uint32_t number, uint32_t oldest) {
        if (next_ == 0)
            next_ = oldest;
        return number == next_;
    }
    void add(uint32_t covering, const char* text, uint32_t length) {
        check(count_ < capacity && length <= console_line_bytes_max, "console: a line without room");
        check(count_ == 0 || covering >= lines_[(first_ + count_ - 1) % capacity].covering,
              "console: a line covered before the one that came before it");
        Line& line = lines_[(first_ + count_++) % capacity];
        line.number = next_++;
        line.covering = covering;
        line.length = length;
        __builtin_memcpy(line.text, text, length);
    }

    // The oldest line, if epoch `durable` is enough for it; else nullptr. It leaves the machine, then pop() it.
    const Line* releasable(uint32_t durable) const {
        return count_ != 0 && lines_[first_].covering <= durable ? &lines_[first_] : nullptr;
    }
    void pop() {
        check(count_ != 0, "console: no line to release");
        first_ = (first_ + 1) % capacity;
        --count_;
    }

    bool is_full() const { return count_ == capacity; }
    uint32_t next() const { return next_; } // 0: nothing has come since the start
    uint32_t released() const { return next_ == 0 ? 0 : next_ - 1 - count_; }
    uint32_t awaited_epoch() const { return count_ == 0 ? 0 : lines_[first_].covering; } // 0: none

private:
    Line lines_[capacity] = {};
    uint32_t first_ = 0, count_ = 0;
    uint32_t next_ = 0; // number of the line that is expected
};

} // namespace pager
