// What the processor says it is: CPUID (SDM vol. 2, CPUID) and the features that go with it.
//
// Exactly what is implemented is reported; a machine's configuration may take features away. What a feature
// brings (bits of CR4, model-specific registers, instructions) is there if and only if CPUID reports it.
#pragma once

#include "models/cpu/cpu_parameters.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace fixpoint::models {

// EDX of leaf 1.
namespace feature {
inline constexpr uint32_t fpu = 1u << 0, vme = 1u << 1, de = 1u << 2, pse = 1u << 3, tsc = 1u << 4,
                          msr = 1u << 5, pae = 1u << 6, mce = 1u << 7, cx8 = 1u << 8, apic = 1u << 9,
                          sep = 1u << 11, mtrr = 1u << 12, pge = 1u << 13, mca = 1u << 14, cmov = 1u << 15,
                          pat = 1u << 16, pse36 = 1u << 17, mmx = 1u << 23, fxsr = 1u << 24;
} // namespace feature

inline constexpr uint32_t implemented_features =
    feature::fpu | feature::vme | feature::de | feature::pse | feature::tsc | feature::msr | feature::pae |
    feature::mce | feature::cx8 | feature::apic | feature::sep | feature::mtrr | feature::pge | feature::mca |
    feature::cmov | feature::pat | feature::pse36 | feature::mmx | feature::fxsr;

[[nodiscard]] inline uint32_t cpu_features(const CpuParameters& parameters) {
    return implemented_features & ~parameters.disabled_features;
}

// The names by which a configuration takes features away.
struct FeatureName {
    std::string_view name;
    uint32_t bit;
};
inline constexpr std::array feature_names = {
    FeatureName{"fpu", feature::fpu},     FeatureName{"vme", feature::vme},
    FeatureName{"de", feature::de},       FeatureName{"pse", feature::pse},
    FeatureName{"tsc", feature::tsc},     FeatureName{"msr", feature::msr},
    FeatureName{"pae", feature::pae},     FeatureName{"mce", feature::mce},
    FeatureName{"cx8", feature::cx8},     FeatureName{"apic", feature::apic},
    FeatureName{"sep", feature::sep},     FeatureName{"mtrr", feature::mtrr},
    FeatureName{"pge", feature::pge},     FeatureName{"mca", feature::mca},
    FeatureName{"cmov", feature::cmov},   FeatureName{"pat", feature::pat},
    FeatureName{"pse36", feature::pse36}, FeatureName{"mmx", feature::mmx},
    FeatureName{"fxsr", feature::fxsr},
};

struct CpuidResult {
    uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;

    bool operator==(const CpuidResult&) const = default;
};
[[nodiscard]] CpuidResult cpuid(const CpuParameters& parameters, uint32_t leaf);

// The bits of CR4 that are not reserved on this processor.
[[nodiscard]] uint32_t cr4_valid_bits(uint32_t features);

} // namespace fixpoint::models
