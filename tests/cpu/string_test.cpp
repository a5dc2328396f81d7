// String instructions: segments, directions, address sizes, and where a repetition that is interrupted or faults
// leaves its registers (SDM vol. 2, REP and the string instructions).
#include "tests/cpu/cpu_bench.hpp"

#include "models/cpu/flags.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

constexpr uint32_t code = CpuBench::code_address, source = 0x20'0000, target = 0x21'0000;

class Strings : public testing::Test {
protected:
    Strings() {
        bench.install_tables();
        edit([](CpuState& s) {
            s.general[reg_esi] = source;
            s.general[reg_edi] = target;
        });
        for (uint32_t i = 0; i < 64; ++i)
            bench.memory.data()[source + i] = static_cast<uint8_t>(i + 1);
    }
    void edit(const std::function<void(CpuState&)>& change) {
        CpuState s = bench.cpu.state();
        change(s);
        bench.cpu.set_state(s);
    }
    void set(RegisterIndex index, uint32_t value) {
        edit([&](CpuState& s) { s.general[index] = value; });
    }
    CpuState run(std::initializer_list<uint8_t> bytes) {
        bench.code(bytes);
        bench.put(code + static_cast<uint32_t>(bytes.size()), {0xF4});
        return bench.run();
    }
    uint32_t on_stack(unsigned index) { return bench.get32(bench.cpu.state().general[reg_esp] + index * 4); }
    uint8_t byte(uint32_t address) { return bench.memory.data()[address]; }
    // Paging with everything mapped but `absent`.
    void map_without(uint32_t absent) {
        constexpr uint32_t directory = 0x30'0000, table = 0x30'1000;
        bench.put32(directory, table | 7);
        for (uint32_t page = 0; page < 1024; ++page)
            bench.put32(table + page * 4, page << 12 | (page == absent >> 12 ? 6 : 7));
        edit([](CpuState& s) {
            s.cr3 = directory;
            s.cr0 |= 1u << 31;
        });
    }

    CpuBench bench;
};

