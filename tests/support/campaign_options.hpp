// The command line of a program that compares generated items (cases, sequences) with other implementations: which items,
// what is known, what to show of the rest.
//
// Exit status: 0 every difference is explained by the table, 1 one is not, 2 bad usage, 77 what to compare with is missing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace fixpoint::tests {

constexpr int exit_failed = 1, exit_usage = 2, exit_skipped = 77; // the last is CTest's SKIP_RETURN_CODE

struct CampaignOptions {
    std::string known, defect;
    uint64_t seed = 1, count = 100, first = 0;
    int64_t one = -1; // its number; negative: a whole campaign
    size_t shown = 3;
    bool shrink = true, list = false;
};

// Options --seed, --ITEMs, --first, --ITEM, --show, --defect, --known, --shrink and --list, whose values in `options` are
// what holds without them. `listed`: what --list lists.
inline void add_campaign_options(CLI::App& app, CampaignOptions& options, const std::string& item,
                                 const std::string& listed) {
    app.add_option("--seed", options.seed, fmt::format("of all {}s", item));
    app.add_option(fmt::format("--{}s", item), options.count, "how many");
    app.add_option("--first", options.first, "number of the first");
    app.add_option("--" + item, options.one, "only this one");
    app.add_option("--show", options.shown, fmt::format("unexplained {}s to show", item));
    app.add_option("--defect", options.defect, "canary: plant this defect into what the model shows");
    app.add_option("--known", options.known, "table of known differences");
    app.add_flag("--shrink,!--no-shrink", options.shrink, fmt::format("shrink failing {}s", item));
    app.add_flag("--list", options.list, "list the " + listed);
}

// Parses the command line and runs the program, whose `run` returns the exit status.
template<typename Run>
int run_program(CLI::App& app, int argc, char** argv, Run run) {
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : exit_usage;
    }
    try {
        return run();
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}: {}\n", app.get_name(), error.what());
        return exit_usage;
    }
}

} // namespace fixpoint::tests
