// Output commit (I10): the console log and the console driver over a model of a world that is checkpointed, cut off and
// rolled back at any step between two of theirs.
//
// The world (clients and log) is a value: a snapshot is a copy. Each line that a client prints has a token that no rollback
// brings back. What leaves the machine is kept outside, and checked as it leaves.
#include "pager/console/held_lines.hpp"
#include "workloads/console_log/line_log.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>

namespace fixpoint::test {
namespace {

// What a test plants.
enum class Defect {
    none,
    no_output_commit,  // lines are released as they come
    wrong_epoch,       // a line waits for the checkpoint that is being written when it comes
    log_forgets_early, // what the driver has taken is not kept
    no_numbers,        // a driver takes whatever comes first
};

struct Client {
    uint32_t steps = 0;
};

struct World {
    workloads::LineLog log;
    Client clients[3];
    bool in_call = false; // the log has sent a line and waits for the driver's reply
};

class OutputModel {
public:
    OutputModel(unsigned seed, Defect defect) : random_{seed}, defect_{defect} {}

    void run(unsigned actions) {
        for (unsigned i = 0; i < actions; ++i)
            act();
        // The end: a last checkpoint, and everything comes out.
        for (unsigned i = 0; i < 1000 && world_->log.oldest() <= world_->log.last(); ++i) {
            send();
            if (!running_)
                stop();
            commit();
            release();
            take_reply();
            collect();
        }
        if (world_->log.oldest() <= world_->log.last())
            ++stuck;
        for (uint32_t client = 0; client < 3; ++client)
            for (uint32_t step = 1; step <= world_->clients[client].steps; ++step)
                lost += !left_by_step_.contains({client, step});
    }

    unsigned contradictions = 0, lost = 0, gaps = 0, stuck = 0, repeated = 0, crashes = 0, left = 0;

private:
    void act() {
        switch (random_() % 16) {
        case 0:
        case 1:
        case 2:
        case 3:
            return print();
        case 4:
        case 5:
        case 6:
            return send();
        case 7:
        case 8:
            return take_reply();
        case 9:
            return collect();
        case 10:
        case 11:
            if (!running_)
                stop();
            return;
        case 12:
            return commit();
        case 13:
        case 14:
            return release();
        default:
            if (random_() % 8 == 0)
                crash();
        }
    }

    // The log's thread takes a line only when it is not in a call to the driver.
    void print() {
        if (world_->in_call || world_->log.to_send() != nullptr)
            return;
        const uint32_t number = static_cast<uint32_t>(random_() % 3);
        Client& client = world_->clients[number];
        const std::string text =
            std::to_string(number) + " " + std::to_string(++client.steps) + " " + std::to_string(random_());
        text.copy(world_->log.room(), text.size());
        world_->log.append(static_cast<uint32_t>(text.size()));
    }

    void send() {
        const workloads::LineLog::Line* const line = world_->log.to_send();
        if (world_->in_call || line == nullptr)
            return;
        world_->in_call = true;
        if (defect_ == Defect::no_numbers && driver_->next() == 0)
            (void)driver_->expects(line->number, line->number);
        if (driver_->expects(line->number, world_->log.oldest())) {
            const uint32_t covering = defect_ == Defect::no_output_commit ? 0
                                      : defect_ == Defect::wrong_epoch    ? stopped_
                                                                          : stopped_ + 1;
            driver_->add(covering, line->text, line->length);
            if (defect_ == Defect::log_forgets_early)
                reply_released_ = driver_->next() - 1;
        }
        reply_pending_ = true;
    }

    void take_reply() {
        if (!world_->in_call || !reply_pending_ || driver_->is_full())
            return;
        world_->in_call = false;
        reply_pending_ = false;
        world_->log.released(defect_ == Defect::log_forgets_early ? reply_released_ : driver_->released());
        world_->log.expected(driver_->next());
    }

    // The collector: tells the log's thread what was released, and of a new driver.
    void collect() {
        if (world_->in_call)
            return;
        world_->log.released(driver_->released());
        if (driver_is_new_)
            world_->log.send_again();
        driver_is_new_ = false;
    }

    void stop() {
        ++stopped_;
        running_ = std::make_unique<World>(*world_);
    }

    void commit() {
        if (!running_)
            return;
        committed_ = std::move(running_);
        durable_ = stopped_;
    }

    void release() {
        while (const pager::HeldLines::Line* const line = driver_->releasable(durable_)) {
            leave(line->number, std::string(line->text, line->length));
            driver_->pop();
            if (random_() % 4 == 0)
                return; // something else happens between two lines
        }
    }