TEST_F(Strings, OverrideIsForTheSourceOnly) {
    edit([](CpuState& s) {
        s.segment[seg_fs] = {CpuBench::kernel_data, 0xC093, 0x10, 0xFFFF'FFFF};
        s.segment[seg_ds] = {};
    });
    run({0x64, 0xA4}); // fs movsb
    EXPECT_EQ(byte(target), 17u);
}
TEST_F(Strings, DestinationIsAlwaysInEs) {
    edit([](CpuState& s) { s.segment[seg_es] = {}; });
    bench.code({0x64, 0xAA}); // fs stosb
    bench.run();
    EXPECT_EQ(bench.halted_in(), 13);
}
TEST_F(Strings, DestinationMustBeWritable) {
    edit([](CpuState& s) { s.segment[seg_es] = {CpuBench::kernel_code, 0xC09B, 0, 0xFFFF'FFFF}; });
    bench.code({0xA4});
    bench.run();
    ASSERT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(bench.cpu.state().general[reg_esi], source);
}
TEST_F(Strings, ComparedStringsNeedNotBeWritable) {
    edit([](CpuState& s) { s.segment[seg_es] = {CpuBench::kernel_code, 0xC09B, 0, 0xFFFF'FFFF}; });
    EXPECT_EQ(run({0xA6}).general[reg_edi], target + 1);
}
TEST_F(Strings, DownwardsByElements) {
    edit([](CpuState& s) {
        s.eflags |= eflags::df;
        s.general[reg_ecx] = 3;
        s.general[reg_esi] = source + 8;
        s.general[reg_edi] = target + 8;
    });
    const CpuState s = run({0xF3, 0xA5});
    EXPECT_EQ(s.general[reg_esi], source - 4);
    EXPECT_EQ(s.general[reg_edi], target - 4);
    EXPECT_EQ(std::memcmp(bench.memory.data() + target, bench.memory.data() + source, 12), 0);
}
TEST_F(Strings, CountOf0DoesNothing) {
    edit([](CpuState& s) {
        s.segment[seg_ds] = s.segment[seg_es] = {};
        s.eflags |= eflags::zf;
    });
    const CpuState s = run({0xF3, 0xA7});
    EXPECT_EQ(s.eflags & eflags::zf, eflags::zf);
    EXPECT_EQ(s.general[reg_esi], source);
}
TEST_F(Strings, SixteenBitAddressesUseHalfRegisters) {
    edit([](CpuState& s) {
        s.general[reg_esi] = 0x1234'FFFE;
        s.general[reg_edi] = 0x5678'8000;
        s.general[reg_ecx] = 0x9ABC'0002;
    });
    bench.put32(0xFFFE, 0x2211);
    bench.memory.data()[0] = 0x44;
    const CpuState s = run({0x67, 0xF3, 0x66, 0xA5}); // rep movsw, twice, SI wraps
    EXPECT_EQ(s.general[reg_esi], 0x1234'0002u);
    EXPECT_EQ(s.general[reg_edi], 0x5678'8004u);
    EXPECT_EQ(s.general[reg_ecx], 0x9ABC'0000u);
    EXPECT_EQ(bench.get32(0x8000) & 0xFF'FFFF, 0x44'2211u);
}
TEST_F(Strings, LastRepeatPrefixWins) {
    edit([](CpuState& s) {
        s.general[reg_ecx] = 10;
        s.general[reg_eax] = 5;
        s.general[reg_edi] = source;
    });
    EXPECT_EQ(run({0xF3, 0xF2, 0xAE}).general[reg_edi], source + 5) << "REPNE SCASB finds the 5";
}
TEST_F(Strings, RepneRepeatsWhatDoesNotCompare) {
    set(reg_ecx, 5);
    run({0xF2, 0xA4});
    EXPECT_EQ(byte(target + 4), 5u);
    EXPECT_EQ(byte(target + 5), 0u);
}
TEST_F(Strings, FaultLeavesTheRegistersAtTheElement) {
    map_without(target + 0x1000);
    edit([](CpuState& s) {
        s.general[reg_edi] = target + 0x1000 - 8;
        s.general[reg_ecx] = 5;
    });
    bench.code({0xF3, 0xA5});
    const CpuState s = bench.run();
    ASSERT_EQ(bench.halted_in(), 14);
    EXPECT_EQ(on_stack(1), code);
    EXPECT_EQ(s.cr2, target + 0x1000);
    EXPECT_EQ(s.general[reg_ecx], 3u);
    EXPECT_EQ(s.general[reg_esi], source + 8);
    EXPECT_EQ(s.general[reg_edi], target + 0x1000);
}
TEST_F(Strings, FaultRestoresTheFlagsOfAComparison) {
    map_without(source + 0x1000);
    edit([](CpuState& s) {
        s.general[reg_esi] = source + 0x1000 - 4;
        s.general[reg_ecx] = 8;
        s.eflags |= eflags::cf;
    });
    bench.code({0xF3, 0xA6}); // zeros against zeros, until the page ends
    bench.put32(source + 0x1000 - 4, 0);
    bench.run();
    ASSERT_EQ(bench.halted_in(), 14);
    EXPECT_EQ(on_stack(3) & eflags::arithmetic, eflags::cf);
    EXPECT_EQ(bench.cpu.state().general[reg_ecx], 4u);
}
TEST_F(Strings, ElementAcrossTheSegmentsEndIsNotSplit) {
    edit([](CpuState& s) {
        s.segment[seg_es] = {CpuBench::kernel_data, 0x4093, target, 5};
        s.general[reg_edi] = 0;
        s.general[reg_ecx] = 2;
    });
    bench.code({0xF3, 0xA5});
    const CpuState s = bench.run();
    ASSERT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(s.general[reg_ecx], 1u);
    EXPECT_EQ(s.general[reg_edi], 4u);
    EXPECT_EQ(bench.get32(target + 4), 0u);
}
TEST_F(Strings, InterruptsComeBetweenIterations) {
    edit([](CpuState& s) {
        s.general[reg_ecx] = 0x1000;
        s.eflags |= eflags::iif;
    });
    bench.code({0xF3, 0xAA, 0xFA, 0xF4});
    bench.cpu.run(bench.cpu.cycles() + 200); // into the middle
    const CpuState middle = bench.cpu.state();
    EXPECT_EQ(middle.eip, code);
    EXPECT_GT(middle.general[reg_ecx], 0u);
    EXPECT_LT(middle.general[reg_ecx], 0x1000u);
    bench.put(CpuBench::handler(0x20), {0xCF});
    bench.bus.on_acknowledge = [&] { bench.cpu.set_interrupt_line(false); };
    bench.cpu.set_interrupt_line(true);
    const CpuState s = bench.run();
    EXPECT_EQ(bench.bus.acknowledged, 1u);
    EXPECT_EQ(s.general[reg_ecx], 0u);
    EXPECT_EQ(s.general[reg_edi], target + 0x1000);
    EXPECT_EQ(on_stack(0xFFFF'FFFD), code) << "the interrupt's frame names the instruction itself";
}
TEST_F(Strings, InputIsNotReadWhenItCannotBeStored) {
    map_without(target);
    set(reg_edx, 0x60);
    bench.code({0x6C});
    bench.run();
    EXPECT_EQ(bench.halted_in(), 14);
    EXPECT_TRUE(bench.bus.reads.empty());
}
TEST_F(Strings, InputIsNotReadBeyondTheSegment) {
    edit([](CpuState& s) {
        s.segment[seg_es].limit = target;
        s.general[reg_edx] = 0x60;
    });
    bench.code({0x66, 0x6D});
    bench.run();
    EXPECT_EQ(bench.halted_in(), 13);
    EXPECT_TRUE(bench.bus.reads.empty());
}
// The limit is in the middle of the fourth element; what is done before it stays done.
TEST_F(Strings, SegmentLimitEndsARepetitionMidWay) {
    constexpr uint16_t down = 1u << 10;
    const struct {
        const char* name = nullptr;
        std::initializer_list<uint8_t> code;
        unsigned segment = 0; // whose limit it is
        int exception = 0;
        uint32_t esi = 0, edi = 0; // elements done
    } cases[] = {{"movsd, destination", {0xF3, 0xA5}, seg_es, 13, 3, 3},
                 {"movsd, source", {0xF3, 0xA5}, seg_ds, 13, 3, 3},
                 {"movsd from the stack", {0xF3, 0x36, 0xA5}, seg_ss, 12, 3, 3},
                 {"stosd", {0xF3, 0xAB}, seg_es, 13, 0, 3},
                 {"lodsd", {0xF3, 0xAD}, seg_ds, 13, 3, 0},
                 {"scasd", {0xF2, 0xAF}, seg_es, 13, 0, 3},
                 {"insd", {0xF3, 0x6D}, seg_es, 13, 0, 3},
                 {"outsd", {0xF3, 0x6F}, seg_ds, 13, 3, 0}};
    for (const bool downwards : {false, true})
        for (const auto& one : cases) {
            SCOPED_TRACE(std::string{one.name} + (downwards ? ", downwards" : ""));
            constexpr uint32_t elements = 3, stack = CpuBench::kernel_stack; // below every limit
            std::memset(bench.memory.data() + target - 64, 0xEE, 128);
            const CpuState before = bench.cpu.state();
            edit([&](CpuState& s) {
                const bool from = one.segment != seg_es;
                const uint32_t place = from ? source : target;
                if (downwards) // an expand-down segment; the stack must stay where it is
                    s.segment[one.segment] = {CpuBench::expand_down, 0xC097, 0, place - 4 * elements + 1};
                else
                    s.segment[one.segment].limit = place + 4 * elements + 1;
                s.eflags = downwards ? 2 | down : 2;
                s.eip = code;
                s.halted = false;
                s.general = {};
                s.general[reg_esp] = downwards ? CpuBench::code_address * 8 : stack;
                s.general[reg_ecx] = 10;
                s.general[reg_esi] = source;
                s.general[reg_edi] = target;
            });
            bench.code(one.code);
            const CpuState s = bench.run();
            EXPECT_EQ(bench.halted_in(), one.exception);
            EXPECT_EQ(on_stack(0), 0u);
            EXPECT_EQ(on_stack(1), code);
            const uint32_t step = downwards ? 0u - 4 : 4;
            EXPECT_EQ(s.general[reg_ecx], 10 - elements);
            EXPECT_EQ(s.general[reg_esi], source + one.esi * step);
            EXPECT_EQ(s.general[reg_edi], target + one.edi * step);
            EXPECT_EQ(byte(target + elements * step), 0xEEu) << "the element that did not fit";
            bench.cpu.set_state(before);
        }
}
TEST_F(Strings, PermissionComesBeforeTheMemoryOfInput) {
    map_without(target);
    bench.set_user();
    set(reg_edx, 0x60);
    bench.code({0x6C});
    bench.run();
    EXPECT_EQ(bench.halted_in(), 13);
}
TEST_F(Strings, OutputUsesTheOverride) {
    edit([](CpuState& s) {
        s.segment[seg_fs] = {CpuBench::kernel_data, 0xC093, 0x10, 0xFFFF'FFFF};
        s.general[reg_edx] = 0x80;
        s.general[reg_ecx] = 2;
    });
    run({0xF3, 0x64, 0x6E});
    ASSERT_EQ(bench.bus.writes.size(), 2u);
    EXPECT_EQ(bench.bus.writes[0].value, 17u);
    EXPECT_EQ(bench.bus.writes[1].value, 18u);
}

} // namespace
} // namespace fixpoint::models
