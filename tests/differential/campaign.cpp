#include "tests/differential/campaign.hpp"

#include "tests/differential/classes/classes.hpp"
#include "tests/differential/shrink_steps.hpp"

#include <algorithm>
#include <future>
#include <iterator>

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

Campaign::Flags Campaign::hanging(const std::vector<Case>& cases) const {
    Flags all{std::vector<bool>(cases.size())};
    for (const auto& emulator : sets_[0].emulators) {
        std::vector<bool> hangs(cases.size());
        for (size_t i = 0; i < cases.size(); ++i)
            hangs[i] = known_.hangs(cases[i], emulator->name());
        all.push_back(std::move(hangs));
    }
    return all;
}

Campaign::Flags Campaign::differing(Processors& set, const std::vector<Case>& cases) {
    const Flags skips = hanging(cases);
    const auto all =
        on_all<Digests>(set, [&](Processor& one, size_t i) { return one.digests(cases, skips[i]); });
    Flags differ{std::vector<bool>(cases.size())};
    for (size_t e = 1; e < all.size(); ++e) {
        std::vector<bool> here(cases.size());
        const bool lenient = set.emulators[e - 1]->lenient();
        for (size_t i = 0; i < cases.size(); ++i)
            here[i] = !skips[e][i] &&
                      (lenient ? all[0][i].lenient != all[e][i].lenient : all[0][i].exact != all[e][i].exact);
        differ.push_back(std::move(here));
    }
    return differ;
}

std::vector<Comparison> Campaign::compare(const std::vector<Case>& cases) {
    const Flags none(1 + sets_[0].emulators.size(), std::vector<bool>(cases.size()));
    return compare(sets_[0], cases, none, Processor::long_patience_seconds);
}

