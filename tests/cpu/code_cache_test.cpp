// Code that changes, callbacks and exact counters.
#include "tests/cpu/cpu_bench.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

TEST(SelfModifyingCode, StoreIntoTheNextInstructionTakesEffect) {
    CpuBench bench;
    // mov byte [next + 1], 7; mov al, 1; hlt -- both in one block
    bench.code({0xC6, 0x05, 0x08, 0x00, 0x10, 0x00, 0x07, 0xB0, 0x01, 0xF4});
    EXPECT_EQ(bench.run().general[reg_eax] & 0xFF, 7u);
}
TEST(SelfModifyingCode, LoopThatCountsInItsOwnImmediate) {
    CpuBench bench;
    // inc dword [imm]; mov eax, 0; cmp eax, 1000; jne start; hlt
    bench.code(
        {0xFF, 0x05, 0x07, 0x00, 0x10, 0x00, 0xB8, 0, 0, 0, 0, 0x3D, 0xE8, 0x03, 0, 0, 0x75, 0xEE, 0xF4});
    const CpuState s = bench.run(10'000'000);
    EXPECT_EQ(s.general[reg_eax], 1000u);
    EXPECT_EQ(bench.cpu.instructions(), 4001u);
}
TEST(SelfModifyingCode, DataBesideCodeDoesNotInvalidate) {
    CpuBench bench;
    // mov ecx, 1000; mov [data], ecx; dec ecx; jnz; hlt -- the data 64 bytes behind
    bench.code({0xB9, 0xE8, 0x03, 0, 0, 0x89, 0x0D, 0x40, 0x00, 0x10, 0x00, 0x49, 0x75, 0xF7, 0xF4});
    bench.run();
    EXPECT_EQ(bench.cpu.counters().blocks_invalidated, 0u);
}
TEST(SelfModifyingCode, WhatADeviceAnswersIsFetchedEachTime) {
    CpuBench bench;
    constexpr uint32_t device = 0x0800'0000; // beyond memory
    const auto run_there = [&](uint32_t answer, uint64_t cycles) {
        bench.bus.mmio_value = answer;
        CpuState s = CpuBench::flat_state();
        s.eip = device;
        bench.cpu.set_state(s);
        return bench.run(cycles);
    };
    EXPECT_GT(run_there(0x4040'4040, 10'000).general[reg_eax], 1u) << "inc eax";
    const CpuState s = run_there(0xF4F4'F4F4, 10'000);
    EXPECT_TRUE(s.halted) << "hlt";
    EXPECT_EQ(s.eip, device + 1);
}
TEST(SelfModifyingCode, DeviceWriteIsSeen) {
    CpuBench bench;
    bench.code({0xB0, 0x01, 0xF4});
    EXPECT_EQ(bench.run().general[reg_eax] & 0xFF, 1u);
    bench.code({0xB0, 0x02, 0xF4});
    bench.cpu.snoop_write(CpuBench::code_address, 3);
    CpuState s = CpuBench::flat_state();
    bench.cpu.set_state(s);
    EXPECT_EQ(bench.run().general[reg_eax] & 0xFF, 2u);
}

