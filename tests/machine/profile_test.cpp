// The profile of the guest's code on the whole machine: nothing is lost, nothing is counted twice.
#include "models/cpu/cpu.hpp"
#include "sim/observe/callgrind_file.hpp"
#include "sim/observe/profile.hpp"
#include "tests/machine/machine_fixtures.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <unistd.h>

namespace fixpoint::sim {
namespace {

using models::ps_per_ms;
using test::guest;
using test::in_child;
using test::test_machine;

ProfileCost sum_of(const Profile& profile) {
    ProfileCost sum = profile.unattributed();
    for (const ProfileSite& site : profile.sites().all())
        sum += site.self;
    sum.cycles += profile.idle_cycles();
    return sum;
}

class ProfileOfTimers : public testing::Test {
protected:
    // Runs `body` in a process of its own with a machine that waits for its timers most of the time.
    void with_machine(const std::function<void(Machine&, Profile&)>& body) {
        in_child([&] {
            Machine machine{test_machine(), nullptr};
            const BootImage image{guest("timers"), "", {}};
            machine.load(image);
            Profile profile{machine, image};
            body(machine, profile);
        });
    }
    static ProfileCost counters(Machine& machine) {
        return {machine.cpu().instructions(), machine.cpu().cycles()};
    }
};

TEST_F(ProfileOfTimers, CostsAddUpToTheProcessorsCounters) {
    with_machine([](Machine& machine, Profile& profile) {
        EXPECT_EQ(machine.run(20 * models::ps_per_second), RunEnd::debug_exit);
        profile.end();
        EXPECT_EQ(profile.total(), counters(machine));
        EXPECT_EQ(sum_of(profile), counters(machine));
        EXPECT_EQ(profile.idle_cycles(), machine.cpu().idle_cycles());
        EXPECT_GT(profile.idle_cycles(), 0u);
        EXPECT_EQ(profile.unattributed(), ProfileCost{});
        for (const ProfileSite& site : profile.sites().all())
            EXPECT_EQ(site.function->module, 0u) << std::hex << site.address;
    });
}

TEST_F(ProfileOfTimers, EndsWhereItIsTold) {
    with_machine([](Machine& machine, Profile& profile) {
        EXPECT_EQ(machine.run(2 * ps_per_ms), RunEnd::time_limit);
        profile.end();
        const ProfileCost then = counters(machine);
        EXPECT_EQ(machine.run(4 * ps_per_ms), RunEnd::time_limit);
        EXPECT_GT(counters(machine).cycles, then.cycles);
        EXPECT_EQ(profile.total(), then);
        EXPECT_EQ(sum_of(profile), then);
    });
}

TEST_F(ProfileOfTimers, GoesOnThroughPowerCuts) {
    with_machine([](Machine& machine, Profile& profile) {
        EXPECT_EQ(machine.run(2 * ps_per_ms), RunEnd::time_limit);
        machine.power_cycle(models::PowerLoss::lose_cache, 1);
        profile.power_cycle();
        EXPECT_EQ(machine.run(4 * ps_per_ms), RunEnd::time_limit);
        profile.end();
        EXPECT_EQ(profile.total(), counters(machine));
        EXPECT_EQ(sum_of(profile), counters(machine));
    });
}

TEST_F(ProfileOfTimers, ItsFileIsThereWhenItIsWritten) {
    const auto folder =
        std::filesystem::temp_directory_path() / ("fixpoint_profile_" + std::to_string(getpid()));
    std::filesystem::create_directory(folder);
    with_machine([&](Machine& machine, Profile& profile) {
        { const CallgrindFile unwritten(folder / "profile"); }
        EXPECT_TRUE(std::filesystem::is_empty(folder));
        CallgrindFile file(folder / "profile");
        EXPECT_FALSE(std::filesystem::exists(folder / "profile"));
        EXPECT_EQ(machine.run(ps_per_ms), RunEnd::time_limit);
        profile.end();
        file.write(profile);
        std::ifstream written(folder / "profile");
        const std::string text{std::istreambuf_iterator<char>(written), {}};
        EXPECT_EQ(text, to_callgrind(profile));
        EXPECT_TRUE(text.starts_with("# callgrind format\nversion: 1\n"));
        EXPECT_THROW(CallgrindFile(folder / "missing" / "profile"), ProfileFileError);
    });
    std::filesystem::remove_all(folder);
}

} // namespace
} // namespace fixpoint::sim
