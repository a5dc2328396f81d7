// fixpoint_differential: generated system-level cases in the model, QEMU and Bochs.
//
//   fixpoint_differential --cases 2000 --seed 1          a campaign
//   fixpoint_differential --seed 1 --case 17 [--verbose] one case again, in full
//
// Exit status: 0 every difference is explained by the table, 1 one is not, 2 bad usage, 77 an emulator is missing.
#include "tests/differential/campaign.hpp"
#include "tests/differential/classes/classes.hpp"
#include "tests/support/campaign_options.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace {

using namespace differential;

using fixpoint::tests::exit_failed, fixpoint::tests::exit_skipped;

struct Options : fixpoint::tests::CampaignOptions {
    std::string images = GUEST_IMAGE_DIR, only, without;
    uint32_t cases_an_image = 20'000;
    unsigned jobs = 2;
    bool verbose = false;
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
        campaign.run({options.seed, options.first, options.count, options.only, options.without},
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
    options.known = KNOWN_DIFFERENCES;
    options.count = 2000;
    options.shown = 5;
    CLI::App app{"Generated system-level cases in the model, QEMU and Bochs", "fixpoint_differential"};
    add_campaign_options(app, options, "case", "classes");
    app.add_option("--class", options.only, "only cases of this class");
    app.add_option("--without", options.without, "leave out cases that have this feature");
    app.add_option("--an-image", options.cases_an_image, "cases in one image");
    app.add_option("--jobs", options.jobs, "images at the same time")->check(CLI::PositiveNumber);
    app.add_option("--images", options.images, "folder of the guest programs");
    app.add_flag("--verbose", options.verbose, "show whole results");
    return fixpoint::tests::run_program(app, argc, argv, [&options] { return run(options); });
}