TEST(Counters, AreExactInsideCallbacks) {
    CpuBench bench;
    // inc eax x3; out 0x80, al; inc eax; hlt
    bench.code({0x40, 0x40, 0x40, 0xE6, 0x80, 0x40, 0xF4});
    uint64_t instructions = 0, cycles = 0;
    bench.bus.on_write = [&] {
        instructions = bench.cpu.instructions();
        cycles = bench.cpu.cycles();
    };
    bench.run();
    EXPECT_EQ(instructions, 3u);
    EXPECT_LT(cycles, bench.cpu.cycles());
    EXPECT_EQ(bench.cpu.instructions(), 6u);
}
TEST(Counters, ProbesAreFreeAndSeeRegisters) {
    struct Sink : ProbeSink {
        explicit Sink(Cpu& the_cpu) : cpu{the_cpu} {}
        void on_probe(l4::Probe event, const ProbeArguments& arguments) override {
            events.push_back(event);
            last = arguments;
            instructions = cpu.instructions();
        }
        Cpu& cpu;
        std::vector<l4::Probe> events;
        ProbeArguments last{};
        uint64_t instructions = 0;
    };
    const std::initializer_list<uint8_t> with = {0xB8, 5,    0,    0,    0,    0x0F, 0x1F,
                                                 0x80, 0x30, 0x00, 0x58, 0x46, 0x40, 0xF4};
    const std::initializer_list<uint8_t> marker_without_event = {0xB8, 5, 0, 0,    0,    0x0F, 0x1F,
                                                                 0x80, 0, 0, 0x58, 0x46, 0x40, 0xF4};
    CpuBench bench, other;
    Sink sink{bench.cpu}, other_sink{other.cpu};
    bench.cpu.set_probe_sink(&sink);
    other.cpu.set_probe_sink(&other_sink);
    bench.code(with);
    other.code(marker_without_event);
    bench.run();
    other.run();
    ASSERT_EQ(sink.events.size(), 1u);
    EXPECT_EQ(sink.events[0], l4::Probe::work);
    EXPECT_EQ(sink.last.eax, 5u);
    EXPECT_EQ(sink.instructions, 1u);
    EXPECT_EQ(bench.cpu.instructions(), 3u);
    EXPECT_TRUE(other_sink.events.empty());
    EXPECT_EQ(other.cpu.instructions(), 4u);
}
TEST(Counters, LimitIsKeptWithinABlock) {
    CpuBench bench;
    bench.code({0x40, 0xEB, 0xFD}); // inc eax; jmp
    const uint64_t start = bench.cpu.cycles();
    EXPECT_EQ(bench.cpu.run(start + 1000), Cpu::Stop::limit);
    EXPECT_GE(bench.cpu.cycles(), start + 1000);
    EXPECT_LT(bench.cpu.cycles(), start + 1000 + 100);
}
TEST(Counters, RepeatedInstructionStopsAtTheLimit) {
    CpuBench bench;
    bench.code({0xBF, 0, 0, 0x40, 0, 0xB9, 0, 0, 4, 0, 0xF3, 0xAB, 0xF4}); // rep stosd of 1 MB
    const uint64_t start = bench.cpu.cycles();
    EXPECT_EQ(bench.cpu.run(start + 5000), Cpu::Stop::limit);
    EXPECT_LT(bench.cpu.cycles(), start + 5500);
    const CpuState s = bench.run(100'000'000);
    EXPECT_EQ(s.general[reg_edi], 0x50'0000u);
    EXPECT_EQ(s.general[reg_ecx], 0u);
    EXPECT_EQ(bench.cpu.instructions(), 4u);
}
TEST(Counters, TimeStampStartsAtZeroAfterPowerCycleAndCountersGoOn) {
    CpuBench bench;
    bench.code({0x40, 0x40, 0xF4});
    bench.run();
    const uint64_t before = bench.cpu.cycles();
    bench.cpu.power_cycle();
    EXPECT_EQ(bench.cpu.cycles(), before);
    EXPECT_EQ(bench.cpu.state().eip, 0xFFF0u);
    bench.cpu.set_state(CpuBench::flat_state());
    bench.code({0x0F, 0x31, 0xF4});
    EXPECT_LT(bench.run().general[reg_eax], 1000u);
}

TEST(Counters, ResetFromACallbackTakesEffectBehindTheInstruction) {
    CpuBench bench;
    bench.bus.on_write = [&] {
        bench.cpu.reset();
        bench.cpu.request_stop();
    };
    bench.code({0x40, 0xE6, 0x64, 0x40, 0xF4}); // inc eax; out 0x64, al; inc eax; hlt
    const CpuState s = bench.run();
    EXPECT_EQ(bench.stop, Cpu::Stop::requested);
    EXPECT_EQ(s.eip, 0xFFF0u);
    EXPECT_EQ(s.segment[seg_cs].base, 0xFFFF'0000u);
    EXPECT_EQ(s.general[reg_eax], 0u);
}
TEST(SelfModifyingCode, InstructionAcrossPagesDiesWithEitherPage) {
    CpuBench bench;
    CpuState s = CpuBench::flat_state();
    s.eip = 0x10'0FFD;
    bench.put(0x10'0FFD, {0xB8, 0x01, 0x02, 0x03, 0x04, 0xF4}); // mov eax, 04030201; hlt
    bench.cpu.set_state(s);
    EXPECT_EQ(bench.run().general[reg_eax], 0x0403'0201u);
    bench.memory.data()[0x10'1001] = 0x14;
    bench.cpu.snoop_write(0x10'1001, 1);
    bench.cpu.set_state(s);
    EXPECT_EQ(bench.run().general[reg_eax], 0x1403'0201u);
    bench.memory.data()[0x10'0FFE] = 0x11;
    bench.cpu.snoop_write(0x10'0FFE, 1);
    bench.cpu.set_state(s);
    EXPECT_EQ(bench.run().general[reg_eax], 0x1403'0211u);
}

TEST(Devices, VideoMemoryGoesToTheBus) {
    CpuBench bench;
    bench.code({0xA3, 0x00, 0x80, 0x0B, 0x00, 0xA1, 0x02, 0x80, 0x0B, 0x00,
                0xF4}); // mov [B8000], eax; mov eax, [B8002]
    bench.run();
    ASSERT_EQ(bench.bus.mmio_writes.size(), 1u);
    EXPECT_EQ(bench.bus.mmio_writes[0].address, 0xB8000u);
    EXPECT_EQ(bench.bus.mmio_reads.size(), 2u) << "unaligned: two transfers";
}
// Where a block ends, and with it what it costs, may be due to an instruction behind it that cannot be one of its own.
TEST(CodeCache, BlockIsMadeAnewWhenTheInstructionThatEndedItChanges) {
    CpuBench bench;
    bench.install_tables();
    bench.code({0x90, 0x0F, 0xFF, 0x90, 0xF4}); // nop; invalid
    bench.run();
    ASSERT_EQ(bench.halted_in(), 6);
    const uint64_t before = bench.cpu.counters().blocks_invalidated;
    bench.put(CpuBench::code_address + 2, {0xA2});
    bench.cpu.snoop_write(CpuBench::code_address + 2, 1);
    EXPECT_EQ(bench.cpu.counters().blocks_invalidated, before + 1);
}

// No address stands for "no block": code may be anywhere, an instruction at physical address 1 included.
TEST(CodeCache, CodeRunsAtEveryPhysicalAddress) {
    for (const uint32_t address : {0u, 1u, 2u, 0xFFFu}) {
        CpuBench bench;
        CpuState s = bench.cpu.state();
        s.eip = address;
        bench.cpu.set_state(s);
        bench.put(address,
                  {0x40, 0xB9, 0x05, 0x00, 0x00, 0x00, 0x49, 0xF4}); // inc eax; mov ecx, 5; dec ecx; hlt
        const CpuState end = bench.run(1000);
        EXPECT_EQ(bench.stop, Cpu::Stop::halted_for_ever) << address;
        EXPECT_EQ(end.general[reg_eax], 1u);
        EXPECT_EQ(end.general[reg_ecx], 4u);
        EXPECT_EQ(bench.cpu.instructions(), 4u);
    }
}

} // namespace
} // namespace fixpoint::models
