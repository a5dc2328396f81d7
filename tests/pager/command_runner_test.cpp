// One request on a channel that fails, is silent, or cannot even be started.
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <random>

#include "pager/ide/command_runner.hpp"

namespace fixpoint::test {
namespace {

using pager::DiskRequest, pager::DiskStatus;

// What the disk does with the next commands; afterwards all is well.
struct Channel {
    struct Answer {
        DiskStatus start = DiskStatus::ok, end = DiskStatus::ok;
        bool silent = false;
    };
    std::deque<Answer> answers;
    unsigned starts = 0, resets = 0;
    bool answered = false; // the interrupt has come
    std::optional<Answer> active;

    DiskStatus start(const DiskRequest&) {
        EXPECT_FALSE(active) << "two commands at once";
        ++starts;
        Answer answer;
        if (!answers.empty()) {
            answer = answers.front();
            answers.pop_front();
        }
        answered = false;
        if (answer.start == DiskStatus::ok)
            active = answer;
        return answer.start;
    }
    bool is_done() { return answered; }
    DiskStatus end() {
        EXPECT_TRUE(active);
        const DiskStatus status = active->end;
        active.reset();
        return status;
    }
    void reset() {
        EXPECT_FALSE(active);
        ++resets;
    }
};

class CommandRunner : public testing::Test {
protected:
    // Runs a request to its end, as the driver's loop would.
    DiskStatus run() {
        runner.begin({}, now_us);
        for (;;) {
            if (channel.active && !channel.active->silent) {
                now_us += 8'000;
                channel.answered = true;
            } else {
                now_us = std::max(now_us, runner.deadline_us());
            }
            DiskStatus status = DiskStatus::ok;
            if (runner.poll(now_us, status))
                return status;
        }
    }
    Channel channel;
    pager::CommandRunner<Channel> runner{channel};
    uint64_t now_us = 1'000;
};

TEST_F(CommandRunner, GoesOnlyOnWhenTheDiskHasEnded) {
    runner.begin({}, 0);
    DiskStatus status = DiskStatus::ok;
    EXPECT_FALSE(runner.poll(100, status)) << "somebody else's interrupt";
    channel.answered = true;
    EXPECT_TRUE(runner.poll(200, status));
    EXPECT_TRUE(runner.is_idle());
}

TEST_F(CommandRunner, TriesOnceMoreAfterAReset) {
    channel.answers = {{.end = DiskStatus::medium_error}};
    EXPECT_EQ(run(), DiskStatus::ok);
    EXPECT_EQ(channel.starts, 2u);
    EXPECT_EQ(channel.resets, 1u);
}

TEST_F(CommandRunner, ReportsWhatFailsTwiceAndTriesTheNextTwiceToo) {
    const Channel::Answer error{.end = DiskStatus::medium_error};
    channel.answers = {error, error, error};
    EXPECT_EQ(run(), DiskStatus::medium_error);
    EXPECT_EQ(run(), DiskStatus::ok);
    EXPECT_EQ(channel.starts, 4u);
    EXPECT_EQ(channel.resets, 2u);
}

TEST_F(CommandRunner, GivesASilentDiskItsTimeTwice) {
    channel.answers = {{.silent = true}, {.silent = true}};
    EXPECT_EQ(run(), DiskStatus::timeout);
    EXPECT_EQ(now_us, 1'000 + 2 * pager::CommandRunner<Channel>::answer_timeout_us);
}

TEST_F(CommandRunner, TakesTheAnswerWhoseInterruptGotLost) {
    channel.answers = {{.silent = true}};
    runner.begin({}, 0);
    channel.answered = true;
    DiskStatus status = DiskStatus::timeout;
    EXPECT_TRUE(runner.poll(runner.deadline_us(), status));
    EXPECT_EQ(status, DiskStatus::ok);
    EXPECT_EQ(channel.starts, 1u);
}

TEST_F(CommandRunner, DoesNotRepeatABadRequest) {
    channel.answers = {{.start = DiskStatus::bad_request}};
    EXPECT_EQ(run(), DiskStatus::bad_request);
    EXPECT_EQ(channel.starts, 1u);
    EXPECT_EQ(channel.resets, 0u);
}

TEST_F(CommandRunner, ResetsADiskThatIsNeverReady) {
    channel.answers = {{.start = DiskStatus::timeout}};
    EXPECT_EQ(run(), DiskStatus::ok);
    EXPECT_EQ(channel.resets, 1u);
}

} // namespace
} // namespace fixpoint::test