    void leave(uint32_t number, const std::string& text) {
        ++left;
        const auto [by_number, is_new] = left_by_number_.emplace(number, text);
        contradictions += by_number->second != text;
        repeated += !is_new;
        const size_t first = text.find(' '), second = text.find(' ', first + 1);
        const std::pair step{static_cast<uint32_t>(std::stoul(text)),
                             static_cast<uint32_t>(std::stoul(text.substr(first)))};
        const auto [by_step, _] = left_by_step_.emplace(step, text.substr(second));
        contradictions += by_step->second != text.substr(second);
        gaps += number > newest_left_ + 1;
        newest_left_ = std::max(newest_left_, number);
    }

    void crash() {
        ++crashes;
        if (running_ && random_() % 2 == 0)
            commit(); // durable, but nobody has heard of it
        running_.reset();
        world_ = committed_ ? std::make_unique<World>(*committed_) : std::make_unique<World>();
        stopped_ = durable_;
        driver_ = std::make_unique<pager::HeldLines>();
        driver_is_new_ = true;
        reply_pending_ = false;
        if (world_->in_call) { // aborted
            world_->in_call = false;
            world_->log.send_again();
        }
    }

    std::mt19937 random_;
    const Defect defect_;
    std::unique_ptr<World> world_ = std::make_unique<World>(), running_, committed_;
    std::unique_ptr<pager::HeldLines> driver_ = std::make_unique<pager::HeldLines>();
    uint32_t stopped_ = 0, durable_ = 0; // epochs
    bool reply_pending_ = false, driver_is_new_ = true;
    uint32_t reply_released_ = 0;

    std::map<uint32_t, std::string> left_by_number_;
    std::map<std::pair<uint32_t, uint32_t>, std::string> left_by_step_;
    uint32_t newest_left_ = 0;
};

struct Totals {
    unsigned contradictions = 0, lost = 0, gaps = 0, stuck = 0, repeated = 0, crashes = 0, left = 0;
};

Totals run_many(Defect defect) {
    constexpr unsigned seeds = 200, actions = 3000;
    Totals totals;
    for (unsigned seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE(seed);
        OutputModel model{seed, defect};
        model.run(actions);
        totals.contradictions += model.contradictions;
        totals.lost += model.lost;
        totals.gaps += model.gaps;
        totals.stuck += model.stuck;
        totals.repeated += model.repeated;
        totals.crashes += model.crashes;
        totals.left += model.left;
        if (defect == Defect::none) {
            EXPECT_EQ(model.contradictions, 0u);
            EXPECT_EQ(model.lost, 0u);
            EXPECT_EQ(model.gaps, 0u);
            EXPECT_EQ(model.stuck, 0u);
        }
    }
    return totals;
}

TEST(OutputCommit, NothingThatLeftIsContradictedAndNothingIsLost) {
    const Totals totals = run_many(Defect::none);
    EXPECT_GT(totals.crashes, 1000u);
    EXPECT_GT(totals.left, 10'000u);
    EXPECT_GT(totals.repeated, 0u)
        << "no line left twice: the crashes between release and snapshot are missing";
}

TEST(OutputCommitCanary, WithoutItLinesContradictEachOther) {
    EXPECT_GT(run_many(Defect::no_output_commit).contradictions, 0u);
}

TEST(OutputCommitCanary, TheEpochBeingWrittenDoesNotCoverALine) {
    EXPECT_GT(run_many(Defect::wrong_epoch).contradictions, 0u);
}

TEST(OutputCommitCanary, ALogThatForgetsWhatTheDriverHoldsLosesLines) {
    EXPECT_GT(run_many(Defect::log_forgets_early).lost, 0u);
}

TEST(OutputCommitCanary, ANewDriverThatTakesAnyNumberLosesLines) {
    EXPECT_GT(run_many(Defect::no_numbers).lost, 0u);
}

TEST(HeldLines, LeaveInTheirOrderWhenTheirEpochIsDurable) {
    pager::HeldLines held;
    EXPECT_EQ(held.awaited_epoch(), 0u);
    ASSERT_TRUE(held.expects(5, 5));
    held.add(3, "five", 4);
    EXPECT_FALSE(held.expects(7, 5)) << "number 6 is missing";
    ASSERT_TRUE(held.expects(6, 5));
    held.add(4, "six", 3);
    EXPECT_FALSE(held.expects(6, 5)) << "it came before";
    EXPECT_EQ(held.awaited_epoch(), 3u);
    EXPECT_EQ(held.releasable(2), nullptr);
    ASSERT_NE(held.releasable(3), nullptr);
    EXPECT_EQ(std::string(held.releasable(3)->text, held.releasable(3)->length), "five");
    EXPECT_EQ(held.released(), 4u);
    held.pop();
    EXPECT_EQ(held.released(), 5u);
    EXPECT_EQ(held.releasable(3), nullptr);
    EXPECT_EQ(held.awaited_epoch(), 4u);
}

} // namespace
} // namespace fixpoint::test
