// Real-address mode: vectors without error codes, limits that stay with their segments (SDM vol. 3, 20.1).
#include "tests/cpu/cpu_bench.hpp"

#include "models/cpu/flags.hpp"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

class RealMode : public testing::Test {
protected:
    RealMode() {
        CpuState s;
        for (auto& segment : s.segment)
            segment = {0, 0x93, 0, 0xFFFF};
        s.segment[seg_cs] = {0x1000, 0x93, 0x1'0000, 0xFFFF};
        s.cr0 = 0x10;
        s.idtr.limit = 0x3FF;
        s.general[reg_esp] = 0x8000;
        bench.cpu.set_state(s);
        for (uint32_t v = 0; v < 256; ++v) {
            bench.put32(v * 4, 0x0200'0000 | v);
            bench.memory.data()[0x2000 + v] = 0xF4;
        }
    }
    void edit(const std::function<void(CpuState&)>& change) {
        CpuState s = bench.cpu.state();
        change(s);
        bench.cpu.set_state(s);
    }
    void real_code(std::initializer_list<uint8_t> bytes) { bench.put(0x1'0000, bytes); }
    int vector() { return static_cast<int>(bench.cpu.state().eip) - 1; }
    uint16_t word(uint32_t address) { return static_cast<uint16_t>(bench.get32(address)); }

    CpuBench bench;
};

TEST_F(RealMode, FaultsPushNoErrorCode) {
    real_code({0xA1, 0xFF, 0xFF}); // mov ax, [ffff]
    bench.run();
    EXPECT_EQ(vector(), 13);
    EXPECT_EQ(word(0x8000 - 6), 0u);
    EXPECT_EQ(word(0x8000 - 4), 0x1000u);
}
TEST_F(RealMode, InstructionsUpToTheCodeSegmentsLimitAreExecuted) {
    std::array<uint8_t, 64> increments{};
    increments.fill(0x43); // inc bx, over two lines of the cache
    // The limit lies within a page, where a line ends: the block goes on behind it.
    std::ranges::copy(increments, bench.memory.data() + 0x2'0008);
    edit([](CpuState& s) {
        s.segment[seg_cs] = {0x1002, 0x93, 0x1'0020, 0xFFFF};
        s.eip = 0xFFE8;
    });
    const CpuState s = bench.run();
    EXPECT_EQ(vector(), 13);
    EXPECT_EQ(s.general[reg_ebx], 0x18u);
    EXPECT_EQ(word(0x8000 - 6), 0u); // 10000h
}
TEST_F(RealMode, ABreakpointAtTheHandlerOfAFetchFaultIsSeen) {
    bench.put(0x1'FFFF, {0x90});
    edit([](CpuState& s) {
        s.eip = 0xFFFF;
        s.debug[0] = 0x2000 + 13;
        s.debug[7] = 0x401;
    });
    bench.run();
    EXPECT_EQ(vector(), 1);
    EXPECT_EQ(word(0x8000 - 12), 13u);
}
TEST_F(RealMode, StackAccessesBeyondTheLimitAreStackFaults) {
    real_code({0x8B, 0x46, 0x00}); // mov ax, [bp]
    edit([](CpuState& s) { s.general[reg_ebp] = 0xFFFF; });
    bench.run();
    EXPECT_EQ(vector(), 12);
}
TEST_F(RealMode, VectorBeyondTheTableIsADoubleFault) {
    real_code({0xCD, 0x80});
    edit([](CpuState& s) { s.idtr.limit = 12 * 4 - 1; });
    bench.run();
    EXPECT_EQ(vector(), 8);
}
TEST_F(RealMode, BigSegmentsKeepTheirLimit) {
    real_code({0x8E, 0xD8, 0x67, 0xA1, 0x00, 0x00, 0x20, 0x00, 0xF4}); // mov ds, ax; mov ax, [200000]
    edit([](CpuState& s) { s.segment[seg_ds] = {0, 0xC093, 0, 0xFFFF'FFFF}; });
    bench.put32(0x20'0000, 0x4321);
    const CpuState s = bench.run();
    EXPECT_EQ(s.general[reg_eax], 0x4321u);
    EXPECT_EQ(s.segment[seg_ds].limit, 0xFFFF'FFFFu);
}
TEST_F(RealMode, IretRestoresEverything) {
    real_code({0xCF});
    edit([](CpuState& s) { s.general[reg_esp] = 0x8000 - 6; });
    bench.put32(0x8000 - 6, 0x1000'0010);
    bench.put32(0x8000 - 2, 0xFED7);
    bench.put(0x1'0010, {0x90, 0xF4});
    edit([](CpuState& s) { s.eflags = 2; });
    bench.put32(0x8000 - 2, 0x7CD7); // without TF
    const CpuState s = bench.run();
    EXPECT_EQ(s.eflags, 0x7CD7u);
    EXPECT_EQ(s.eip, 0x12u);
}
TEST_F(RealMode, SystemSelectorsAreUndefined) {
    real_code({0x0F, 0x00, 0xD8});
    bench.run();
    EXPECT_EQ(vector(), 6);
}
TEST_F(RealMode, TargetBeyond64KIsAProtectionFault) {
    real_code({0x66, 0xEA, 0x00, 0x00, 0x01, 0x00, 0x00, 0x10});
    bench.run();
    EXPECT_EQ(vector(), 13);
}
TEST_F(RealMode, InterruptClearsInterruptAndTrapFlags) {
    real_code({0xCD, 0x40});
    edit([](CpuState& s) { s.eflags = 2 | eflags::iif | eflags::ac | eflags::nt; });
    EXPECT_EQ(bench.run().eflags, 2u | eflags::nt);
}
TEST_F(RealMode, StackWrapsBetweenPushes) {
    real_code({0xCD, 0x40});
    edit([](CpuState& s) { s.general[reg_esp] = 4; });
    bench.run();
    EXPECT_EQ(vector(), 0x40);
    EXPECT_EQ(bench.cpu.state().general[reg_esp], 0xFFFEu);
    EXPECT_EQ(word(0xFFFE), 2u);
}

} // namespace
} // namespace fixpoint::models
