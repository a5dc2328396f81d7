// What instructions cost: every figure follows from the parameters.
#include "tests/cpu/cpu_bench.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

TEST(Timing, MissesCostWhatTheParametersSay) {
    CpuBench bench;
    const CpuParameters p = pentium3_parameters();
    // Two loads of one line, one after the other: a miss all the way, then a hit.
    bench.code({0xA1, 0, 0, 0x40, 0, 0xA1, 4, 0, 0x40, 0, 0xF4});
    const uint64_t stall = bench.cpu.stall_cycles();
    bench.run();
    const uint64_t fetch = p.l2.latency_cycles + p.memory_latency_cycles;
    EXPECT_EQ(bench.cpu.stall_cycles() - stall, fetch + p.l2.latency_cycles + p.memory_latency_cycles);
    EXPECT_EQ(bench.cpu.counters().l1_data_misses, 1u);
}

TEST(Timing, AscendingMissesCostTheStreamingRate) {
    CpuBench bench;
    const CpuParameters p = pentium3_parameters();
    // The code's own lines are fetched before; then mov esi, 400000h; mov ecx, 256; rep lodsd: 32 lines.
    bench.code({0xBE, 0, 0, 0x40, 0, 0xB9, 0, 1, 0, 0, 0xF3, 0xAD, 0xF4});
    const uint64_t stall = bench.cpu.stall_cycles();
    bench.run();
    const uint64_t miss = p.l2.latency_cycles + p.memory_latency_cycles;
    EXPECT_EQ(bench.cpu.stall_cycles() - stall, miss + miss + 31 * p.memory_stream_cycles);
}

TEST(Timing, MissesInAnotherOrderCostTheWholeLatency) {
    CpuBench bench;
    const CpuParameters p = pentium3_parameters();
    // Downwards: std; mov esi, 400FFCh; mov ecx, 256; rep lodsd
    bench.code({0xFD, 0xBE, 0xFC, 0x0F, 0x40, 0, 0xB9, 0, 1, 0, 0, 0xF3, 0xAD, 0xF4});
    const uint64_t stall = bench.cpu.stall_cycles();
    bench.run();
    EXPECT_EQ(bench.cpu.stall_cycles() - stall, 33 * (p.l2.latency_cycles + p.memory_latency_cycles));
}

TEST(Timing, TwoStreamsGoOnSideBySide) {
    CpuBench bench;
    const CpuParameters p = pentium3_parameters();
    // mov esi, 400000h; mov edi, 480000h; mov ecx, 256; rep movsd
    bench.code({0xBE, 0, 0, 0x40, 0, 0xBF, 0, 0, 0x48, 0, 0xB9, 0, 1, 0, 0, 0xF3, 0xA5, 0xF4});
    const uint64_t stall = bench.cpu.stall_cycles();
    bench.run();
    const uint64_t miss = p.l2.latency_cycles + p.memory_latency_cycles;
    EXPECT_EQ(bench.cpu.stall_cycles() - stall, 3 * miss + 62 * p.memory_stream_cycles);
}

TEST(Timing, BaseCostIsMicroOperationsOverRetireWidth) {
    CpuBench bench;
    // 9 x inc eax; hlt: 10 micro-operations, 3 a cycle, in one line
    bench.code({0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0xF4});
    const uint64_t start = bench.cpu.cycles() - bench.cpu.stall_cycles();
    bench.run();
    EXPECT_EQ(bench.cpu.cycles() - bench.cpu.stall_cycles() - start, 4u);
}

TEST(Timing, SteadyLoopIsPredicted) {
    CpuBench bench;
    bench.code({0xB9, 0x10, 0x27, 0, 0, 0x49, 0x75, 0xFD, 0xF4}); // mov ecx, 10000; dec ecx; jnz; hlt
    bench.run();
    EXPECT_LT(bench.cpu.counters().branch_mispredictions, 10u);
}

TEST(Timing, DirtyEvictionIsWrittenBack) {
    CpuBench bench;
    // Five lines of the same set of a four-way cache, written.
    for (uint32_t i = 0; i < 5; ++i)
        bench.put(CpuBench::code_address + i * 5, {0xA3, 0, static_cast<uint8_t>(0x10 * i), 0x40, 0});
    bench.put(CpuBench::code_address + 25, {0xF4});
    bench.run();
    EXPECT_EQ(bench.cpu.counters().writebacks, 1u);
}

} // namespace
} // namespace fixpoint::models
