// Random programs on random machine states. The processor must not crash or hang, its counters go forward
// only, its state survives being read and set, and neither the exact short cut of memory accesses nor an
// observer changes anything: every program runs three times, with the short cut, without it, and observed, and
// all are the same after every step, in state, time, and what they leave behind.
#include "tests/cpu/cpu_bench.hpp"
#include "tests/fuzz/campaign.hpp"
#include "tests/fuzz/random_scenario.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace fixpoint::fuzz {
namespace {

using models::Cpu;
using models::CpuBench;

constexpr unsigned default_cases = 80, steps = 60;
// The longest that one run() may go on after its limit: a block of instructions that all miss everywhere.
constexpr uint64_t overshoot_max = 200'000;

bool finished(Cpu::Stop stop) {
    return stop == Cpu::Stop::triple_fault || stop == Cpu::Stop::halted_for_ever;
}

void prepare(CpuBench& bench, const Scenario& scenario) {
    std::memcpy(bench.memory.data(), scenario.memory.data(), scenario.memory.size());
    bench.cpu.set_state(scenario.state);
}

// Looks at everything that it may.
struct Onlooker final : models::InstructionObserver {
    explicit Onlooker(const Cpu& of) : cpu{of} {}
    const Cpu& cpu;
    uint64_t seen = 0, cycles = 0;

    bool before_instruction(uint32_t linear) override {
        const models::CpuState state = cpu.state();
        EXPECT_EQ(state.segment[models::seg_cs].base + state.eip, linear);
        EXPECT_GE(cpu.cycles(), cycles);
        cycles = cpu.cycles();
        ++seen;
        return true;
    }
};

class Triplets {
public:
    explicit Triplets(const Scenario& scenario)
        : fast_{scenario.parameters, memory_bytes}, plain_{scenario.parameters, memory_bytes},
          observed_{scenario.parameters, memory_bytes} {
        plain_.cpu.set_fast_path(false);
        observed_.cpu.set_observer(&onlooker_);
        for (CpuBench* bench : all()) {
            prepare(*bench, scenario);
            bench->bus.on_acknowledge = [bench] { bench->cpu.set_interrupt_line(false); };
        }
    }

    // False: the processor has stopped for good.
    bool step(uint64_t target) {
        const uint64_t cycles = fast_.cpu.cycles(), instructions = fast_.cpu.instructions();
        const Cpu::Stop stop = fast_.cpu.run(target);
        for (CpuBench* other : others()) {
            SCOPED_TRACE(other == &plain_ ? "without the short cut" : "observed");
            EXPECT_EQ(stop, other->cpu.run(target));
            EXPECT_EQ(fast_.cpu.cycles(), other->cpu.cycles());
            EXPECT_EQ(fast_.cpu.stall_cycles(), other->cpu.stall_cycles());
            EXPECT_EQ(fast_.cpu.instructions(), other->cpu.instructions());
            EXPECT_TRUE(fast_.cpu.state() == other->cpu.state())
                << "state at EIP " << std::hex << fast_.cpu.state().eip;
        }
        EXPECT_GE(onlooker_.seen, observed_.cpu.instructions());
        EXPECT_GE(fast_.cpu.cycles(), cycles);
        EXPECT_GE(fast_.cpu.instructions(), instructions);
        EXPECT_LE(fast_.cpu.cycles(), std::max(target, cycles) + overshoot_max);
        return !finished(stop);
    }
    void interrupt(bool level, uint8_t vector) {
        for (CpuBench* bench : all()) {
            bench->bus.interrupt_vector = vector;
            bench->cpu.set_interrupt_line(level);
        }
    }
    void device_write(uint32_t physical, uint32_t value) {
        for (CpuBench* bench : all()) {
            bench->put32(physical, value);
            bench->cpu.snoop_write(physical, 4);
        }
    }
    void reload_state() {
        for (CpuBench* bench : all()) {
            const models::CpuState state = bench->cpu.state();
            bench->cpu.set_state(state);
            EXPECT_TRUE(bench->cpu.state() == state);
        }
    }
    void pass_time() {
        for (CpuBench* bench : all())
            if (bench->cpu.halted())
                bench->cpu.skip_to(bench->cpu.cycles() + 100);
    }
    void compare_everything() {
        for (CpuBench* other : others()) {
            SCOPED_TRACE(other == &plain_ ? "without the short cut" : "observed");
            EXPECT_EQ(fast_.cpu.timing_state_digest(), other->cpu.timing_state_digest());
            EXPECT_EQ(std::memcmp(fast_.memory.data(), other->memory.data(), memory_bytes), 0);
            EXPECT_EQ(fast_.bus.writes.size(), other->bus.writes.size());
            EXPECT_EQ(fast_.bus.mmio_writes.size(), other->bus.mmio_writes.size());
            EXPECT_EQ(fast_.bus.reads, other->bus.reads);
            EXPECT_EQ(fast_.bus.mmio_reads, other->bus.mmio_reads);
            EXPECT_EQ(fast_.bus.floating_point_errors, other->bus.floating_point_errors);
        }
    }
    [[nodiscard]] uint64_t cycles() const { return fast_.cpu.cycles(); }
    [[nodiscard]] uint64_t instructions() const { return fast_.cpu.instructions(); }

private:
    std::array<CpuBench*, 3> all() { return {&fast_, &plain_, &observed_}; }
    std::array<CpuBench*, 2> others() { return {&plain_, &observed_}; }

