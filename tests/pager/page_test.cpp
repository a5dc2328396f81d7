// The states of a page and its transitions: those of the table in page.hpp, and no others.
#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "pager/checkpoint/page.hpp"

namespace fixpoint::test {
namespace {

using pager::Page;
using pager::PageState;
using enum pager::PageState;

constexpr PageState all_states[] = {absent, zero, clean, dirty, frozen, writing, tcb, discarded};
constexpr uint32_t some_frame = 0x5000, another_frame = 0x6000;

const std::set<std::pair<PageState, PageState>> legal = {
    {absent, clean},     {absent, tcb},      {zero, clean},     {clean, dirty},      {dirty, frozen},
    {dirty, clean},      {frozen, clean},    {frozen, writing}, {frozen, dirty},     {writing, dirty},
    {writing, clean},    {clean, absent},    {clean, zero},     {dirty, absent},     {dirty, zero},
    {clean, discarded},  {dirty, discarded}, {zero, discarded}, {absent, discarded}, {frozen, discarded},
    {writing, discarded}};

bool has_frame(PageState state) {
    return state == clean || state == dirty || state == frozen || state == writing || state == tcb;
}

// Frames and list are made to fit, so that a transition is all that can be wrong.
void go(Page& page, PageState next) {
    page.frame = has_frame(next) ? some_frame : pager::no_frame;
    const bool has_save = (page.state() == frozen || page.state() == writing) &&
                          (next == dirty || next == discarded || (page.state() == frozen && next == clean));
    page.save = has_save ? another_frame : pager::no_frame;
    page.listed = next == dirty;
    page.become(next);
}

Page page_in(PageState state) {
    Page page;
    if (state != absent && state != tcb && state != discarded)
        go(page, clean);
    if (state == dirty || state == frozen || state == writing)
        go(page, dirty);
    if (state == frozen || state == writing)
        go(page, frozen);
    if (page.state() != state)
        go(page, state);
    return page;
}

TEST(PageDeathTest, OnlyTheTransitionsOfTheTableAreMade) {
    for (const PageState from : all_states)
        for (const PageState to : all_states) {
            SCOPED_TRACE(testing::Message() << static_cast<int>(from) << " -> " << static_cast<int>(to));
            Page page = page_in(from);
            ASSERT_EQ(page.state(), from);
            if (legal.contains({from, to})) {
                go(page, to);
                EXPECT_EQ(page.state(), to);
            } else {
                EXPECT_DEATH(go(page, to), "an illegal transition");
            }
        }
}

TEST(PageDeathTest, WhatTheCheckpointNeedsIsSavedBeforeItMayChange) {
    for (const PageState from : {frozen, writing})
        for (const PageState to : {clean, dirty, discarded}) {
            if (from == writing && to == clean)
                continue; // it is written
            Page page = page_in(from);
            page.listed = true;
            page.frame = has_frame(to) ? some_frame : pager::no_frame;
            EXPECT_DEATH(page.become(to), "a checkpoint's content is given up");
        }
}

TEST(PageDeathTest, AStateThatDoesNotFitIsFoundByTheTransition) {
    Page page = page_in(clean);
    EXPECT_DEATH(page.become(absent), "an absent page with a frame");
    EXPECT_DEATH(page.become(dirty), "a dirty page that no stop will find");
    page = page_in(dirty);
    page.save = another_frame;
    EXPECT_DEATH(page.become(frozen), "a frozen page that was also saved");
    Page without_frame;
    EXPECT_DEATH(without_frame.become(clean), "a present page without a frame");
}

TEST(PageDeathTest, WhatIsGoneStandsInTheListOfDirtyPagesAsBefore) {
    Page page = page_in(dirty);
    page.frozen_epoch = 7;
    page.frame = pager::no_frame;
    page.become_none();
    EXPECT_EQ(page.state(), absent);
    EXPECT_TRUE(page.listed);
    EXPECT_EQ(page.frozen_epoch, 0u);
}

TEST(PageDeathTest, APageThatIsStillNeededIsNotForgotten) {
    for (const PageState state : {frozen, writing, tcb})
        EXPECT_DEATH(page_in(state).become_none(), "an illegal transition");
    EXPECT_DEATH(page_in(clean).become_none(), "what is no page any more has a frame");
    Page page = page_in(discarded);
    page.save = another_frame;
    EXPECT_DEATH(page.become_none(), "what is no page any more has a frame");
}

} // namespace
} // namespace fixpoint::test
