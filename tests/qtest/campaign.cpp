#include "tests/qtest/campaign.hpp"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fixpoint::qtest {
namespace {

// Sequences write to low sectors only; every sector says which one it is.
constexpr uint64_t disk_sectors = 40'960;

void write_patterned_disk(const std::filesystem::path& file) {
    std::ofstream image{file, std::ios::binary};
    for (uint64_t sector = 0; sector < disk_sectors; ++sector) {
        std::string content(models::sector_bytes, '\0');
        for (size_t i = 0; i < content.size(); ++i)
            content[i] = static_cast<char>(sector * 7 + i / 2 * 3 + (i & 1) * 101);
        image << content;
    }
}

uint32_t rises(const Observation& seen, uint32_t lines) {
    return static_cast<uint32_t>(
        std::count_if(seen.changes.begin(), seen.changes.end(), [lines](const Observation::Change& change) {
            return change.level && (lines >> change.line & 1);
        }));
}

std::string describe_changes(const Observation& seen, uint32_t lines) {
    constexpr size_t shown_at_most = 12;
    std::string text;
    size_t shown = 0;
    for (const Observation::Change& change : seen.changes)
        if ((lines >> change.line & 1) && ++shown <= shown_at_most)
            text += fmt::format(" {}{}", change.level ? '+' : '-', change.line);
    return shown > shown_at_most ? text + fmt::format(" ... ({} changes)", shown) : text;
}

// What the table of known differences may name: features that begin with irq_ are about lines, not about values.
Features of_difference(const Steps& steps, const std::vector<Features>& features, const Difference& one) {
    Features all = plain_features(steps[one.step]);
    for (const std::string& feature : features[one.step])
        if (one.field != "value" || !feature.starts_with("irq_"))
            all.insert(feature);
    return all;
}

uint32_t of_field(const Sight& sight, const std::string& field) {
    return field == "value" ? sight.value : field == "rises" ? sight.rises : sight.levels;
}

} // namespace

Campaign::Campaign(const Subject& subject, const Setting& setting)
    : subject_{subject}, defect_{setting.defect}, known_{setting.known_differences}, prologue_{
                                                                                         subject.prologue()} {
    if (subject.needs_disk()) {
        image_ = folder_ / "disk";
        write_patterned_disk(image_);
    }
    emulator_ = std::make_unique<Emulator>(setting.qemu, setting.clock_library, subject, image_);
}

Steps Campaign::generate(uint64_t seed, uint64_t number) const {
    Random random{seed, number};
    return subject_.generate(random);
}

// The canary: every value that the model reads with bit 2 set loses it.
void Campaign::spoil(Observations& observations) const {
    if (defect_.empty())
        return;
    for (Observation& seen : observations)
        if (defect_ == "value")
            seen.value &= ~4u;
        else if (defect_ == "line")
            seen.changes.clear();
}

