// fixpoint_qtest: random legal sequences of accesses to the PC's devices, on the models and on QEMU.
//
//   fixpoint_qtest --device pit --sequences 2000 --seed 1     a campaign
//   fixpoint_qtest --device pit --seed 1 --sequence 17        one sequence again, in full
//
// Exit status: 0 every difference is explained by the table, 1 one is not, 2 bad usage, 77 QEMU is missing.
#include "tests/qtest/campaign.hpp"
#include "tests/support/campaign_options.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace {

using namespace fixpoint::qtest;

using fixpoint::tests::exit_failed, fixpoint::tests::exit_skipped, fixpoint::tests::exit_usage;

struct Options : fixpoint::tests::CampaignOptions {
    std::string device, clock_library = CLOCK_LIBRARY;
};

std::filesystem::path find_qemu() {
    const char* variable = std::getenv("PATH");
    std::istringstream path{variable != nullptr ? variable : ""};
    for (std::string folder; std::getline(path, folder, ':');) {
        std::filesystem::path file = std::filesystem::path{folder} / "qemu-system-i386";
        if (access(file.c_str(), X_OK) == 0)
            return file;
    }
    return {};
}

void show(Campaign& campaign, const Options& options, const std::string& device, uint64_t number,
          const Campaign::Comparison& failure) {
    const bool shrinks = options.shrink && !failure.unexplained.empty();
    fmt::print("{} sequence {} of seed {}{}:\n{}", device, number, options.seed, shrinks ? ", shrunk" : "",
               campaign.describe(shrinks ? campaign.shrink(failure) : failure));
    fmt::print(" again: fixpoint_qtest --device {} --seed {} --sequence {} --no-shrink\n\n", device,
               options.seed, number);
}

// True: nothing is unexplained.
bool run(const Options& options, const Variants& variants, const std::filesystem::path& qemu) {
    const std::string device{variants.front()->name()};
    Campaign campaign{variants, {qemu, options.clock_library, options.known, options.defect}};
    if (options.one >= 0) {
        const auto number = static_cast<uint64_t>(options.one);
        const auto comparison = campaign.run(options.seed, number);
        show(campaign, options, device, number, comparison);
        return comparison.unexplained.empty();
    }
    struct Group {
        uint64_t count = 0, first = 0;
        Campaign::Comparison example;
    };
    std::map<std::string, Group> groups;
    uint64_t differing = 0, failing = 0, steps = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (uint64_t number = options.first; number < options.first + options.count; ++number) {
        auto comparison = campaign.run(options.seed, number);
        steps += comparison.steps.size();
        differing += comparison.differences.empty() ? 0 : 1;
        if (comparison.unexplained.empty())
            continue;
        ++failing;
        Group& group = groups[campaign.group_of(comparison)];
        if (group.count++ == 0) {
            group.first = number;
            group.example = std::move(comparison);
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::vector<std::pair<std::string, Group>> sorted{groups.begin(), groups.end()};
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
    for (size_t i = 0; i < std::min(options.shown, sorted.size()); ++i)
        show(campaign, options, device, sorted[i].second.first, sorted[i].second.example);
    for (const auto& [text, group] : sorted)
        fmt::print("{:>7} like sequence {}: UNEXPLAINED: {}\n", group.count, group.first, text);
    fmt::print("{}: {} sequences of seed {}, {} steps: {} differ, {} of them unexplained; {:.1f} s\n{}",
               device, options.count, options.seed, steps, differing, failing, took.count(),
               campaign.usage());
    return failing == 0;
}

int run(const Options& options) {
    const std::vector<Variants> subjects = all_subjects();
    if (options.list) {
        for (const Variants& subject : subjects)
            fmt::print("{}\n", subject.front()->name());
        return 0;
    }
    const std::filesystem::path qemu = find_qemu();
    if (qemu.empty()) {
        fmt::print("skipped: qemu-system-i386 (package qemu-system-x86) is not installed\n");
        return exit_skipped;
    }
    bool known_device = false, passed = true;
    for (const Variants& subject : subjects) {
        if (!options.device.empty() && subject.front()->name() != options.device)
            continue;
        known_device = true;
        passed = run(options, subject, qemu) && passed;
    }
    if (!known_device) {
        fmt::print(stderr, "fixpoint_qtest: no device {}\n", options.device);
        return exit_usage;
    }
    return passed ? 0 : exit_failed;
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    options.known = KNOWN_DIFFERENCES;
    CLI::App app{"Random sequences of device accesses on the models and on QEMU", "fixpoint_qtest"};
    app.add_option("--device", options.device, "only this device; without it, so many sequences of each");
    add_campaign_options(app, options, "sequence", "devices");
    app.get_option("--defect")->check(CLI::IsMember({"value", "line"}));
    app.add_option("--clock-library", options.clock_library, "what gives QEMU its virtual time");
    return fixpoint::tests::run_program(app, argc, argv, [&options] { return run(options); });
}
