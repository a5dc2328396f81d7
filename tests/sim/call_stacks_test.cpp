// Call stacks followed by what happens to ESP: calls, returns, and everything that gets in between.
#include "sim/observe/call_stacks.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

struct FakeView final : StackView {
    uint32_t interrupted = 0;

    [[nodiscard]] uint64_t place_of(uint32_t stack_pointer) const override { return stack_pointer; }
    [[nodiscard]] uint32_t interrupted_stack_pointer(uint32_t) const override { return interrupted; }
};

class Stacks : public testing::Test {
protected:
    struct Code {
        ProfileFunction function;
        ProfileSite call, plain, leave, site;
    };

    Stacks() {
        for (Code* code : {&main, &worker, &leaf, &handler, &thread}) {
            code->call.flow = {FlowKind::call, 5, 4, 0};
            code->plain.flow = {FlowKind::plain, 2, 4, 0};
            code->leave.flow = {FlowKind::near_return, 1, 4, 0};
            for (ProfileSite* site : {&code->call, &code->plain, &code->leave})
                site->function = &code->function;
        }
    }

    // One instruction runs, at the cost of `cycles`, and another one comes next.
    void step(ProfileSite& from, uint32_t stack_before, ProfileSite& to, uint32_t stack_after,
              uint64_t cycles, bool completed = true, bool to_is_mapped = true) {
        stacks.spend({completed ? 1u : 0u, cycles});
        // Addresses that do not follow on one another, for sites that are apart.
        stacks.transfer({from, 0x1000, stack_before, completed, to, 0x2000, stack_after, to_is_mapped});
    }
    // The handler returns from the interrupt.
    void iret(ProfileSite& to, uint32_t stack, uint64_t cycles) {
        ProfileSite leave;
        leave.flow = {FlowKind::kernel_exit, 1, 4, 0};
        step(leave, 0x9000, to, stack, cycles);
    }
    static const ProfileCalls& calls(const ProfileSite& site) {
        EXPECT_EQ(site.calls.size(), 1u);
        return *site.calls.front();
    }

    Code main, worker, leaf, handler, thread;
    FakeView view;
    CallStacks stacks{view};
};

TEST_F(Stacks, ACallCostsWhatPassesUntilItsReturn) {
    step(main.call, 0x800, worker.plain, 0x7FC, 3);
    stacks.spend({10, 20});
    step(worker.leave, 0x7FC, main.plain, 0x800, 5);
    stacks.spend({1, 100});
    EXPECT_EQ(calls(main.call).callee, &worker.function);
    EXPECT_EQ(calls(main.call).count, 1u);
    EXPECT_EQ(calls(main.call).inclusive, (ProfileCost{11, 25}));
}

TEST_F(Stacks, NestedCallsAreInThoseAroundThem) {
    step(main.call, 0x800, worker.plain, 0x7FC, 1);
    step(worker.call, 0x7E0, leaf.plain, 0x7DC, 1);
    step(leaf.leave, 0x7DC, worker.plain, 0x7E0, 7);
    step(worker.leave, 0x7FC, main.plain, 0x800, 1);
    EXPECT_EQ(calls(worker.call).inclusive.cycles, 7u);
    EXPECT_EQ(calls(main.call).inclusive.cycles, 9u);
}

TEST_F(Stacks, AReturnThatReleasesArgumentsIsAReturn) {
    worker.leave.flow.released = 8;
    step(main.call, 0x800, worker.plain, 0x7FC, 1);
    step(worker.leave, 0x7FC, main.plain, 0x808, 4);
    stacks.spend({1, 50});
    stacks.finish();
    EXPECT_EQ(calls(main.call).inclusive.cycles, 4u);
}

TEST_F(Stacks, WhatAnInterruptTakesIsNotInTheCallItInterrupts) {
    step(main.call, 0x800, worker.plain, 0x7FC, 1);
    view.interrupted = 0x7F0;
    step(worker.plain, 0x7F0, handler.plain, 0x9000, 2);
    stacks.spend({100, 1000});
    iret(worker.plain, 0x7F0, 50);
    step(worker.leave, 0x7FC, main.plain, 0x800, 3);
    EXPECT_EQ(calls(main.call).inclusive.cycles, 5u);
}

TEST_F(Stacks, AFaultIsRetriedInTheSameCall) {
    step(main.call, 0x800, worker.plain, 0x7FC, 1);
    step(worker.plain, 0x7F0, handler.plain, 0x9000, 2, false);
    stacks.spend({100, 1000});
    iret(worker.plain, 0x7F0, 50);
    step(worker.leave, 0x7FC, main.plain, 0x800, 3);
    EXPECT_EQ(calls(main.call).inclusive, (ProfileCost{1, 5}));
}

