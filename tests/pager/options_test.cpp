#include <gtest/gtest.h>

#include "pager/checkpoint/options.hpp"

namespace fixpoint::test {
namespace {

bool parses(pager::Options& options, const char* text) {
    const char* bad_word = nullptr;
    return options.parse(text, bad_word);
}

TEST(Options, EmptyMeansDefaults) {
    pager::Options options;
    EXPECT_TRUE(parses(options, ""));
    EXPECT_EQ(options.interval_us, 0u);
    EXPECT_EQ(options.policy.copy, pager::CopyPolicy::on_write);
}

TEST(Options, AllKeysInAnyOrder) {
    pager::Options options;
    EXPECT_TRUE(parses(
        options,
        "copy=stop  interval_us=100000 tracking=dirty-bits store=log drain_order=hottest-first seed=7 "
        "hot_intervals=3 prefetch=1 drain_depth=8 drain_throttle=0 recover=older format=force verbose=1"));
    EXPECT_EQ(options.policy.tracking, pager::Tracking::dirty_bits);
    EXPECT_EQ(options.policy.drain_order, pager::DrainOrder::hottest_first);
    EXPECT_EQ(options.policy.hot_intervals, 3u);
    EXPECT_EQ(options.policy.seed, 7u);
    EXPECT_EQ(options.policy.drain_depth, 8u);
    EXPECT_FALSE(options.policy.drain_throttle);
    EXPECT_TRUE(options.policy.prefetch);
    EXPECT_EQ(options.store, store::StoreKind::log);
    EXPECT_EQ(options.interval_us, 100000u);
    EXPECT_EQ(options.policy.copy, pager::CopyPolicy::in_stop);
    EXPECT_TRUE(options.older_allowed && options.format_forced && options.verbose);
}

TEST(Options, WhatIsNotUnderstoodIsNamed) {
    for (const char* bad :
         {"interval_us=", "interval_us=12x", "interval_us=4294967296", "copy=always", "drain_depth=0",
          "drain_depth=9", "copy=on-writ", "store=tape", "nonsense", "interval_us"}) {
        pager::Options options;
        const char* bad_word = nullptr;
        const std::string text = std::string{"verbose=1 "} + bad + " seed=1";
        EXPECT_FALSE(options.parse(text.c_str(), bad_word)) << bad;
        EXPECT_EQ(std::string{bad_word}.rfind(bad, 0), 0u) << bad;
    }
}

} // namespace
} // namespace fixpoint::test
