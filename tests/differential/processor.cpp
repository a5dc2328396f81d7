#include "tests/differential/processor.hpp"

#include <cstring>
#include <optional>

namespace differential {
namespace {

// The words that came over the line, from output_start on.
class Words {
public:
    explicit Words(const std::vector<uint8_t>& bytes) : bytes_{bytes} {
        constexpr uint32_t start = output_start;
        while (at_ + sizeof start <= bytes_.size() && std::memcmp(&bytes_[at_], &start, sizeof start) != 0)
            ++at_;
        at_ += sizeof start;
    }
    [[nodiscard]] std::optional<uint32_t> next() {
        uint32_t word;
        if (at_ + sizeof word > bytes_.size())
            return {};
        std::memcpy(&word, &bytes_[at_], sizeof word);
        at_ += sizeof word;
        return word;
    }

private:
    const std::vector<uint8_t>& bytes_;
    size_t at_ = 0;
};

bool read_item(Words& words, Digests& digests) {
    const auto exact = words.next(), lenient = words.next();
    digests = {exact.value_or(0), lenient.value_or(0)};
    return lenient.has_value();
}

bool read_item(Words& words, Result& result) {
    if (!words.next()) // the case's number
        return false;
    uint32_t outcome[sizeof(Outcome) / 4];
    for (uint32_t& word : outcome) {
        const auto next = words.next();
        if (!next)
            return false;
        word = *next;
    }
    std::memcpy(&result.outcome, outcome, sizeof outcome);
    for (uint32_t i = 0; i < result.outcome.changes && i < listed_changes; ++i) {
        const auto offset = words.next(), value = words.next();
        if (!offset || !value)
            return false;
        result.changes.push_back({*offset, *value});
    }
    return true;
}

void mark_hung(Digests& digests) {
    digests = {Processor::hang_digest, Processor::hang_digest};
}
void mark_hung(Result& result) {
    result = {};
    result.hung = true;
}

} // namespace

Account& Account::operator+=(const Account& other) {
    images += other.images;
    cases += other.cases;
    hangs += other.hangs;
    seconds += other.seconds;
    in_hangs += other.in_hangs;
    return *this;
}

template<class Item>
std::vector<Item> Processor::collect(const std::vector<Case>& cases, const std::vector<bool>& skipped,
                                     double patience_seconds, Account& account) {
    std::vector<Case> run_here;
    for (size_t i = 0; i < cases.size(); ++i)
        if (!skipped[i])
            run_here.push_back(cases[i]);
    std::vector<Item> items;
    while (items.size() < run_here.size()) {
        const auto first = static_cast<uint32_t>(items.size());
        const Run done = run(module_of(run_here, std::is_same_v<Item, Result>, first), patience_seconds);
        Words words{done.output};
        Item item{};
        while (items.size() < run_here.size() && read_item(words, item)) {
            items.push_back(std::move(item));
            item = {};
        }
        if (items.size() < run_here.size()) {
            mark_hung(item);
            ++account.hangs;
            account.in_hangs += done.seconds;
            items.push_back(std::move(item));
        }
        ++account.images;
        account.seconds += done.seconds;
    }
    account.cases += items.size();
    std::vector<Item> all(cases.size());
    for (size_t i = 0, next = 0; i < cases.size(); ++i)
        if (!skipped[i])
            all[i] = std::move(items[next++]);
    return all;
}

std::vector<Digests> Processor::digests(const std::vector<Case>& cases, const std::vector<bool>& skipped) {
    return collect<Digests>(cases, skipped, brief_patience_seconds, of_digests_);
}
std::vector<Result> Processor::results(const std::vector<Case>& cases, const std::vector<bool>& skipped,
                                       double patience_seconds) {
    return collect<Result>(cases, skipped, patience_seconds, of_results_);
}

} // namespace differential
