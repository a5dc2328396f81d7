// fixpoint_differential: generated system-level cases in the model, QEMU and Bochs.
//
//   fixpoint_differential --cases 2000 --seed 1          a campaign
//   fixpoint_differential --seed 1 --case 17 [--verbose] one case again, in full
//
// Exit status: 0 every difference is explained by the table, 1 one is not, 2 bad usage, 77 an emulator is missing.
#include "tests/differential/campaign.hpp"
#include "tests/differential/classes/classes.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace {

using namespace differential;

constexpr int exit_failed = 1, exit_usage = 2, exit_skipped = 77;

struct Options {
    std::string images = GUEST_IMAGE_DIR, known = KNOWN_DIFFERENCES;
    uint64_t seed = 1, cases = 2000, first = 0;
    int64_t one = -1;
    uint32_t cases_an_image = 20'000;
    size_t shown = 5;
    unsigned jobs = 2;
    std::string only, without, defect;
    bool verbose = false, shrink = true, list = false;
};

void show(Campaign& campaign, const Options& options, const Campaign::Failure& failure) {
    const std::string only = options.only.empty() ? "" : " --class " + options.only;
    fmt::print("case {} of seed {}:\n{}", failure.number, options.seed,
               campaign.describe(failure.what, failure.comparison, options.verbose));
    if (options.shrink && failure.comparison.fails()) {
        const Campaign::Failure small = campaign.shrink(failure);
        fmt::print(" shrunk to:\n{}", campaign.describe(small.what, small.comparison, options.verbose));
    }
    fmt::print(" again: fixpoint_differential --seed {} --case {}{} --verbose\n\n", options.seed,
               failure.number, only);
}

int run(const Options& options) {
    if (options.list) {
        for (const CaseClass& one : case_classes())
            fmt::print("{}\n", one.name);
        return 0;
    }
    const GuestFiles files{options.images + "/differential_driver.elf",
                           options.images + "/differential_boot_rom.elf"};
    std::vector<Processors> sets(options.jobs);
    for (Processors& set : sets) {
        set.model = options.defect.empty() ? make_model(files) : make_defective_model(files, options.defect);
        auto qemu = make_qemu(files), bochs = make_bochs(files);
        if (!qemu || !bochs) {
            fmt::print("skipped: {} is not installed\n", !qemu ? "qemu-system-i386 (package qemu-system-x86)"
                                                               : "bochs (packages bochs, bochs-term)");
            return exit_skipped;
        }
        set.emulators.push_back(std::move(qemu));
        set.emulators.push_back(std::move(bochs));
    }
    Campaign campaign{std::move(sets), KnownDifferences{options.known}};

    if (options.one >= 0) {
        const auto number = static_cast<uint64_t>(options.one);
        Case what = generate_case(options.seed, number, options.only);
        const Campaign::Failure failure{number, what, campaign.compare({what})[0]};
        show(campaign, options, failure);
        return failure.comparison.fails() ? exit_failed : 0;
    }
    const auto begin = std::chrono::steady_clock::now();
    const Campaign::Summary summary =
        campaign.run({options.seed, options.first, options.cases, options.only, options.without},
                     options.cases_an_image, options.shown);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    for (const Campaign::Failure& failure : summary.failures)
        show(campaign, options, failure);
    std::vector<std::pair<std::string, Campaign::Summary::Group>> groups{summary.groups.begin(),
                                                                         summary.groups.end()};
    std::stable_sort(groups.begin(), groups.end(),
                     [](const auto& a, const auto& b) { return a.second.cases > b.second.cases; });
    for (const auto& [text, group] : groups)
        fmt::print("{:>7} like case {}: {}\n", group.cases, group.first, text);
    fmt::print("{} cases of seed {}: {} differ, {} of them unexplained; {:.0f} s\nexplained by\n{}",
               summary.cases, options.seed, summary.differing, summary.failing, took.count(),
               campaign.usage());
    return summary.failing == 0 ? 0 : exit_failed;
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"Generated system-level cases in the model, QEMU and Bochs"};
    app.add_option("--seed", options.seed, "of all cases");
    app.add_option("--cases", options.cases, "how many");
    app.add_option("--first", options.first, "number of the first");
    app.add_option("--case", options.one, "only this one");
    app.add_option("--class", options.only, "only cases of this class");
    app.add_option("--without", options.without, "leave out cases that have this feature");
    app.add_option("--an-image", options.cases_an_image, "cases in one image");
    app.add_option("--jobs", options.jobs, "images at the same time")->check(CLI::PositiveNumber);
    app.add_option("--defect", options.defect, "canary: plant this defect into what the model reports");
    app.add_option("--show", options.shown, "unexplained cases to show");
    app.add_option("--known", options.known, "table of known differences");
    app.add_option("--images", options.images, "folder of the guest programs");
    app.add_flag("--verbose", options.verbose, "show whole results");
    app.add_flag("--shrink,!--no-shrink", options.shrink, "shrink failing cases");
    app.add_flag("--list", options.list, "list the classes");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : exit_usage;
    }
    try {
        return run(options);
    } catch (const std::exception& error) {
        fmt::print(stderr, "fixpoint_differential: {}\n", error.what());
        return exit_usage;
    }
}
