// A machine state drawn from a seed: parameters, memory with code, tables and pages, registers. Nothing in
// it is right on purpose: it is what a kernel out of control may leave to the processor.
#pragma once

#include "models/cpu/cpu_parameters.hpp"
#include "models/cpu/cpu_state.hpp"

#include <cstdint>
#include <random>
#include <vector>

namespace fixpoint::fuzz {

enum class CodeKind { random_bytes, valid_instructions };
enum class Environment { level0, level3, code16, real, virtual_8086 };
enum class Paging { off, one_to_one, random, random_pae };
enum class Tables { sound, damaged, random };

struct ScenarioKind {
    CodeKind code;
    Environment environment;
    Paging paging;
    Tables tables;
};

struct Scenario {
    models::CpuParameters parameters{};
    std::vector<uint8_t> memory;
    models::CpuState state;
};

using Random = std::mt19937_64;

constexpr uint32_t memory_bytes = 4u << 20;

[[nodiscard]] Scenario draw_scenario(const ScenarioKind& kind, Random& random);

} // namespace fixpoint::fuzz