std::vector<Comparison> Campaign::compare(Processors& set, const std::vector<Case>& cases, const Flags& agree,
                                          double patience_seconds) {
    const Flags hangs = hanging(cases);
    Flags skips = agree;
    for (size_t p = 0; p < skips.size(); ++p)
        for (size_t i = 0; i < cases.size(); ++i)
            skips[p][i] = skips[p][i] || hangs[p][i];
    auto all = on_all<Result>(
        set, [&](Processor& one, size_t i) { return one.results(cases, skips[i], patience_seconds); });
    for (size_t p = 1; p < all.size(); ++p)
        for (size_t i = 0; i < cases.size(); ++i)
            if (skips[p][i])
                all[p][i] = all[0][i];
    std::vector<Comparison> comparisons;
    const std::lock_guard lock{known_mutex_};
    for (size_t i = 0; i < cases.size(); ++i) {
        Comparison comparison;
        comparison.model = all[0][i];
        for (size_t e = 0; e < set.emulators.size(); ++e) {
            const size_t of_other = 2 - e;
            const Result* other = all.size() == 3 && !hangs[of_other][i] ? &all[of_other][i] : nullptr;
            const std::string name = set.emulators[e]->name();
            comparison.unexplained.push_back(
                known_.unexplained({cases[i], name, all[0][i], all[e + 1][i], other}));
            comparison.emulators.push_back(all[e + 1][i]);
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
        text += fmt::format(" | {}: model {:x} at {}, got {:x} at {}:", sets_[0].emulators[e]->name(),
                            model.vector, what.instruction_at(model.eip), got.vector,
                            what.instruction_at(got.eip));
        std::string last;
        for (const Difference& one : comparison.unexplained[e])
            if (model.vector == got.vector && one.field != last)
                text += " " + (last = one.field);
    }
    return text;
}

void Campaign::Summary::add(Summary part, size_t failures_at_most) {
    cases += part.cases;
    differing += part.differing;
    failing += part.failing;
    for (const auto& [text, group] : part.groups) {
        Group& whole = groups[text];
        whole.first = whole.cases == 0 ? group.first : std::min(whole.first, group.first);
        whole.cases += group.cases;
    }
    std::move(part.failures.begin(), part.failures.end(), std::back_inserter(failures));
    std::sort(failures.begin(), failures.end(),
              [](const Failure& a, const Failure& b) { return a.number < b.number; });
    if (failures.size() > failures_at_most)
        failures.erase(failures.begin() + static_cast<std::ptrdiff_t>(failures_at_most), failures.end());
}

Campaign::Summary Campaign::run_image(Processors& set, const Range& range) {
    Summary summary;
    summary.cases = range.count;
    std::vector<Case> cases;
    std::vector<uint64_t> numbers_of_cases;
    for (uint64_t number = range.first; number < range.first + range.count; ++number) {
        Case one = generate_case(range.seed, number, range.only);
        if (!range.without.empty() && one.has(range.without))
            continue;
        cases.push_back(std::move(one));
        numbers_of_cases.push_back(number);
    }
    const Flags differ = differing(set, cases);
    std::vector<Case> again;
    std::vector<uint64_t> numbers;
    Flags agree(differ.size());
    for (size_t i = 0; i < cases.size(); ++i) {
        if (std::none_of(differ.begin(), differ.end(), [&](const auto& flags) { return flags[i]; }))
            continue;
        again.push_back(std::move(cases[i]));
        numbers.push_back(numbers_of_cases[i]);
        agree[0].push_back(false);
        for (size_t e = 1; e < differ.size(); ++e)
            agree[e].push_back(!set.emulators[e - 1]->lenient() && !differ[e][i]);
    }
    summary.differing = again.size();
    if (again.empty())
        return summary;
    std::vector<Comparison> comparisons = compare(set, again, agree, Processor::brief_patience_seconds);
    // Not what the emulator has been left in by an earlier case: QEMU keeps some flags and runs wild where limits are not
    // checked. A defect of the model shows in Bochs, too, or alone. Nor an impatient end of a slow image.
    const auto doubtful = [&](const Comparison& one) {
        for (size_t e = 0; e < set.emulators.size(); ++e)
            if (!one.unexplained[e].empty() && !set.emulators[e]->lenient() && !one.emulators[e].hung)
                return false;
        return one.fails();
    };
    for (size_t i = 0; i < again.size(); ++i) {
        Comparison& one = comparisons[i];
        if (doubtful(one))
            one = compare(set, {again[i]}, Flags(agree.size(), {false}), Processor::long_patience_seconds)[0];
        if (!one.fails())
            continue;
        ++summary.failing;
        Summary::Group& group = summary.groups[group_of(again[i], one)];
        if (group.cases++ == 0)
            group.first = numbers[i];
        summary.failures.push_back({numbers[i], std::move(again[i]), std::move(one)});
    }
    return summary;
}

Campaign::Summary Campaign::run(const Range& range, uint32_t cases_an_image, size_t failures_at_most) {
    const uint64_t image =
        std::min<uint64_t>(cases_an_image, (range.count + sets_.size() - 1) / sets_.size());
    Summary summary;
    std::mutex mutex; // of what follows and of `summary`
    uint64_t next = 0;
    const auto work = [&](Processors& set) {
        while (true) {
            Range part = range;
            {
                const std::lock_guard lock{mutex};
                if (next == range.count)
                    return;
                part.first = range.first + next;
                part.count = std::min(image, range.count - next);
                next += part.count;
            }
            Summary done = run_image(set, part);
            const std::lock_guard lock{mutex};
            summary.add(std::move(done), failures_at_most);
        }
    };
    std::vector<std::future<void>> workers;
    for (Processors& set : sets_)
        workers.push_back(std::async(std::launch::async, [&work, &set] { work(set); }));
    for (auto& worker : workers)
        worker.get();
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
    std::string text = known_.usage();
    const auto add = [&](const auto& processor_of) {
        Account digests, results;
        for (const Processors& set : sets_) {
            digests += processor_of(set).of_digests();
            results += processor_of(set).of_results();
        }
        for (const auto& [what, account] : {std::pair{"digests", digests}, {"outcomes", results}})
            text += fmt::format("{:<6} {:<8} {:>8} cases, {:>4} images, {:>6.1f} s of processor time; {} "
                                "hangs, in their images {:.1f} s\n",
                                processor_of(sets_[0]).name(), what, account.cases, account.images,
                                account.seconds, account.hangs, account.in_hangs);
    };
    add([](const Processors& set) -> const Processor& { return *set.model; });
    for (size_t e = 0; e < sets_[0].emulators.size(); ++e)
        add([e](const Processors& set) -> const Processor& { return *set.emulators[e]; });
    return text;
}

std::string Campaign::describe(const Case& what, const Comparison& comparison, bool full) const {
    constexpr size_t differences_in_brief = 14;
    std::string text = differential::describe(what);
    if (full)
        text += fmt::format(" model:\n{}", differential::describe(comparison.model));
    for (size_t e = 0; e < sets_[0].emulators.size(); ++e) {
        const std::string name = sets_[0].emulators[e]->name();
        if (full)
            text += fmt::format(" {}:\n{}", name, differential::describe(comparison.emulators[e]));
        size_t shown = 0;
        for (const Difference& one : differences(what, comparison.model, comparison.emulators[e])) {
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
