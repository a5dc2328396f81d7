#include "kernel-model/abi/system_layout.hpp"
#include "sim/observe/accounts.hpp"

#include <gtest/gtest.h>
#include <random>

namespace fixpoint::sim {
namespace {

using l4::Phase;

constexpr l4::ThreadId worker = l4::ThreadId::make(17, 0, 1, 4), other = l4::ThreadId::make(18, 3, 1, 4);

Sample at(uint64_t cycles, uint64_t stalls = 0) {
    return {0, cycles, stalls, 0};
}

TEST(Accounts, ChargeTimeToTheThreadThatRan) {
    CycleAccountant accountant;
    accountant.thread_switch(at(100), worker);
    accountant.thread_switch(at(130), l4::checkpointer_thread);
    accountant.thread_switch(at(140), l4::disk_driver_thread);
    accountant.thread_switch(at(145), l4::nil_thread);
    accountant.thread_switch(at(245), l4::root_thread);
    accountant.settle(at(250));
    const CycleAccounts& accounts = accountant.accounts();
    EXPECT_EQ(accounts.of(ThreadClass::boot, Phase::normal), 100u);
    EXPECT_EQ(accounts.of(ThreadClass::persistent, Phase::normal), 30u);
    EXPECT_EQ(accounts.of(ThreadClass::server, Phase::normal), 10u);
    EXPECT_EQ(accounts.of(ThreadClass::driver, Phase::normal), 5u);
    EXPECT_EQ(accounts.of(ThreadClass::idle, Phase::normal), 100u);
    EXPECT_EQ(accounts.of(ThreadClass::system, Phase::normal), 5u);
    EXPECT_EQ(accounts.total(), 250u);
}

TEST(Accounts, APhaseBelongsToItsThreadAlsoWhileAnotherRuns) {
    CycleAccountant accountant;
    accountant.thread_switch(at(0), l4::checkpointer_thread);
    accountant.phase(at(0), Phase::drain);
    accountant.thread_switch(at(10), worker);
    accountant.thread_switch(at(30), l4::checkpointer_thread);
    accountant.settle(at(35));
    EXPECT_EQ(accountant.accounts().of(ThreadClass::server, Phase::drain), 15u);
    EXPECT_EQ(accountant.accounts().of(ThreadClass::persistent, Phase::normal), 20u);
}

TEST(Accounts, AFaultOnAProtectedPageIsNoFirstTouch) {
    CycleAccountant accountant;
    accountant.thread_switch(at(0), worker);
    accountant.fault_begin(at(10), 0x7); // present, write, user
    accountant.thread_switch(at(14), other);
    accountant.fault_begin(at(20), 0x6); // not present
    accountant.thread_switch(at(21), worker);
    accountant.fault_end(at(25));
    accountant.settle(at(30));
    EXPECT_EQ(accountant.accounts().of(ThreadClass::persistent, Phase::write_fault), 8u);
    EXPECT_EQ(accountant.accounts().of(ThreadClass::persistent, Phase::read_fault), 1u);
    EXPECT_EQ(accountant.accounts().of(ThreadClass::persistent, Phase::normal), 21u);
}

TEST(Accounts, StallsAreKeptApart) {
    CycleAccountant accountant;
    accountant.thread_switch(at(0, 0), worker);
    accountant.settle(at(100, 40));
    const auto& normal = accountant.accounts().cycles[static_cast<size_t>(ThreadClass::persistent)][0];
    EXPECT_EQ(normal[0], 60u);
    EXPECT_EQ(normal[1], 40u);
}

TEST(Accounts, EachPartIsItsAccountsDifference) {
    CycleAccounts with, without;
    const auto charge = [](CycleAccounts& accounts, ThreadClass thread, Phase phase, size_t cause,
                           uint64_t cycles) {
        accounts.cycles[static_cast<size_t>(thread)][static_cast<size_t>(phase)][cause] = cycles;
    };
    charge(with, ThreadClass::server, Phase::stop, 0, 7);
    charge(with, ThreadClass::server, Phase::write_fault, 0, 11);
    charge(with, ThreadClass::persistent, Phase::write_fault, 1, 13);
    charge(with, ThreadClass::server, Phase::copy, 1, 17);
    charge(with, ThreadClass::persistent, Phase::normal, 1, 119);
    charge(without, ThreadClass::persistent, Phase::normal, 1, 100);
    charge(with, ThreadClass::driver, Phase::normal, 0, 23);
    charge(with, ThreadClass::server, Phase::drain, 0, 29);
    charge(with, ThreadClass::idle, Phase::normal, 0, 10);
    charge(without, ThreadClass::idle, Phase::normal, 0, 60);
    const OverheadParts parts = overhead_parts(with, without);
    EXPECT_EQ(parts.stop, 7);
    EXPECT_EQ(parts.write_faults, 24);
    EXPECT_EQ(parts.copies, 17);
    EXPECT_EQ(parts.tlb_and_cache, 19);
    EXPECT_EQ(parts.driver, 23);
    EXPECT_EQ(parts.other, 29 - 50);
}

TEST(Accounts, EveryCycleIsChargedOnceAndThePartsAddUpExactly) {
    constexpr unsigned seed = 20'000;
    std::mt19937 random(seed);
    const l4::ThreadId threads[] = {
        worker,          other,          l4::pager_thread,      l4::checkpointer_thread,
        l4::root_thread, l4::nil_thread, l4::disk_driver_thread};
    const auto run = [&] {
        CycleAccountant accountant;
        uint64_t cycles = 0, stalls = 0;
        for (int step = 0; step < 10'000; ++step) {
            const uint64_t passed = random() % 1000;
            cycles += passed;
            stalls += passed == 0 ? 0 : random() % passed;
            switch (random() % 6) {
            case 0:
                accountant.phase(at(cycles, stalls), static_cast<Phase>(random() % phases));
                break;
            case 1:
                accountant.fault_begin(at(cycles, stalls), random() % 8);
                break;
            case 2:
                accountant.fault_end(at(cycles, stalls));
                break;
            case 3:
                if (random() % 100 == 0)
                    accountant.power_cycle(at(cycles, stalls));
                break;
            default:
                accountant.thread_switch(at(cycles, stalls), threads[random() % std::size(threads)]);
            }
        }
        accountant.settle(at(cycles, stalls));
        EXPECT_EQ(accountant.accounts().total(), cycles);
        return accountant.accounts();
    };
    const CycleAccounts with = run(), without = run();
    EXPECT_EQ(overhead_parts(with, without).sum(),
              static_cast<int64_t>(with.total()) - static_cast<int64_t>(without.total()))
        << "seed " << seed;
}

} // namespace
} // namespace fixpoint::sim
