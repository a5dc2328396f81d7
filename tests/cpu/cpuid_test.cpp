// CPUID: what is reported, and that what a feature brings is there exactly if it is reported.
#include "models/cpu/cpuid.hpp"
#include "models/cpu/mmu.hpp"
#include "tests/cpu/code_builder.hpp"
#include "tests/cpu/cpu_bench.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

CpuidResult ask(CpuBench& bench, uint32_t leaf) {
    CpuState s = CpuBench::flat_state();
    bench.cpu.set_state(s);
    bench.put(CpuBench::code_address, Code{}.set(reg_eax, leaf).raw({0x0F, 0xA2}).halt().bytes());
    bench.cpu.snoop_write(CpuBench::code_address, 16);
    s = bench.run();
    return {s.general[reg_eax], s.general[reg_ebx], s.general[reg_ecx], s.general[reg_edx]};
}

CpuParameters without(uint32_t features) {
    CpuParameters parameters = pentium3_parameters();
    parameters.disabled_features = features;
    return parameters;
}

// The vector of the exception that the code ends in; -1: none.
int exception_of(const CpuParameters& parameters, const Code& code) {
    CpuBench bench{parameters};
    bench.install_tables();
    bench.put(CpuBench::code_address, Code{code}.halt().bytes());
    bench.run();
    return bench.halted_in();
}

TEST(Cpuid, LeafZeroNamesTheVendorAndTheHighestLeaf) {
    CpuBench bench;
    EXPECT_EQ(ask(bench, 0), (CpuidResult{2, 0x756E'6547, 0x6C65'746E, 0x4965'6E69}));
}
TEST(Cpuid, LeafOneHasSignatureAndFeatures) {
    CpuBench bench;
    EXPECT_EQ(ask(bench, 1), (CpuidResult{0x672, 0, 0, implemented_features}));
}
TEST(Cpuid, ModelsFromEightOnHaveABrandIndex) {
    CpuParameters parameters = pentium3_parameters();
    parameters.cpuid_signature = 0x683;
    CpuBench bench{parameters};
    EXPECT_EQ(ask(bench, 1).ebx, 2u);
}
TEST(Cpuid, LeafTwoDescribesTheGeometryAsAKatmaiDoes) {
    CpuBench bench;
    EXPECT_EQ(ask(bench, 2), (CpuidResult{0x0302'0101, 0, 0, 0x0C04'0843}));
}
TEST(Cpuid, LeafTwoOmitsWhatHasNoDescriptor) {
    CpuParameters parameters = pentium3_parameters();
    parameters.l2 = {3 * 65536 * 4, 6, 32, 21};
    parameters.l1_data.ways = 2;
    parameters.data_tlb_4k = {128, 4};
    EXPECT_EQ(cpuid(parameters, 2), (CpuidResult{0x0002'0101, 0, 0, 0x0004'0800}));
}
TEST(Cpuid, HigherAndExtendedLeavesGiveTheHighestOnes) {
    CpuBench bench;
    for (const uint32_t leaf : {3u, 4u, 0x8000'0000u, 0x8000'0001u, 0xFFFF'FFFFu})
        EXPECT_EQ(ask(bench, leaf), ask(bench, 2)) << leaf;
}
TEST(Cpuid, AConfigurationTakesFeaturesAway) {
    CpuBench bench{without(feature::pae | feature::cmov)};
    EXPECT_EQ(ask(bench, 1).edx, implemented_features & ~(feature::pae | feature::cmov));
}

TEST(Cpuid, InstructionsGoWithTheirFeature) {
    struct Case {
        uint32_t feature = 0;
        Code code;
    };
    const Case cases[] = {{feature::cmov, Code{}.raw({0x0F, 0x44, 0xC1})},               // cmovz eax, ecx
                          {feature::cx8, Code{}.raw({0x0F, 0xC7, 0x0D}).word(0x5'0000)}, // cmpxchg8b
                          {feature::tsc, Code{}.raw({0x0F, 0x31})},                      // rdtsc
                          {feature::msr, Code{}.set(reg_ecx, 0x1B).raw({0x0F, 0x32})}};  // rdmsr
    for (const Case& c : cases) {
        EXPECT_EQ(exception_of(pentium3_parameters(), c.code), -1) << c.feature;
        EXPECT_EQ(exception_of(without(c.feature), c.code), 6) << c.feature;
    }
    EXPECT_EQ(exception_of(pentium3_parameters(), Code{}.raw({0x0F, 0x34})), 13) << "SYSENTER with CS 0";
    EXPECT_EQ(exception_of(without(feature::sep), Code{}.raw({0x0F, 0x34})), 6);
}
TEST(Cpuid, RegistersGoWithTheirFeature) {
    struct Case {
        uint32_t feature, number;
    };
    for (const Case& c : {Case{feature::mtrr, 0xFE}, Case{feature::mtrr, 0x2FF}, Case{feature::mtrr, 0x200},
                          Case{feature::pat, 0x277}, Case{feature::mca, 0x179}, Case{feature::mca, 0x400},
                          Case{feature::sep, 0x174}, Case{feature::sep, 0x176}, Case{feature::tsc, 0x10}}) {
        EXPECT_EQ(exception_of(pentium3_parameters(), Code{}.rdmsr(c.number)), -1) << std::hex << c.number;
        EXPECT_EQ(exception_of(without(c.feature), Code{}.rdmsr(c.number)), 13) << std::hex << c.number;
    }
}
TEST(Cpuid, BitsOfCr4GoWithTheirFeature) {
    struct Case {
        uint32_t feature, bits;
    };
    const uint32_t all = implemented_features;
    for (const Case& c :
         {Case{feature::vme, Mmu::cr4_vme}, Case{feature::vme, Mmu::cr4_pvi},
          Case{feature::tsc, Mmu::cr4_tsd}, Case{feature::de, Mmu::cr4_de}, Case{feature::pse, Mmu::cr4_pse},
          Case{feature::pae, Mmu::cr4_pae}, Case{feature::mce, Mmu::cr4_mce},
          Case{feature::pge, Mmu::cr4_pge}, Case{feature::fxsr, Mmu::cr4_osfxsr}}) {
        const Code code = Code{}.set(reg_eax, c.bits).to_cr(4, reg_eax);
        EXPECT_EQ(exception_of(pentium3_parameters(), code), (all & c.feature) != 0 ? -1 : 13) << c.bits;
        EXPECT_EQ(exception_of(without(c.feature), code), 13) << c.bits;
    }
    EXPECT_EQ(exception_of(without(all), Code{}.set(reg_eax, Mmu::cr4_pce).to_cr(4, reg_eax)), -1)
        << "performance counters are in every P6";
}

} // namespace
} // namespace fixpoint::models