Campaign::Comparison Campaign::compare(const Steps& steps) {
    Comparison result;
    result.steps = prologue_;
    result.steps.insert(result.steps.end(), steps.begin(), steps.end());
    const std::vector<Instant> instants = schedule(subject_, result.steps);

    const uint64_t start_ns = emulator_->reset();
    std::unique_ptr<models::DiskImage> image;
    if (!image_.empty())
        image = std::make_unique<models::DiskImage>(image_, models::DiskImage::Access::overlay);
    Board board{subject_.watch(), start_ns * models::ps_per_ns, image.get()};
    result.model = board.run(result.steps, instants);
    spoil(result.model);
    result.emulator = emulator_->run(result.steps, instants);

    const uint32_t lines = subject_.lines();
    uint32_t model_rises = 0, emulator_rises = 0; // since the lines were last looked at
    for (size_t i = prologue_.empty() ? 0 : prologue_.size() - 1; i < result.steps.size(); ++i) {
        const Observation &model = result.model[i], &emulator = result.emulator[i];
        const bool compared = i >= prologue_.size(); // of the prologue only what it leaves
        if (compared && model.value != emulator.value) {
            const unsigned shift = subject_.first_bit(result.steps[i]);
            result.differences.push_back({i, "value", model.value << shift, emulator.value << shift});
        }
        if (compared) {
            model_rises += rises(model, lines);
            emulator_rises += rises(emulator, lines);
        }
        if (!subject_.shows_lines(result.steps[i]))
            continue;
        if (model_rises != emulator_rises)
            result.differences.push_back({i, "rises", model_rises, emulator_rises});
        model_rises = emulator_rises = 0;
        if ((model.levels ^ emulator.levels) & lines)
            result.differences.push_back({i, "level", model.levels & lines, emulator.levels & lines});
    }
    if (result.differences.empty())
        return result;
    const std::vector<Features> features = subject_.features(result.steps);
    const std::vector<Expectation> expected = subject_.expectations(result.steps);
    const auto is_expected = [&](const Difference& one) {
        return expected.empty() || (one.model == of_field(expected[one.step].model, one.field) &&
                                    one.emulator == of_field(expected[one.step].emulator, one.field));
    };
    for (const Difference& one : result.differences)
        if (!is_expected(one) ||
            !known_.explains(subject_.name(), one, of_difference(result.steps, features, one)))
            result.unexplained.push_back(one);
    return result;
}

std::string Campaign::group_of(const Comparison& comparison) const {
    const Difference& first = comparison.unexplained.front();
    const Features all = of_difference(comparison.steps, subject_.features(comparison.steps), first);
    return fmt::format("{}: {}", first.field, fmt::join(all, " "));
}

Campaign::Comparison Campaign::shrink(const Comparison& failure) {
    const std::string group = group_of(failure);
    Comparison best = failure;
    const auto begin = static_cast<std::ptrdiff_t>(prologue_.size());
    Steps steps{best.steps.begin() + begin,
                best.steps.begin() + static_cast<std::ptrdiff_t>(best.unexplained.front().step) + 1};
    for (size_t size = std::max<size_t>(steps.size() / 2, 1); size > 0;) {
        bool shorter = false;
        for (size_t at = 0; at + size < steps.size();) { // never the last step, which shows the difference
            Steps candidate = steps;
            const auto from = candidate.begin() + static_cast<std::ptrdiff_t>(at);
            candidate.erase(from, from + static_cast<std::ptrdiff_t>(size));
            if (!subject_.legal(candidate)) {
                at += size;
                continue;
            }
            Comparison comparison = compare(candidate);
            if (!comparison.unexplained.empty() && group_of(comparison) == group) {
                steps = std::move(candidate);
                best = std::move(comparison);
                shorter = true;
            } else {
                at += size;
            }
        }
        if (size > 1 || !shorter)
            size /= 2;
    }
    return best;
}

std::string Campaign::describe(const Comparison& comparison) const {
    const std::vector<Features> features = subject_.features(comparison.steps);
    const uint32_t lines = subject_.lines();
    std::string text;
    for (size_t i = prologue_.size(); i < comparison.steps.size(); ++i) {
        const Observation &model = comparison.model[i], &emulator = comparison.emulator[i];
        text += fmt::format("  {:<36}", qtest::describe(comparison.steps[i]));
        if (shows_value(comparison.steps[i]))
            text += fmt::format(" model {:#x} qemu {:#x}", model.value, emulator.value);
        const std::string ours = describe_changes(model, lines), theirs = describe_changes(emulator, lines);
        if (!ours.empty() || !theirs.empty())
            text += fmt::format("  lines: model{} | qemu{}", ours, theirs);
        for (const Difference& one : comparison.unexplained)
            if (one.step == i)
                text += fmt::format("  <-- {} {:#x}/{:#x} [{}]", one.field, one.model, one.emulator,
                                    fmt::join(features[i], " "));
        text += "\n";
    }
    return text;
}

} // namespace fixpoint::qtest
