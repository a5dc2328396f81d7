// The model's x87 and MMX against the host's own: random sequences, the whole state and memory.
//
// A sequence runs between FRSTOR of a random state and FXSAVE with FNSTENV of the result, in both places. What differs
// legitimately is left out of the comparison: the selectors' and pointers' fields of FXSAVE, which AMD processors write only
// while an exception is pending, and the last place of transcendental results.
#include "tests/cpu/cpu_bench.hpp"
#include "tests/cpu/native_processor.hpp"
#include "tests/cpu/x87_instruction_generator.hpp"

#include "models/cpu/flags.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

namespace fixpoint::models {
namespace {

using Generator = X87InstructionGenerator;

constexpr uint32_t probe_bytes = 7, page_bytes = NativeProcessor::data_bytes;
constexpr uint8_t end_probe[probe_bytes] = {0x0F, 0x1F, 0x80, 0x01, 0x00, 0x58, 0x46};

struct StopAtProbe : ProbeSink {
    explicit StopAtProbe(Cpu& the_cpu) : cpu{the_cpu} {}
    void on_probe(l4::Probe, const ProbeArguments&) override { cpu.request_stop(); }
    Cpu& cpu;
};

// Longer campaigns: FIXPOINT_X87_INSTRUCTIONS for each test, FIXPOINT_X87_SEED besides the one of the test.
uint64_t from_environment(const char* name, uint64_t otherwise) {
    const char* text = std::getenv(name); // NOLINT(concurrency-mt-unsafe)
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

std::string hex(std::span<const uint8_t> bytes) {
    std::string text;
    char piece[4];
    for (const uint8_t value : bytes) {
        std::snprintf(piece, sizeof piece, "%02x ", value);
        text += piece;
    }
    return text;
}

class X87Differential : public testing::Test {
protected:
    X87Differential() : sink{bench.cpu} {
        bench.cpu.set_probe_sink(&sink);
        initial = CpuBench::flat_state();
        initial.idtr.limit = 0; // any exception ends in a shutdown
        for (SegmentState& segment : initial.segment) {
            segment.attributes |= 0x60; // level 3
            segment.selector = 0x2B;    // as Linux has it
        }
        initial.segment[seg_cs].selector = 0x23;
    }

    std::span<uint8_t> native_page() { return {native.memory(NativeProcessor::data), page_bytes}; }
    std::span<uint8_t> model_page() { return {bench.memory.data() + NativeProcessor::data, page_bytes}; }

    // Both processors execute `code` on the same page.
    void run(std::span<const uint8_t> code) {
        before = {};
        for (uint32_t& value : before.general)
            value = generator->word();
        before.eflags = 0x202 | (generator->word() & eflags::arithmetic);
        page_before.assign(native_page().begin(), native_page().end());
        std::memcpy(model_page().data(), native_page().data(), page_bytes);
        CpuState s = initial;
        for (unsigned i = 0; i < 8; ++i)
            s.general[i] = before.general[i];
        s.eflags = before.eflags;
        s.eip = NativeProcessor::code;
        const auto length = static_cast<uint32_t>(code.size());
        bench.put(NativeProcessor::code, code);
        bench.put(NativeProcessor::code + length, std::span{end_probe});
        bench.cpu.snoop_write(NativeProcessor::code, length + probe_bytes);
        bench.cpu.set_state(s);
        ASSERT_EQ(bench.cpu.run(bench.cpu.cycles() + 100'000), Cpu::Stop::requested) << describe(code);
        got = bench.cpu.state();
        run_natively(code);
    }
    void run_natively(std::span<const uint8_t> code) {
        std::memcpy(native_page().data(), page_before.data(), page_bytes);
        expected = native.run(code, before);
    }

    std::string describe(std::span<const uint8_t> code) {
        return "seed " + std::to_string(seed) + "\ncode  " + hex(code) + "\nstate " +
               hex(model_page().subspan(Generator::initial_image, 108)) + "\nmodel " +
               hex(model_page().subspan(Generator::final_extended, 160)) + "\nhost  " +
               hex(native_page().subspan(Generator::final_extended, 160)) + "\nmodel " +
               hex(model_page().subspan(Generator::final_environment, 28)) + "\nhost  " +
               hex(native_page().subspan(Generator::final_environment, 28));
    }

    // ---- What is not compared

    // The manual leaves C1 undefined (FFREE) or clears it where AMD processors do not (FCOMI).
    static bool leaves_c1_open(std::span<const uint8_t> instruction) {
        const unsigned reg = instruction[1] >> 3;
        constexpr unsigned registers = 3 << 3; // ModRM.mod = 3
        const bool free = (instruction[0] == 0xDD || instruction[0] == 0xDF) && reg == registers;
        const bool compare = (instruction[0] == 0xDB || instruction[0] == 0xDF) &&
                             (reg == (registers | 5) || reg == (registers | 6));
        return free || compare;
    }
    // After an unmasked invalid operand Intel's manual has no result of a comparison; AMD processors set it.
    [[nodiscard]] bool has_unmasked_invalid() {
        const uint8_t* image = model_page().data() + Generator::final_extended;
        constexpr uint8_t invalid = 1, stack_fault = 1 << 6;
        return (image[2] & ~image[0] & invalid) != 0 && (image[2] & stack_fault) == 0;
    }
    // With the denormal exception unmasked an AMD processor loads a denormal all the same.
    [[nodiscard]] bool loads_unmasked_denormal(std::span<const uint8_t> instruction) {
        const uint8_t* image = model_page().data() + Generator::final_extended;
        constexpr uint8_t denormal = 2, absolute_address_reg0 = 5;
        return (image[2] & ~image[0] & denormal) != 0 && (instruction[0] == 0xD9 || instruction[0] == 0xDD) &&
               instruction[1] == absolute_address_reg0;
    }
    // Bytes of an FXSAVE area that are the x87's state and not its pointers.
    static bool compared_in_extended(uint32_t offset) {
        constexpr uint32_t header = 5, registers = 32, end = 160, stride = 16, register_bytes = 10;
        return offset < header || (offset >= registers && offset < end && offset % stride < register_bytes);
    }

    // ---- Comparison

    // The offset in the page of the first byte that differs, or the page's size. `open_status`: bits of the high byte of
    // the final status word that are not compared.
    uint32_t first_difference(bool pointers_known, uint8_t open_status) {
        for (uint32_t i = 0; i < page_bytes; ++i) {
            const auto differs = static_cast<uint8_t>(native_page()[i] ^ model_page()[i]);
            if (differs == 0)
                continue;
            constexpr uint32_t area_bytes = 512, pointers = 12, environment_bytes = 28;
            const uint32_t in_area = i - Generator::extended_area, in_final = i - Generator::final_extended,
                           in_environment = i - Generator::final_environment;
            if ((in_area < area_bytes && !compared_in_extended(in_area)) ||
                (in_final < area_bytes && !compared_in_extended(in_final)))
                continue;
            if (in_environment >= pointers && in_environment < environment_bytes && !pointers_known)
                continue;
            if ((in_final == 3 || in_environment == 5) && (differs & ~open_status) == 0)
                continue;
            return i;
        }
        return page_bytes;
    }
    bool equal(bool pointers_known, uint8_t open_status, bool flags_known) {
        const uint32_t flags = flags_known ? eflags::arithmetic : 0;
        for (unsigned i = 0; i < 8; ++i)
            if (got.general[i] != expected.general[i])
                return false;
        return ((got.eflags ^ expected.eflags) & flags) == 0 &&
               first_difference(pointers_known, open_status) == page_bytes;
    }

    void compare_sequences(unsigned length, bool masked, uint64_t instructions) {
        const uint64_t count = from_environment("FIXPOINT_X87_INSTRUCTIONS", instructions);
        seed = from_environment("FIXPOINT_X87_SEED", 87'000) + uint64_t{length} * 2 + (masked ? 1 : 0);
        Generator& sequences = generator.emplace(seed, NativeProcessor::data);
        for (uint64_t done = 0; done < count; done += length) {
            if (done % 16 == 0)
                sequences.fill(native_page());
            sequences.put_initial_state(native_page(), masked);
            bool pointers_known = true;
            const std::vector<uint8_t> sequence = sequences.sequence(length, pointers_known);
            const std::vector<uint8_t> code = sequences.framed(sequence);
            ASSERT_NO_FATAL_FAILURE(run(code));
            if (length == 1 && !masked && loads_unmasked_denormal(sequence))
                continue;
            constexpr uint8_t c1 = 2, conditions = 0x47;
            const bool invalid = length == 1 && has_unmasked_invalid();
            const uint8_t open = invalid ? conditions : length == 1 && leaves_c1_open(sequence) ? c1 : 0;
            // When the host's system switches processes it may clear the x87's pointers: once more.
            constexpr unsigned attempts = 3;
            for (unsigned i = 1; i < attempts && !equal(pointers_known, open, !invalid); ++i)
                run_natively(code);
            ASSERT_TRUE(equal(pointers_known, open, !invalid))
                << "at " << first_difference(pointers_known, open) << ", flags " << std::hex << got.eflags
                << " and " << expected.eflags << std::dec << ", " << describe(code);
        }
    }

    CpuBench bench;
    StopAtProbe sink;
    NativeProcessor native;
    CpuState initial, got;
    NativeRegisters before{}, expected{};
    std::vector<uint8_t> page_before;
    std::optional<Generator> generator;
    uint64_t seed = 0;
};

// The transcendental functions and FPREM of moderate operands and of special ones: the stack, conditions and exceptions as
// on the host; results within two units of the last place, one for each side.
TEST_F(X87Differential, FunctionsOfModerateOperands) {
    seed = 87'100;
    Generator& functions = generator.emplace(seed, NativeProcessor::data);
    functions.fill(native_page());
    for (unsigned done = 0; done < 30'000; ++done) {
        functions.put_moderate_state(native_page());
        const std::vector<uint8_t> code = functions.framed(functions.function());
        ASSERT_NO_FATAL_FAILURE(run(code));
        for (const uint32_t offset : {0u, 1u}) { // ST(0) and ST(1)
            const uint32_t place = Generator::final_extended + 32 + offset * 16;
            uint64_t ours = 0, theirs = 0;
            std::memcpy(&ours, model_page().data() + place, sizeof ours);
            std::memcpy(&theirs, native_page().data() + place, sizeof theirs);
            const uint64_t distance = ours > theirs ? ours - theirs : theirs - ours;
            ASSERT_LE(distance, 2u) << describe(code);
            std::memcpy(native_page().data() + place, &ours, sizeof ours);
        }
        constexpr uint8_t c1 = 2; // which way it was rounded
        ASSERT_TRUE(equal(false, c1, true)) << "at " << first_difference(false, c1) << ", " << describe(code);
    }
}
TEST_F(X87Differential, SingleInstructionsWithMaskedExceptions) {
    compare_sequences(1, true, 100'000);
}
TEST_F(X87Differential, SingleInstructionsWithUnmaskedExceptions) {
    compare_sequences(1, false, 100'000);
}
TEST_F(X87Differential, SequencesOfTwelveInstructions) {
    compare_sequences(12, true, 200'000);
}

} // namespace
} // namespace fixpoint::models