    CpuBench fast_, plain_, observed_;
    Onlooker onlooker_{observed_.cpu};
};

// How many instructions the program got through.
uint64_t run_case(const ScenarioKind& kind, Random& random) {
    const Scenario scenario = draw_scenario(kind, random);
    Triplets triplets{scenario};
    uint64_t target = 0;
    for (unsigned i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
        SCOPED_TRACE("step " + std::to_string(i));
        target = std::max(target, triplets.cycles()) + random() % 400;
        if (!triplets.step(target))
            break;
        if (random() % 8 == 0)
            triplets.interrupt(random() % 2 != 0, static_cast<uint8_t>(random()));
        if (random() % 16 == 0)
            triplets.device_write(static_cast<uint32_t>(random() % (memory_bytes / 4) * 4),
                                  static_cast<uint32_t>(random()));
        if (random() % 16 == 0)
            triplets.reload_state();
        triplets.pass_time();
    }
    triplets.compare_everything();
    return triplets.instructions();
}

template<class T, size_t Count>
T pick(const T (&choices)[Count], Random& random) {
    return choices[random() % Count];
}

constexpr CodeKind code_kinds[] = {CodeKind::random_bytes, CodeKind::valid_instructions};
constexpr Environment flat[] = {Environment::level0, Environment::level3};
constexpr Environment small[] = {Environment::code16, Environment::real, Environment::virtual_8086};
constexpr Environment protected_modes[] = {Environment::level0, Environment::level3, Environment::code16,
                                           Environment::virtual_8086};
constexpr Paging pagings[] = {Paging::off, Paging::one_to_one, Paging::random, Paging::random_pae};
constexpr Paging random_pagings[] = {Paging::random, Paging::random_pae};
constexpr Tables bad_tables[] = {Tables::damaged, Tables::random};

TEST(ProcessorFuzz, RandomBytesAsCode) {
    run_campaign(default_cases, [](uint64_t seed) {
        Random random{seed};
        run_case({CodeKind::random_bytes, pick(flat, random), Paging::off, Tables::sound}, random);
    });
}

TEST(ProcessorFuzz, ValidInstructionsAsCode) {
    run_campaign(default_cases, [](uint64_t seed) {
        Random random{seed};
        run_case({CodeKind::valid_instructions, pick(flat, random), Paging::one_to_one, Tables::sound},
                 random);
    });
}

TEST(ProcessorFuzz, SixteenBitCode) {
    run_campaign(default_cases, [](uint64_t seed) {
        Random random{seed};
        const CodeKind code = pick(code_kinds, random);
        const Environment environment = pick(small, random);
        run_case({code, environment, pick(pagings, random), Tables::sound}, random);
    });
}

TEST(ProcessorFuzz, RandomPageTables) {
    run_campaign(default_cases, [](uint64_t seed) {
        Random random{seed};
        const CodeKind code = pick(code_kinds, random);
        const Environment environment = pick(flat, random);
        run_case({code, environment, pick(random_pagings, random), Tables::sound}, random);
    });
}

TEST(ProcessorFuzz, RandomDescriptorTablesAndTaskStates) {
    run_campaign(default_cases, [](uint64_t seed) {
        Random random{seed};
        const Environment environment = pick(protected_modes, random);
        const Paging paging = pick(pagings, random);
        run_case({CodeKind::valid_instructions, environment, paging, pick(bad_tables, random)}, random);
    });
}

// The programs do run: most of them get past their first instructions.
TEST(ProcessorFuzz, ProgramsGetSomewhere) {
    uint64_t instructions = 0;
    constexpr unsigned programs = 40;
    for (uint64_t seed = 1; seed <= programs; ++seed) {
        Random random{seed};
        instructions += run_case(
            {CodeKind::valid_instructions, Environment::level0, Paging::one_to_one, Tables::sound}, random);
    }
    EXPECT_GT(instructions, programs * 50);
}

} // namespace
} // namespace fixpoint::fuzz
