// The handlers where no firmware runs, executed in real mode.
#include "sim/machine/firmware_vectors.hpp"

#include "tests/cpu/cpu_bench.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace fixpoint::sim {
namespace {

using models::CpuBench;
using models::CpuState;

class FirmwareVectors : public testing::Test {
protected:
    FirmwareVectors() { write_firmware_vectors(bench.memory); }

    // INT `vector`; HLT. The ports that were written; all registers come back.
    std::vector<uint16_t> ports_written_by(uint8_t vector) {
        constexpr uint16_t program = 0x1000, stack_top = 0x8000;
        CpuState s = CpuBench::flat_state();
        s.cr0 &= ~1u;
        s.eflags = 2;
        for (models::SegmentState& segment : s.segment)
            segment = {program, 0x93, program << 4, 0xFFFF};
        s.idtr = {0, 0x3FF};
        s.eip = 0;
        s.general = {0x1111'1111, 0x2222'2222, 0x3333'3333, 0x4444'4444,
                     stack_top,   0x5555'5555, 0x6666'6666, 7};
        bench.cpu.set_state(s);
        bench.put(program << 4, {0xCD, vector, 0xF4});
        bench.cpu.snoop_write(program << 4, 3);
        bench.bus.writes.clear();
        const CpuState end = bench.run();
        EXPECT_TRUE(end.halted) << unsigned{vector};
        EXPECT_EQ(end.eip, 3u) << unsigned{vector};
        EXPECT_EQ(end.general, s.general) << unsigned{vector};
        EXPECT_EQ(end.segment[models::seg_ds], s.segment[models::seg_ds]) << unsigned{vector};
        std::vector<uint16_t> ports;
        for (const auto& write : bench.bus.writes) {
            EXPECT_EQ(write.value, 0x20u);
            ports.push_back(static_cast<uint16_t>(write.address));
        }
        return ports;
    }
    uint32_t ticks() const { return bench.get32(0x46C); }

    CpuBench bench;
};

TEST_F(FirmwareVectors, TheTimersCountsTicks) {
    bench.put32(0x46C, 0xFFFF);
    EXPECT_EQ(ports_written_by(8), (std::vector<uint16_t>{0x20}));
    EXPECT_EQ(ticks(), 0x1'0000u);
}

TEST_F(FirmwareVectors, TheKeyboardsTakesTheCode) {
    EXPECT_EQ(ports_written_by(9), (std::vector<uint16_t>{0x20}));
    ASSERT_FALSE(bench.bus.reads.empty());
    EXPECT_EQ(bench.bus.reads.back().first, 0x60u);
}

TEST_F(FirmwareVectors, LinesTellTheirControllers) {
    for (unsigned vector = 0x0A; vector < 0x10; ++vector)
        EXPECT_EQ(ports_written_by(static_cast<uint8_t>(vector)), (std::vector<uint16_t>{0x20}));
    for (unsigned vector = 0x70; vector < 0x78; ++vector)
        EXPECT_EQ(ports_written_by(static_cast<uint8_t>(vector)), (std::vector<uint16_t>{0xA0, 0x20}));
}

TEST_F(FirmwareVectors, AllOthersReturn) {
    for (unsigned vector = 0; vector < 256; ++vector)
        if (vector / 8 != 1 && vector / 8 != 0x70 / 8) {
            EXPECT_TRUE(ports_written_by(static_cast<uint8_t>(vector)).empty());
        }
    EXPECT_EQ(ticks(), 0u);
}

} // namespace
} // namespace fixpoint::sim
