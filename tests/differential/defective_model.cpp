// The canary: a model that is right but for one planted defect, which a campaign has to report.
#include "tests/differential/processor.hpp"

#include <cstring>
#include <stdexcept>

namespace differential {
namespace {

constexpr uint32_t vector_gp = 13, zero_flag = 0x40, table_indicator = 4, accessed = 0x20;

void flip_zero_flag(const Case&, Result& result) {
    if (result.outcome.vector == vector_gp)
        result.outcome.eflags ^= zero_flag;
}
void spoil_error_code(const Case& what, Result& result) {
    if (what.has("instr:retf") && result.outcome.vector == vector_gp && result.outcome.error != 0)
        result.outcome.error ^= table_indicator;
}
void drop_accessed_bits(const Case&, Result& result) {
    for (Change& change : result.changes)
        if (change.offset >= at::page_table && change.offset < at::page_table + page_bytes)
            change.value &= ~accessed;
}

struct Defect {
    const char* name;
    void (*plant)(const Case&, Result&);
};
constexpr Defect defects[] = {
    {"zero-flag", flip_zero_flag}, {"error-code", spoil_error_code}, {"accessed-bit", drop_accessed_bits}};

uint32_t digest_of(const Outcome& outcome) {
    uint32_t words[sizeof outcome / 4];
    std::memcpy(words, &outcome, sizeof outcome);
    uint32_t digest = digest_seed;
    for (const uint32_t word : words)
        digest = digest_step(digest, word);
    return digest;
}

// Of all changes, as the driver makes it.
void make_changes_digest(Result& result) {
    if (result.outcome.changes > listed_changes)
        return; // the rest is not known; so many changes a case has only where it runs wild
    result.outcome.changes_digest = digest_seed;
    for (const Change& change : result.changes)
        result.outcome.changes_digest =
            digest_step(digest_step(result.outcome.changes_digest, change.offset), change.value);
}

Digests digests_of(const Result& result) {
    if (result.hung)
        return {Processor::hang_digest, Processor::hang_digest};
    if (result.outcome.vector == Outcome::shut_down)
        return {shutdown_digest, shutdown_digest};
    Outcome lenient = result.outcome;
    lenient.eflags &= ~eflags_resume;
    lenient.changes = 0;
    lenient.changes_digest = digest_seed;
    for (const Change& change : result.changes)
        if (counts_leniently(change.offset))
            lenient.changes_digest = digest_step(digest_step(lenient.changes_digest, change.offset),
                                                 lenient_value(change.offset, change.value));
    return {digest_of(result.outcome), digest_of(lenient)};
}

class DefectiveModel final : public Processor {
public:
    DefectiveModel(std::unique_ptr<Processor> model, const Defect& defect)
        : model_{std::move(model)}, defect_{defect} {}
    [[nodiscard]] std::string name() const override { return model_->name(); }

    std::vector<Digests> digests(const std::vector<Case>& cases, const std::vector<bool>& skipped) override {
        std::vector<Digests> all;
        for (const Result& one : results(cases, skipped, brief_patience_seconds))
            all.push_back(digests_of(one));
        return all;
    }
    std::vector<Result> results(const std::vector<Case>& cases, const std::vector<bool>& skipped,
                                double patience_seconds) override {
        std::vector<Result> all = model_->results(cases, skipped, patience_seconds);
        for (size_t i = 0; i < all.size(); ++i) {
            defect_.plant(cases[i], all[i]);
            make_changes_digest(all[i]);
        }
        return all;
    }

private:
    Run run(const std::vector<uint8_t>&, double) override {
        throw std::logic_error{"the model itself runs the images"};
    }

    std::unique_ptr<Processor> model_;
    const Defect& defect_;
};

} // namespace

std::unique_ptr<Processor> make_defective_model(const GuestFiles& files, const std::string& defect) {
    for (const Defect& one : defects)
        if (defect == one.name)
            return std::make_unique<DefectiveModel>(make_model(files), one);
    throw std::invalid_argument{"no defect " + defect};
}

} // namespace differential
