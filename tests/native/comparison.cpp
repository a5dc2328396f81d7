#include "tests/native/comparison.hpp"

#include "models/cpu/core.hpp"

#include <cstring>
#include <fmt/format.h>

namespace fixpoint::native {

using namespace models;

namespace {

// The address sanitizer keeps its own memory below 4 GB: programs must not reach for just any address there.
#ifdef __SANITIZE_ADDRESS__
constexpr bool wild = false;
#else
constexpr bool wild = true;
#endif

uint64_t mixed(uint64_t a, uint64_t b) { // splitmix64
    uint64_t z = a * 0x9E37'79B9'7F4A'7C15u + b + 1;
    z = (z ^ z >> 30) * 0xBF58'476D'1CE4'E5B9u;
    z = (z ^ z >> 27) * 0x94D0'49BB'1331'11EBu;
    return z ^ z >> 31;
}

MemoryImage random_image(std::mt19937_64& random) {
    MemoryImage image(image_bytes);
    for (size_t i = 0; i < image_bytes; i += 4) {
        // Small numbers and offsets into the areas among them.
        uint32_t value = static_cast<uint32_t>(random());
        if (value % 4 == 0)
            value = static_cast<uint32_t>(random() % 256);
        else if (value % 8 == 1)
            value = data_begin + static_cast<uint32_t>(random()) % page_bytes;
        std::memcpy(image.data() + i, &value, 4);
    }
    return image;
}

} // namespace

Round::Round(uint64_t number)
    : number_{number}, random_{mixed(number, 0)}, table_{random_}, image_{random_image(random_)},
      native_{table_}, model_{table_} {}

TestCase Round::make(uint64_t index) const {
    constexpr unsigned lengths[] = {1, 2, 4, 8, 16};
    const uint64_t seed = mixed(number_, index + 1);
    InstructionGenerator generator{table_, seed, wild};
    return generator.make(lengths[seed % std::size(lengths)]);
}

std::string Round::compare(const TestCase& candidate, const char* when, const Registers& expected,
                           const Registers& got, uint32_t open_flags) const {
    const Descriptor* code = table_.find(expected.selector[seg_cs]);
    const uint32_t linear = expected.eip + (code != nullptr ? code->base : 0);
    const uint32_t defined = ~(candidate.undefined_flags(linear) | open_flags);
    std::string text;
    constexpr std::array names{"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    for (unsigned i = 0; i < 8; ++i)
        if (got.general[i] != expected.general[i])
            text += fmt::format("{}: {} is {:08x}, should be {:08x}\n", when, names[i], got.general[i],
                                expected.general[i]);
    if (got.eip != expected.eip)
        text += fmt::format("{}: eip is {:08x}, should be {:08x}\n", when, got.eip, expected.eip);
    if (((got.eflags ^ expected.eflags) & defined) != 0)
        text += fmt::format("{}: eflags is {:08x}, should be {:08x} (differs in {:x})\n", when, got.eflags,
                            expected.eflags, (got.eflags ^ expected.eflags) & defined);
    constexpr std::array segments{"es", "cs", "ss", "ds", "fs", "gs"};
    for (unsigned i = 0; i < 6; ++i)
        if (got.selector[i] != expected.selector[i])
            text += fmt::format("{}: {} is {:04x}, should be {:04x}\n", when, segments[i], got.selector[i],
                                expected.selector[i]);
    return text;
}

std::optional<std::string> Round::difference(const TestCase& candidate) {
    const Program program = candidate.assemble(table_);
    static Outcome expected, got; // large, and filled anew
    native_.set_memory(image_);
    model_.set_memory(image_);
    native_.run(program, expected);
    if (!model_.run(program, got))
        return "the model neither ends nor faults\n";
    if (plant_)
        plant_(candidate, got, model_.memory());
    ++endings_[expected.vector % endings_.size()];
    std::string text;
    for (unsigned i = 0; i < expected.step_count && i < got.step_count && text.empty(); ++i)
        text = compare(candidate, fmt::format("step {}", i + 1).c_str(), expected.steps[i], got.steps[i],
                       flags_open_after_step(program, table_, expected.steps[i]));
    if (text.empty() && got.step_count != expected.step_count)
        text = fmt::format("{} debug exceptions, should be {}\n", got.step_count, expected.step_count);
    if (!text.empty())
        return text;
    const Allowance open = allowance_for_fault(program, table_, expected, got);
    const bool same_fault = got.vector == expected.vector && got.cr2 == expected.cr2 &&
                            comparable_error(got) == comparable_error(expected);
    if (!same_fault && !open.fault)
        text = fmt::format("vector {} error {:x} cr2 {:08x}, should be vector {} error {:x} cr2 {:08x}\n",
                           got.vector, got.error, got.cr2, expected.vector, expected.error, expected.cr2);
    const bool used = settle(open, expected.end, got.end);
    text += compare(candidate, "at the end", expected.end, got.end, 0);
    if (const size_t at = native_.first_difference(model_.memory()); at != image_bytes) {
        size_t linear = at, area = 0;
        while (linear >= data_areas[area].bytes)
            linear -= data_areas[area++].bytes;
        text += fmt::format("memory at {:08x} is {:02x}, should be {:02x}\n", data_areas[area].begin + linear,
                            model_.memory()[at], native_.memory()[at]);
    }
    if (!text.empty())
        return text;
    choices_ += used || !same_fault ? 1 : 0;
    return std::nullopt;
}

// What may differ becomes alike. True: it was not.
bool Round::settle(const Allowance& open, const Registers& expected, Registers& got) {
    const uint32_t flags = (got.eflags ^ expected.eflags) & open.flags;
    bool used = flags != 0;
    got.eflags ^= flags;
    for (unsigned i = 0; i < 8; ++i)
        if ((open.general >> i & 1) != 0) {
            used |= got.general[i] != expected.general[i];
            got.general[i] = expected.general[i];
        }
    const Descriptor* stack = table_.find(got.selector[seg_ss]);
    for (uint32_t i = 1; stack != nullptr && i <= open.pushed_bytes; ++i) {
        const uint32_t offset = got.general[reg_esp] - i;
        const uint32_t linear = stack->base + (stack->big ? offset : offset & 0xFFFF);
        size_t first = 0;
        for (const Area& area : data_areas) {
            if (linear >= area.begin && linear < area.end()) {
                const size_t at = first + linear - area.begin;
                used |= model_.memory()[at] != native_.byte(at);
                model_.memory()[at] = native_.byte(at);
            }
            first += area.bytes;
        }
    }
    return used;
}

TestCase Round::shrink(TestCase failing) {
    const auto still_fails = [&](const TestCase& candidate) {
        return candidate.consistent() && difference(candidate).has_value();
    };
    // Runs of instructions, long ones first, until nothing more can go.
    for (size_t run = failing.chunks.size(); run > 0; --run)
        for (size_t first = 0; first + run <= failing.chunks.size();) {
            TestCase candidate = failing;
            const auto begin = candidate.chunks.begin() + static_cast<std::ptrdiff_t>(first);
            candidate.chunks.erase(begin, begin + static_cast<std::ptrdiff_t>(run));
            if (still_fails(candidate))
                failing = std::move(candidate);
            else
                ++first;
        }
    // Simpler state, as long as it still fails.
    const auto try_with = [&](auto change) {
        TestCase candidate = failing;
        change(candidate);
        if (still_fails(candidate))
            failing = std::move(candidate);
    };
    for (unsigned i = 0; i < 8; ++i)
        try_with([&](TestCase& c) { c.before.general[i] = 0; });
    for (const uint32_t flag : {eflags::cf, eflags::pf, eflags::af, eflags::zf, eflags::sf, eflags::of,
                                eflags::df, eflags::ac, eflags::tf})
        try_with([&](TestCase& c) { c.before.eflags &= ~flag; });
    for (const unsigned index : {seg_es, seg_ss, seg_ds, seg_fs, seg_gs})
        try_with(
            [&](TestCase& c) { c.before.selector[index] = LocalTable::selector(LocalTable::flat_first); });
    try_with([&](TestCase& c) { c.address = code_area.begin + 0x400; });
    return failing;
}

std::string Round::report(uint64_t index) {
    const TestCase shortest = shrink(make(index));
    return fmt::format("{}{}again: FIXPOINT_NATIVE_REPLAY={}:{} native_test\n", shortest.describe(table_),
                       difference(shortest).value_or("(the difference does not repeat)\n"), number_, index);
}

} // namespace fixpoint::native