TEST_F(Stacks, AnInterruptBetweenACallAndItsFirstInstructionDoesNotHideTheCall) {
    step(main.call, 0x800, handler.plain, 0x9000, 1);
    EXPECT_TRUE(main.call.calls.empty());
    iret(worker.plain, 0x7FC, 50);
    step(worker.leave, 0x7FC, main.plain, 0x800, 3);
    EXPECT_EQ(calls(main.call).callee, &worker.function);
    EXPECT_EQ(calls(main.call).inclusive.cycles, 3u);
}

TEST_F(Stacks, ACallIntoAPageThatHasToBeFetchedIsTheCallOfWhatStandsThere) {
    ProfileFunction unknown;
    ProfileSite missing;
    missing.function = &unknown;
    step(main.call, 0x800, missing, 0x7FC, 1, true, false);
    step(missing, 0x7FC, handler.plain, 0x9000, 2, false);
    iret(worker.plain, 0x7FC, 50);
    step(worker.leave, 0x7FC, main.plain, 0x800, 3);
    EXPECT_EQ(calls(main.call).callee, &worker.function);
    EXPECT_EQ(calls(main.call).inclusive.cycles, 3u);
}

TEST_F(Stacks, AnInterruptRightAfterAReturnComesAfterTheCall) {
    step(main.call, 0x800, worker.plain, 0x7FC, 1);
    step(worker.leave, 0x7FC, handler.plain, 0x9000, 3);
    stacks.spend({1, 1000});
    iret(main.plain, 0x800, 1);
    EXPECT_EQ(calls(main.call).inclusive.cycles, 3u);
}

TEST_F(Stacks, ThreadsHaveStacksOfTheirOwn) {
    ProfileSite switch_stacks;
    switch_stacks.flow = {FlowKind::stack_change, 2, 4, 0};
    step(main.call, 0x800, worker.plain, 0x7FC, 1);
    step(switch_stacks, 0x7F8, thread.plain, 0x1800, 2);
    step(thread.call, 0x1800, leaf.plain, 0x17FC, 10);
    step(switch_stacks, 0x17F0, worker.plain, 0x7F8, 20); // in the middle of it
    step(worker.leave, 0x7FC, main.plain, 0x800, 4);
    step(switch_stacks, 0x800, leaf.plain, 0x17F0, 8);
    step(leaf.leave, 0x17FC, thread.plain, 0x1800, 16);
    EXPECT_EQ(calls(main.call).inclusive.cycles, 2u + 4u);
    EXPECT_EQ(calls(thread.call).inclusive.cycles, 20u + 16u);
}

TEST_F(Stacks, FramesLeftWithoutAReturnEndWithTheirCaller) {
    step(main.call, 0x800, worker.plain, 0x7FC, 1);
    step(worker.call, 0x7E0, leaf.plain, 0x7DC, 1);
    step(leaf.leave, 0x7FC, main.plain, 0x800, 7); // as after longjmp: the return of worker's frame
    stacks.spend({1, 100});
    stacks.finish();
    EXPECT_EQ(calls(worker.call).inclusive.cycles, 7u);
    EXPECT_EQ(calls(main.call).inclusive.cycles, 8u);
}

TEST_F(Stacks, AFarReturnThatLoadsCsStaysInItsFunction) {
    step(main.call, 0x800, worker.plain, 0x7FC, 1);
    ProfileSite load_cs;
    load_cs.flow = {FlowKind::kernel_exit, 1, 4, 0};
    step(load_cs, 0x7E0, worker.plain, 0x7E8, 2);
    step(worker.leave, 0x7FC, main.plain, 0x800, 4);
    EXPECT_EQ(calls(main.call).inclusive.cycles, 6u);
}

TEST_F(Stacks, AReturnOfNoKnownCallChangesNothing) {
    step(main.call, 0x800, worker.plain, 0x7FC, 1);
    step(leaf.leave, 0x7F0, leaf.plain, 0x7F4, 2); // PUSH address; RET
    step(worker.leave, 0x7FC, main.plain, 0x800, 4);
    EXPECT_EQ(calls(main.call).inclusive.cycles, 6u);
}

TEST_F(Stacks, CallsThatAreOpenAtTheEndCountUpToThere) {
    step(main.call, 0x800, worker.plain, 0x7FC, 1);
    view.interrupted = 0x7F0;
    step(worker.plain, 0x7F0, handler.plain, 0x9000, 2);
    step(handler.call, 0x9000, leaf.plain, 0x8FFC, 1);
    stacks.spend({1, 30});
    stacks.finish();
    EXPECT_EQ(calls(main.call).inclusive.cycles, 2u);
    EXPECT_EQ(calls(handler.call).inclusive.cycles, 30u);
}

} // namespace
} // namespace fixpoint::sim
