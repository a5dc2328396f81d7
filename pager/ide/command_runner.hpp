// One request at a time on its way through the channel: started, looked after, tried once more after a reset if the
// disk fails or does not answer.
//
//   idle --begin()--> under way --poll(): over--> idle
//
// A template over the channel, so that host tests drive it with one that fails. The channel has
//   DiskStatus start(const DiskRequest&)   ok: the disk has the command; else it has not, and why
//   bool is_done()                         the command has ended
//   DiskStatus end()                       the result; the channel is free. Not done: it is given up
//   void reset()
#pragma once

#include <cstdint>

#include "pager/disk_protocol.hpp"
#include "pager/ide/disk_request.hpp"

namespace pager {

template<class Channel>
class CommandRunner {
public:
    static constexpr uint64_t answer_timeout_us = 5'000'000; // a drive that spins up or remaps takes seconds

    explicit CommandRunner(Channel& channel) : channel_{channel} {}

    bool is_idle() const { return state_ == State::idle; }
    const DiskRequest& request() const { return request_; }

    // When idle.
    void begin(const DiskRequest& request, uint64_t now_us) {
        request_ = request;
        tried_before_ = false;
        attempt(now_us);
    }

    // When not idle: after an interrupt, or when deadline_us() is reached. True: the request is over, with `status`.
    bool poll(uint64_t now_us, DiskStatus& status) {
        if (state_ == State::waiting) {
            const bool done = channel_.is_done();
            if (!done && now_us < deadline_us_)
                return false;
            const DiskStatus result = channel_.end();
            attempt_ended(done ? result : DiskStatus::timeout, now_us);
        }
        if (state_ != State::over)
            return false;
        state_ = State::idle;
        status = status_;
        return true;
    }

    // When poll() must be called at the latest: a request that could not even be started is over at once.
    uint64_t deadline_us() const { return state_ == State::over ? 0 : deadline_us_; }

private:
    enum class State { idle, waiting, over };

    void attempt(uint64_t now_us) {
        state_ = State::waiting;
        deadline_us_ = now_us + answer_timeout_us;
        if (const DiskStatus status = channel_.start(request_); status != DiskStatus::ok)
            attempt_ended(status, now_us);
    }

    void attempt_ended(DiskStatus status, uint64_t now_us) {
        const bool try_again =
            status != DiskStatus::ok && status != DiskStatus::bad_request && !tried_before_;
        if (!try_again) {
            state_ = State::over;
            status_ = status;
            return;
        }
        tried_before_ = true;
        channel_.reset();
        attempt(now_us);
    }

    Channel& channel_;
    DiskRequest request_;
    State state_ = State::idle;
    bool tried_before_ = false;
    uint64_t deadline_us_ = 0;
    DiskStatus status_ = DiskStatus::ok;
};

} // namespace pager
