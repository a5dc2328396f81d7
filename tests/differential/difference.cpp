#include "tests/differential/difference.hpp"

#include <cstring>
#include <map>

#include <fmt/format.h>

namespace differential {
namespace {

// The words of Outcome that are compared, in their order.
constexpr const char* names[] = {"vector",   "error",     "eax",   "ecx",  "edx", "ebx",      "esp",
                                 "ebp",      "esi",       "edi",   "eip",  "cs",  "eflags",   "ss",
                                 "ds",       "es",        "fs",    "gs",   "cr0", "cr2",      "cr3",
                                 "cr4",      "dr6",       "dr7",   "ldtr", "tr",  "gdt_base", "gdt_limit",
                                 "idt_base", "idt_limit", "nested"};
constexpr size_t word_count = std::size(names);
static_assert(sizeof(Outcome) == (word_count + 2) * 4); // and the two about changes

void words_of(const Outcome& outcome, uint32_t (&words)[word_count]) {
    std::memcpy(words, &outcome, sizeof words);
}

struct Region {
    uint32_t end;
    const char* name;
};
constexpr Region regions[] = {
    {at::ldt, "gdt"},          {at::idt, "ldt"},      {at::ivt, "idt"},    {at::tss_main, "ivt"},
    {at::code, "tss"},         {at::stack0, "code"},  {at::data, "stack"}, {at::page_directory, "data"},
    {at::spare, "page_table"}, {arena_bytes, "spare"}};

std::string region(uint32_t offset) {
    for (const Region& one : regions)
        if (offset < one.end)
            return std::string{"memory:"} + one.name;
    return "memory";
}

} // namespace

std::vector<Difference> differences(const Case& what, const Result& expected, const Result& got) {
    std::vector<Difference> found;
    if (expected.hung || got.hung) {
        if (expected.hung != got.hung)
            found.push_back({"hang", 0, expected.hung ? 1u : 0u, got.hung ? 1u : 0u});
        return found;
    }
    uint32_t a[word_count], b[word_count];
    words_of(expected.outcome, a);
    words_of(got.outcome, b);
    for (size_t i = 0; i < word_count; ++i)
        if (a[i] != b[i])
            found.push_back({names[i], 0, a[i], b[i]});
    if (expected.outcome.changes == got.outcome.changes &&
        expected.outcome.changes_digest == got.outcome.changes_digest)
        return found;
    // Which of them: what one lists and the other does not, or not with this value.
    std::map<uint32_t, std::pair<uint32_t, uint32_t>> changes;
    for (const Change& change : expected.changes)
        changes[change.offset] = {change.value, what.word_before(change.offset)};
    for (const Change& change : got.changes) {
        const auto [at, is_new] =
            changes.try_emplace(change.offset, what.word_before(change.offset), change.value);
        at->second.second = change.value;
    }
    const size_t count = found.size();
    std::map<uint32_t, bool> in_both;
    for (const Change& change : expected.changes)
        in_both[change.offset] = false;
    for (const Change& change : got.changes)
        in_both[change.offset] = in_both.contains(change.offset);
    for (const auto& [offset, values] : changes)
        if (!in_both[offset] || values.first != values.second)
            found.push_back({region(offset), offset, values.first, values.second});
    if (found.size() == count)
        found.push_back({"memory:many", 0, expected.outcome.changes, got.outcome.changes});
    return found;
}

uint32_t field_of(const Outcome& outcome, const std::string& name) {
    uint32_t words[word_count];
    words_of(outcome, words);
    for (size_t i = 0; i < word_count; ++i)
        if (name == names[i])
            return words[i];
    return 0;
}

std::string describe(const Result& result) {
    if (result.hung)
        return "  hung\n";
    uint32_t words[word_count];
    words_of(result.outcome, words);
    std::string text;
    for (size_t i = 0; i < word_count; ++i)
        text += fmt::format("{}{} {:08x}", i % 8 == 0 ? "\n  " : " ", names[i], words[i]);
    text += "\n  changed:";
    for (const Change& change : result.changes)
        text +=
            fmt::format(" {}+{:04x}={:08x}", region(change.offset).substr(7), change.offset, change.value);
    return text.substr(1) + "\n";
}

} // namespace differential
