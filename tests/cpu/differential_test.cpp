// The model against the host's own processor: random instruction sequences, registers, defined flags and
// memory.
#include "tests/cpu/cpu_bench.hpp"
#include "tests/cpu/instruction_generator.hpp"

#include "models/cpu/flags.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <tuple>

namespace fixpoint::models {
namespace {

constexpr uint32_t probe_bytes = 7;
constexpr uint8_t end_probe[probe_bytes] = {0x0F, 0x1F, 0x80, 0x01, 0x00, 0x58, 0x46};

struct StopAtProbe : ProbeSink {
    explicit StopAtProbe(Cpu& the_cpu) : cpu{the_cpu} {}
    void on_probe(l4::Probe, const ProbeArguments&) override { cpu.request_stop(); }
    Cpu& cpu;
};

// Sequence length; whether the data segments are flat, or one byte short of it, which takes the general
// handlers.
class Differential : public testing::TestWithParam<std::tuple<unsigned, bool>> {
protected:
    Differential() : sink{bench.cpu} {
        bench.cpu.set_probe_sink(&sink);
        CpuState s = CpuBench::flat_state();
        s.idtr.limit = 0; // any exception ends in a shutdown
        for (auto& segment : s.segment)
            segment.attributes |= 0x60; // level 3, so that POPF and the like do what they do on the host
        s.segment[seg_cs].selector |= 3;
        if (!std::get<1>(GetParam()))
            for (auto& segment : s.segment)
                segment.limit = 0xFFFF'EFFF;
        initial = s;
    }

    Cpu::Stop run_model(const std::vector<uint8_t>& code, const NativeRegisters& before) {
        CpuState s = initial;
        for (unsigned i = 0; i < 8; ++i)
            s.general[i] = before.general[i];
        s.eflags = before.eflags;
        s.eip = NativeProcessor::code;
        bench.put(NativeProcessor::code, std::span{code});
        bench.put(NativeProcessor::code + static_cast<uint32_t>(code.size()), std::span{end_probe});
        bench.cpu.snoop_write(NativeProcessor::code, static_cast<uint32_t>(code.size()) + probe_bytes);
        bench.cpu.set_state(s);
        return bench.cpu.run(bench.cpu.cycles() + 100'000);
    }
    static std::string describe(const std::vector<uint8_t>& code, const NativeRegisters& before) {
        std::string text = "code";
        char piece[32];
        for (const uint8_t value : code) {
            std::snprintf(piece, sizeof piece, " %02x", value);
            text += piece;
        }
        text += "\nregisters";
        for (const uint32_t value : before.general) {
            std::snprintf(piece, sizeof piece, " %08x", value);
            text += piece;
        }
        std::snprintf(piece, sizeof piece, " flags %08x", before.eflags);
        return text + piece;
    }

    CpuBench bench;
    StopAtProbe sink;
    NativeProcessor native;
    CpuState initial;
};

TEST_P(Differential, RandomSequencesAgreeWithTheHost) {
    const auto [length, flat] = GetParam();
    const uint64_t seed = 20'000 + length * 2 + (flat ? 1 : 0);
    constexpr unsigned instructions = 150'000;
    InstructionGenerator generator{seed};
    constexpr uint32_t stack_begin = NativeProcessor::stack_top - 0x1000, stack_bytes = 0x1000;
    for (uint32_t i = 0; i < NativeProcessor::data_bytes; i += 4) {
        const uint32_t value = generator.word();
        std::memcpy(native.memory(NativeProcessor::data + i), &value, 4);
    }
    std::memcpy(bench.memory.data() + NativeProcessor::data, native.memory(NativeProcessor::data),
                NativeProcessor::data_bytes);
    unsigned faulted = 0;
    for (unsigned done = 0; done < instructions; done += length) {
        const std::vector<uint8_t> code = generator.sequence(length);
        const NativeRegisters before = generator.registers();
        const Cpu::Stop stop = run_model(code, before);
        if (stop == Cpu::Stop::triple_fault) { // a division that has no quotient: the host would raise SIGFPE
            ++faulted;
            std::memcpy(bench.memory.data() + NativeProcessor::data, native.memory(NativeProcessor::data),
                        NativeProcessor::data_bytes);
            std::memcpy(bench.memory.data() + stack_begin, native.memory(stack_begin), stack_bytes);
            continue;
        }
        ASSERT_EQ(stop, Cpu::Stop::requested) << "seed " << seed << "\n" << describe(code, before);
        const NativeRegisters expected = native.run(code, before);
        const CpuState got = bench.cpu.state();
        const uint32_t defined = (eflags::arithmetic | eflags::df) & ~generator.undefined_flags();
        for (unsigned i = 0; i < 8; ++i)
            ASSERT_EQ(got.general[i], expected.general[i]) << "register " << i << ", seed " << seed << "\n"
                                                           << describe(code, before);
        ASSERT_EQ(got.eflags & defined, expected.eflags & defined)
            << std::hex << got.eflags << " instead of " << expected.eflags << " seed " << std::dec << seed
            << "\n"
            << describe(code, before);
        ASSERT_EQ(std::memcmp(bench.memory.data() + NativeProcessor::data,
                              native.memory(NativeProcessor::data), NativeProcessor::data_bytes),
                  0)
            << "data, seed " << seed << "\n"
            << describe(code, before);
        ASSERT_EQ(std::memcmp(bench.memory.data() + stack_begin, native.memory(stack_begin), stack_bytes), 0)
            << "stack, seed " << seed << "\n"
            << describe(code, before);
    }
    EXPECT_LT(faulted, instructions / length / 2); // the test is about what does not fault
}

INSTANTIATE_TEST_SUITE_P(LengthAndFlat, Differential,
                         testing::Combine(testing::Values(1u, 4u, 12u), testing::Bool()));

} // namespace
} // namespace fixpoint::models
