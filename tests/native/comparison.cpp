#include "tests/native/comparison.hpp"

#include "models/cpu/core.hpp"

#include <algorithm>
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

// Bit 4 of a page fault's error code, instruction fetch, came with the NX bit; a P6 leaves it 0.
constexpr uint32_t fetch_bit = 1u << 4;

uint32_t comparable_error(const Outcome& outcome) {
    if (outcome.vector != vector::page_fault)
        return outcome.error;
    const bool supervisor = outcome.cr2 >= ModelProcessor::supervisor_begin;
    return outcome.error & ~(fetch_bit | (supervisor ? page_fault::protection : 0u));
}

constexpr std::array<uint8_t, 11> prefix_bytes{0x66, 0x67, 0xF0, 0xF2, 0xF3, 0x26,
                                               0x2E, 0x36, 0x3E, 0x64, 0x65};

// The opcode at the EIP of a fault and the byte behind it; zeros if that is outside the program.
struct Opcode {
    uint8_t first, second;
};
Opcode faulting_opcode(const Program& program, const LocalTable& table, const Registers& end) {
    const Descriptor* code = table.find(end.selector[seg_cs]);
    uint32_t at = end.eip + (code != nullptr ? code->base : 0) - program.address;
    while (at < program.code.size() &&
           std::ranges::find(prefix_bytes, program.code[at]) != prefix_bytes.end())
        ++at;
    if (at + 1 >= program.code.size())
        return {0, 0};
    return {program.code[at], program.code[at + 1]};
}

bool memory_fault(const Outcome& o) {
    return (o.vector >= vector::stack_fault && o.vector <= vector::page_fault) ||
           o.vector == vector::alignment_check;
}

// Where the manual leaves the processor a choice that shows:
// - CMPS reads two operands; where both fault, which fault comes first (a P6 reads ESI's first, others EDI's).
// - PUSHA, POPA, ENTER and a far CALL make several accesses: how far they came before one that faults; and how many bytes at its
//   new stack pointer ENTER tries to write.
// - BOUND and operands of 80 bits are accessed in two parts, of which one may be beyond the limit, the other absent.
// - A near CALL to an offset beyond the limit, which also cannot push: the manual checks the limit first.
// - A far RET to a selector of no use: others read the outer level's stack pointer first, and may fault there.
// - ARPL that changes nothing may write the operand back, and fault, or not.
// - An access across the end of a segment of 4 GB wraps around or is a #GP or #SS.
bool either_is_right(const Program& program, const LocalTable& table, const Outcome& expected,
                     const Outcome& got) {
    constexpr uint8_t bound = 0x62, x87_80 = 0xDB, x87_80_packed = 0xDF;
    constexpr uint8_t pusha = 0x60, popa = 0x61, arpl = 0x63, cmps = 0xA6, enter = 0xC8, far_return = 0xCA,
                      call = 0xE8, far_call = 0x9A, group5 = 0xFF, call_field = 2 << 3,
                      far_call_field = 3 << 3, field = 7 << 3;
    if (faulting_opcode(program, table, expected.end).first == enter && memory_fault(expected))
        return true;
    const auto [opcode, modrm] = faulting_opcode(program, table, got.end);
    const bool near_call = opcode == call || (opcode == group5 && (modrm & field) == call_field);
    const bool calls_far = opcode == far_call || (opcode == group5 && (modrm & field) == far_call_field);
    const bool choice = (opcode & 0xFE) == cmps || opcode == pusha || opcode == popa || calls_far ||
                        opcode == bound || opcode == x87_80 || opcode == x87_80_packed;
    const bool protection_first =
        (near_call || (opcode & 0xFE) == far_return) && got.vector == vector::general_protection;
    if (choice || protection_first)
        return expected.end.eip == got.end.eip && memory_fault(expected) && memory_fault(got);
    if (opcode == arpl)
        return memory_fault(got);
    constexpr uint32_t margin = 16;
    const auto at_the_end = [](const Outcome& o) {
        return o.vector == vector::page_fault && o.cr2 + margin < 2 * margin;
    };
    return memory_fault(expected) && memory_fault(got) && (at_the_end(got) || at_the_end(expected));
}

// A fault within REP SCAS gives the flags back as they were before the instruction (SDM vol. 2, REP); others keep
// those of the last comparison.
bool flags_may_differ(const Program& program, const LocalTable& table, const Outcome& got) {
    constexpr uint8_t scas = 0xAE;
    return memory_fault(got) && (faulting_opcode(program, table, got.end).first & 0xFE) == scas;
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
                           const Registers& got) const {
    const Descriptor* code = table_.find(expected.selector[seg_cs]);
    const uint32_t linear = expected.eip + (code != nullptr ? code->base : 0);
    // RF between the iterations of REP is set (SDM vol. 3, 6.8.3), but some processors leave it clear.
    const uint32_t stepped = (expected.eflags & eflags::tf) != 0 ? eflags::rf : 0;
    const uint32_t defined = ~(candidate.undefined_flags(linear) | stepped);
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
        text = compare(candidate, fmt::format("step {}", i + 1).c_str(), expected.steps[i], got.steps[i]);
    if (text.empty() && got.step_count != expected.step_count)
        text = fmt::format("{} debug exceptions, should be {}\n", got.step_count, expected.step_count);
    if (text.empty()) {
        if (got.vector != expected.vector || comparable_error(got) != comparable_error(expected) ||
            got.cr2 != expected.cr2)
            text = fmt::format("vector {} error {:x} cr2 {:08x}, should be vector {} error {:x} cr2 {:08x}\n",
                               got.vector, got.error, got.cr2, expected.vector, expected.error, expected.cr2);
        if (flags_may_differ(program, table_, got))
            got.end.eflags =
                (got.end.eflags & ~eflags::arithmetic) | (expected.end.eflags & eflags::arithmetic);
        // Where fetching faults after a debug exception, some processors push RF clear.
        if (expected.step_count != 0)
            got.end.eflags = (got.end.eflags & ~eflags::rf) | (expected.end.eflags & eflags::rf);
        text += compare(candidate, "at the end", expected.end, got.end);
    }
    if (const size_t at = native_.first_difference(model_.memory()); at != image_bytes) {
        size_t linear = at, area = 0;
        while (linear >= data_areas[area].bytes)
            linear -= data_areas[area++].bytes;
        text += fmt::format("memory at {:08x} is {:02x}, should be {:02x}\n", data_areas[area].begin + linear,
                            model_.memory()[at], native_.memory()[at]);
    }
    if (text.empty())
        return std::nullopt;
    if (either_is_right(program, table_, expected, got)) {
        ++choices_;
        return std::nullopt;
    }
    return text;
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
