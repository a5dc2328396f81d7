#include "sim/observe/failure_report.hpp"

#include "tests/cpu/cpu_bench.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

using models::Cpu;
using models::CpuBench;

// UD2 with an interrupt table that holds a #GP gate to an absent segment and nothing else.
TEST(FailureReport, TellsWhichExceptionsCameDuringWhich) {
    CpuBench bench;
    bench.install_tables();
    for (unsigned vector = 0; vector < 32; ++vector)
        bench.gate(vector, 0, 0x8E, CpuBench::absent);
    bench.code({0x90, 0x0F, 0x0B});
    bench.run();
    ASSERT_EQ(bench.stop, Cpu::Stop::triple_fault);
    const FailureReport report{bench.cpu, {}};
    const std::string text = report.exceptions();
    EXPECT_EQ(text.find("#UD at 00100001, meanwhile #"), 0u) << text;
    EXPECT_NE(text.find("meanwhile #DF(0000)"), std::string::npos) << text;
}

TEST(FailureReport, ShowsTheFaultingInstructionWithItsName) {
    CpuBench bench;
    bench.install_tables();
    for (unsigned vector = 0; vector < 32; ++vector)
        bench.gate(vector, 0, 0x8E, CpuBench::absent);
    bench.code({0x90, 0x0F, 0x0B, 0x89, 0xD8});
    bench.run();
    const FailureReport report{bench.cpu, [](uint32_t linear) {
                                   return linear == 0x10'0001 ? std::string{"lost+0x1"} : std::string{};
                               }};
    const std::string text = report.processor();
    EXPECT_NE(text.find("00100001  0f 0b "), std::string::npos) << text;
    EXPECT_NE(text.find("ud2 (lost+0x1)"), std::string::npos) << text;
    EXPECT_NE(text.find("mov eax, ebx"), std::string::npos) << text;
}

TEST(FailureReport, SurvivesAPlaceWithoutMemory) {
    CpuBench bench;
    models::CpuState state = bench.cpu.state();
    state.eip = 0xFFFF'FFF0;
    state.general[models::reg_esp] = 0xFFFF'FFFC;
    bench.cpu.set_state(state);
    const FailureReport report{bench.cpu, {}};
    EXPECT_NE(report.processor().find("fffffff0  no memory there"), std::string::npos) << report.processor();
}

TEST(FailureReport, ShowsTheCodeOfTheRomThatLiesOverMemory) {
    CpuBench bench;
    std::vector<uint8_t> rom(64 << 10, 0x90);
    rom[0x1234] = 0x0F;
    rom[0x1235] = 0x0B;
    bench.cpu.set_rom(rom);
    bench.cpu.steer(0xF'0000, 0x1'0000, false, true);
    models::CpuState state = bench.cpu.state();
    state.eip = 0xF'1234;
    bench.cpu.set_state(state);
    const std::string text = FailureReport{bench.cpu, {}}.processor();
    EXPECT_NE(text.find("ud2"), std::string::npos) << text;
}

TEST(UnclaimedAccesses, NamesAPlaceOnceAndCountsAfterSixteen) {
    CpuBench bench;
    const FailureReport report{bench.cpu, {}};
    std::vector<std::string> lines;
    UnclaimedAccesses accesses{report, [&](const std::string& line) { lines.push_back(line); }};
    for (const uint16_t port : {uint16_t{1}, uint16_t{2}, uint16_t{1}, uint16_t{3}})
        accesses.unclaimed_port(port, 1, false);
    EXPECT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[0], "port 0x0001: nobody answers the 1-byte read at 0008:00100000");
    accesses.unclaimed_memory(0xFEE0'0020, 4, true); // another space
    accesses.unclaimed_memory(0xFEE0'0FFC, 4, true); // the same page
    EXPECT_EQ(lines.size(), 4u);
    EXPECT_FALSE(accesses.summary());
    for (uint16_t port = 100; port < 120; ++port)
        accesses.unclaimed_port(port, 1, false);
    EXPECT_EQ(lines.size(), UnclaimedAccesses::lines_max);
    EXPECT_EQ(accesses.summary(), "8 more ports or pages of memory where nobody answered");
}

} // namespace
} // namespace fixpoint::sim
