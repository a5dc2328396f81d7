#include "tests/differential/campaign.hpp"

#include "tests/differential/classes/classes.hpp"
#include "tests/differential/shrink_steps.hpp"

#include <algorithm>
#include <future>

#include <fmt/format.h>

namespace differential {
namespace {

// All processors at the same time; the emulators are processes of their own. `run` gets the processor's index.
template<class Item, class Run>
std::vector<std::vector<Item>> on_all(const Processors& processors, Run run) {
    std::vector<std::future<std::vector<Item>>> under_way;
    for (size_t e = 0; e < processors.emulators.size(); ++e)
        under_way.push_back(std::async(
            std::launch::async, [&run, &processors, e] { return run(*processors.emulators[e], e + 1); }));
    std::vector<std::vector<Item>> all;
    all.push_back(run(*processors.model, 0));
    for (auto& one : under_way)
        all.push_back(one.get());
    return all;
}

} // namespace

bool Comparison::fails() const {
    return std::any_of(unexplained.begin(), unexplained.end(),
                       [](const auto& list) { return !list.empty(); });
}

// For each processor, the model first: the cases that it does not run.
std::vector<std::vector<bool>> Campaign::skipped(const std::vector<Case>& cases) const {
    std::vector<std::vector<bool>> all{std::vector<bool>(cases.size())};
    for (const auto& emulator : processors_.emulators) {
        std::vector<bool> skips;
        skips.reserve(cases.size());
        for (const Case& one : cases)
            skips.push_back(known_.hangs(one, emulator->name()));
        all.push_back(std::move(skips));
    }
    return all;
}

std::vector<size_t> Campaign::differing(const std::vector<Case>& cases) {
    const auto skips = skipped(cases);
    const auto all =
        on_all<Digests>(processors_, [&](Processor& one, size_t i) { return one.digests(cases, skips[i]); });
    const auto differs = [&](size_t emulator, size_t index) {
        if (skips[emulator + 1][index])
            return false;
        const Digests &model = all[0][index], &got = all[emulator + 1][index];
        return processors_.emulators[emulator]->lenient() ? model.lenient != got.lenient
                                                          : model.exact != got.exact;
    };
    std::vector<size_t> found;
    for (size_t i = 0; i < cases.size(); ++i)
        for (size_t e = 0; e < processors_.emulators.size(); ++e)
            if (differs(e, i)) {
                found.push_back(i);
                break;
            }
    return found;
}

std::vector<Comparison> Campaign::compare(const std::vector<Case>& cases) {
    const auto skips = skipped(cases);
    const auto all =
        on_all<Result>(processors_, [&](Processor& one, size_t i) { return one.results(cases, skips[i]); });
    std::vector<Comparison> comparisons;
    for (size_t i = 0; i < cases.size(); ++i) {
        Comparison comparison;
        comparison.model = all[0][i];
        for (size_t e = 0; e < processors_.emulators.size(); ++e) {
            const size_t of_other = 2 - e;
            const Result* other =
                processors_.emulators.size() == 2 && !skips[of_other][i] ? &all[of_other][i] : nullptr;
            const std::string name = processors_.emulators[e]->name();
            comparison.emulators.push_back(skips[e + 1][i] ? all[0][i] : all[e + 1][i]);
            if (skips[e + 1][i]) {
                comparison.unexplained.emplace_back();
                continue;
            }
            comparison.unexplained.push_back(
                known_.unexplained({cases[i], name, all[0][i], all[e + 1][i], other}));
        }
        comparisons.push_back(std::move(comparison));
    }
    return comparisons;
}

// What failing cases have in common: class, emulator, where both ended and how, and which fields differ.
std::string Campaign::group_of(const Case& what, const Comparison& comparison) const {
    std::string text = what.features.front();
    for (size_t e = 0; e < comparison.unexplained.size(); ++e) {
        if (comparison.unexplained[e].empty())
            continue;
        const Outcome &model = comparison.model.outcome, &got = comparison.emulators[e].outcome;
        text += fmt::format(" | {}: model {:x} at {}, got {:x} at {}:", processors_.emulators[e]->name(),
                            model.vector, what.instruction_at(model.eip), got.vector,
                            what.instruction_at(got.eip));
        std::string last;
        for (const Difference& one : comparison.unexplained[e])
            if (model.vector == got.vector && one.field != last)
                text += " " + (last = one.field);
    }
    return text;
}

Campaign::Summary Campaign::run(const Range& range, uint32_t cases_an_image, size_t failures_at_most) {
    Summary summary;
    while (summary.cases < range.count) {
        const uint64_t begin = range.first + summary.cases;
        const uint64_t count = std::min<uint64_t>(cases_an_image, range.count - summary.cases);
        std::vector<Case> cases;
        std::vector<uint64_t> numbers_of_cases;
        for (uint64_t number = begin; number < begin + count; ++number) {
            Case one = generate_case(range.seed, number, range.only);
            if (!range.without.empty() && one.has(range.without))
                continue;
            cases.push_back(std::move(one));
            numbers_of_cases.push_back(number);
        }
        summary.cases += count;
        std::vector<Case> again;
        std::vector<uint64_t> numbers;
        for (const size_t index : differing(cases)) {
            again.push_back(std::move(cases[index]));
            numbers.push_back(numbers_of_cases[index]);
        }
        if (again.empty())
            continue;
        summary.differing += again.size();
        std::vector<Comparison> comparisons = compare(again);
        for (size_t i = 0; i < again.size(); ++i) {
            if (!comparisons[i].fails())
                continue;
            ++summary.failing;
            Summary::Group& group = summary.groups[group_of(again[i], comparisons[i])];
            if (group.cases++ == 0)
                group.first = numbers[i];
            if (summary.failures.size() < failures_at_most)
                summary.failures.push_back({numbers[i], std::move(again[i]), std::move(comparisons[i])});
        }
    }
    return summary;
}

Campaign::Failure Campaign::shrink(const Failure& failure) {
    constexpr unsigned rounds_at_most = 40;
    Failure best = failure;
    // Every emulator that the model differed from must still differ: a known fault of one would else take the place of
    // the failure in another.
    const auto same_emulators = [&](const Comparison& comparison) {
        for (size_t e = 0; e < comparison.unexplained.size(); ++e)
            if (!failure.comparison.unexplained[e].empty() && comparison.unexplained[e].empty())
                return false;
        return true;
    };
    for (unsigned round = 0; round < rounds_at_most; ++round) {
        std::vector<Case> candidates = simpler_cases(best.what);
        if (candidates.empty())
            break;
        std::vector<Comparison> comparisons = compare(candidates);
        const auto good = std::find_if(comparisons.begin(), comparisons.end(), same_emulators);
        if (good == comparisons.end())
            break;
        best.what = std::move(candidates[static_cast<size_t>(good - comparisons.begin())]);
        best.comparison = std::move(*good);
    }
    return best;
}

std::string Campaign::usage() const {
    std::string text = known_.usage() + "hangs: model " + std::to_string(processors_.model->hangs());
    for (const auto& emulator : processors_.emulators)
        text += ", " + emulator->name() + " " + std::to_string(emulator->hangs());
    return text + "\n";
}

std::string Campaign::describe(const Case& what, const Comparison& comparison, bool full) const {
    constexpr size_t differences_in_brief = 14;
    std::string text = differential::describe(what);
    if (full)
        text += fmt::format(" model:\n{}", differential::describe(comparison.model));
    for (size_t e = 0; e < processors_.emulators.size(); ++e) {
        const std::string name = processors_.emulators[e]->name();
        if (full)
            text += fmt::format(" {}:\n{}", name, differential::describe(comparison.emulators[e]));
        size_t shown = 0;
        for (const Difference& one : differences(comparison.model, comparison.emulators[e])) {
            if (!full && ++shown > differences_in_brief)
                break;
            const auto& left = comparison.unexplained[e];
            const bool explained = std::none_of(left.begin(), left.end(), [&](const Difference& other) {
                return other.field == one.field && other.offset == one.offset;
            });
            text += fmt::format("  {} {}{}: model {:08x}, {} {:08x}\n",
                                explained ? "explained:  " : "UNEXPLAINED:", one.field,
                                one.offset != 0 ? fmt::format("+{:04x}", one.offset) : "", one.expected, name,
                                one.got);
        }
    }
    return text;
}

} // namespace differential
