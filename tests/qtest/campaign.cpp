#include "tests/qtest/campaign.hpp"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fixpoint::qtest {
namespace {

// Every sector says which one it is.
constexpr uint64_t disk_sectors = 40'960;

void write_patterned_disk(const std::filesystem::path& file, unsigned unit) {
    std::ofstream image{file, std::ios::binary};
    for (uint64_t sector = 0; sector < disk_sectors; ++sector) {
        std::string content(models::sector_bytes, '\0');
        for (size_t i = 0; i < content.size(); ++i)
            content[i] = static_cast<char>(sector * 7 + i / 2 * 3 + (i & 1) * 101 + size_t{57} * unit);
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

Campaign::Campaign(const Variants& variants, const Setting& setting)
    : defect_{setting.defect}, known_{setting.known_differences} {
    for (const std::unique_ptr<Subject>& subject : variants) {
        std::vector<std::filesystem::path> images = make_images(subject->drives());
        auto emulator = std::make_unique<Emulator>(setting.qemu, setting.clock_library, *subject, images);
        variants_.push_back({*subject, subject->prologue(), std::move(images), std::move(emulator)});
    }
}

// A unit's image is the same in all variants, so that none of them may remember what was there.
std::vector<std::filesystem::path> Campaign::make_images(unsigned drives) const {
    std::vector<std::filesystem::path> images(models::ide_units);
    for (unsigned unit = 0; unit < images.size(); ++unit) {
        if (!(drives >> unit & 1))
            continue;
        images[unit] = folder_ / fmt::format("disk{}", unit);
        if (!std::filesystem::exists(images[unit]))
            write_patterned_disk(images[unit], unit);
    }
    return images;
}

Campaign::Comparison Campaign::run(uint64_t seed, uint64_t number) {
    Random random{seed, number};
    const size_t variant = number % variants_.size();
    return compare(variant, variants_[variant].subject.generate(random));
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

Campaign::Comparison Campaign::compare(size_t variant, const Steps& steps) {
    const auto& [subject, prologue, images, emulator] = variants_[variant];
    Comparison result;
    result.variant = variant;
    result.steps = prologue;
    result.steps.insert(result.steps.end(), steps.begin(), steps.end());
    const std::vector<Instant> instants = schedule(subject, result.steps);

    const uint64_t start_ns = emulator->reset();
    Board::Images overlays;
    for (size_t unit = 0; unit < overlays.size(); ++unit)
        if (!images[unit].empty())
            overlays[unit] =
                std::make_unique<models::DiskImage>(images[unit], models::DiskImage::Access::overlay);
    Board board{subject.watch(), start_ns * models::ps_per_ns, overlays};
    result.model = board.run(result.steps, instants);
    spoil(result.model);
    result.emulator = emulator->run(result.steps, instants);

    const uint32_t lines = subject.lines();
    uint32_t model_rises = 0, emulator_rises = 0; // since the lines were last looked at
    for (size_t i = prologue.empty() ? 0 : prologue.size() - 1; i < result.steps.size(); ++i) {
        const Observation &model = result.model[i], &other = result.emulator[i];
        const bool compared = i >= prologue.size(); // of the prologue only what it leaves
        if (compared && model.value != other.value) {
            const unsigned shift = subject.first_bit(result.steps[i]);
            result.differences.push_back({i, "value", model.value << shift, other.value << shift});
        }
        if (compared) {
            model_rises += rises(model, lines);
            emulator_rises += rises(other, lines);
        }
        if (!subject.shows_lines(result.steps[i]))
            continue;
        if (model_rises != emulator_rises)
            result.differences.push_back({i, "rises", model_rises, emulator_rises});
        model_rises = emulator_rises = 0;
        if ((model.levels ^ other.levels) & lines)
            result.differences.push_back({i, "level", model.levels & lines, other.levels & lines});
    }
    if (result.differences.empty())
        return result;
    const std::vector<Features> features = subject.features(result.steps);
    const std::vector<Expectation> expected = subject.expectations(result.steps);
    const auto is_expected = [&](const Difference& one) {
        return expected.empty() || (one.model == of_field(expected[one.step].model, one.field) &&
                                    one.emulator == of_field(expected[one.step].emulator, one.field));
    };
    for (const Difference& one : result.differences)
        if (!is_expected(one) ||
            !known_.explains(subject.name(), one, of_difference(result.steps, features, one)))
            result.unexplained.push_back(one);
    return result;
}

std::string Campaign::group_of(const Comparison& comparison) const {
    const Subject& subject = variants_[comparison.variant].subject;
    const Difference& first = comparison.unexplained.front();
    const Features all = of_difference(comparison.steps, subject.features(comparison.steps), first);
    return fmt::format("{}: {}", first.field, fmt::join(all, " "));
}

Campaign::Comparison Campaign::shrink(const Comparison& failure) {
    const std::string group = group_of(failure);
    const auto& [subject, prologue, images, emulator] = variants_[failure.variant];
    Comparison best = failure;
    const auto begin = static_cast<std::ptrdiff_t>(prologue.size());
    Steps steps{best.steps.begin() + begin,
                best.steps.begin() + static_cast<std::ptrdiff_t>(best.unexplained.front().step) + 1};
    for (size_t size = std::max<size_t>(steps.size() / 2, 1); size > 0;) {
        bool shorter = false;
        for (size_t at = 0; at + size < steps.size();) { // never the last step, which shows the difference
            Steps candidate = steps;
            const auto from = candidate.begin() + static_cast<std::ptrdiff_t>(at);
            candidate.erase(from, from + static_cast<std::ptrdiff_t>(size));
            if (!subject.legal(candidate)) {
                at += size;
                continue;
            }
            Comparison comparison = compare(failure.variant, candidate);
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
    const auto& [subject, prologue, images, other] = variants_[comparison.variant];
    const std::vector<Features> features = subject.features(comparison.steps);
    const uint32_t lines = subject.lines();
    std::string text;
    if (variants_.size() > 1)
        text += fmt::format("  variant {}, IDE units {:#06b}\n", comparison.variant, subject.drives());
    for (size_t i = prologue.size(); i < comparison.steps.size(); ++i) {
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
