// Debug exceptions, RF and TF, and what observers and watchpoints are told (SDM vol. 3, chapter 17).
#include "tests/cpu/cpu_bench.hpp"

#include "models/cpu/breakpoints.hpp"
#include "models/cpu/flags.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace fixpoint::models {
namespace {

constexpr uint32_t code = CpuBench::code_address, data = 0x20'0000;
constexpr uint32_t pushed_eip = CpuBench::stack_top - 12, pushed_flags = CpuBench::stack_top - 4;

class Debug : public testing::Test {
protected:
    Debug() {
        bench.install_tables();
        CpuState s = bench.cpu.state();
        s.debug[6] = dr6::always_set;
        s.debug[7] = dr7::always_set;
        bench.cpu.set_state(s);
    }
    // The debug registers by MOV from EAX would clutter the code: set them directly.
    void arm(unsigned n, uint32_t address, unsigned kind, unsigned length) {
        CpuState s = bench.cpu.state();
        s.debug[n] = address;
        s.debug[7] |= 2u << 2 * n | kind << (16 + 4 * n) | length << (18 + 4 * n);
        bench.cpu.set_state(s);
    }
    void set_flags(uint32_t flags) {
        CpuState s = bench.cpu.state();
        s.eflags = flags;
        bench.cpu.set_state(s);
    }
    enum : unsigned { on_execution = 0, on_write = 1, on_port = 2, on_access = 3 };
    enum : unsigned { one_byte = 0, two_bytes = 1, four_bytes = 3 };
    CpuBench bench;
};

// ---- INT1

TEST_F(Debug, Int1IsOneExceptionWithWhatMovSsHasHeldBack) {
    arm(0, data, on_access, four_bytes);
    // MOV EBX, SS; MOV [data], EBX; MOV SS, [data]; INT1
    bench.code({0x8C, 0xD3, 0x89, 0x1D, 0x00, 0x00, 0x20, 0x00, 0x8E, 0x15, 0x00, 0x00, 0x20, 0x00, 0xF1});
    CpuState s = bench.run();
    ASSERT_EQ(bench.halted_in(), 1) << "the write";
    s.eip = code + 8;
    s.halted = false;
    s.debug[6] = dr6::always_set;
    s.general[reg_esp] = CpuBench::stack_top;
    bench.cpu.set_state(s);
    s = bench.run();
    ASSERT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(s.general[reg_esp], CpuBench::stack_top - 12) << "one frame";
    EXPECT_EQ(bench.get32(pushed_eip), code + 15);
    EXPECT_EQ(s.debug[6], dr6::always_set | 1u);
}

TEST_F(Debug, Int1OpensTheDebugRegistersForItsHandler) {
    CpuState s = bench.cpu.state();
    s.debug[7] |= dr7::general_detect;
    bench.cpu.set_state(s);
    bench.code({0xF1});
    s = bench.run();
    EXPECT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(s.debug[7], dr7::always_set);
    EXPECT_EQ(s.debug[6], dr6::always_set);
}

// ---- Single step

TEST_F(Debug, SingleStepTrapsAfterTheInstructionWithTfSet) {
    bench.code({0x40, 0x40}); // inc eax; inc eax
    set_flags(0x102);
    const CpuState s = bench.run();
    EXPECT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(s.general[reg_eax], 1u);
    EXPECT_EQ(bench.get32(pushed_eip), code + 1);
    EXPECT_EQ(bench.get32(pushed_flags), 0x102u);
    EXPECT_EQ(s.debug[6], dr6::always_set | dr6::single_step);
}

TEST_F(Debug, PopfThatSetsTfTrapsAfterTheNextInstruction) {
    bench.code({0x68, 0x02, 0x01, 0, 0, 0x9D, 0x40, 0x40}); // push 102h; popf; inc eax; inc eax
    const CpuState s = bench.run();
    EXPECT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(s.general[reg_eax], 1u);
    EXPECT_EQ(bench.get32(pushed_eip), code + 7);
}

TEST_F(Debug, PopfThatClearsTfStillTraps) {
    bench.code({0x9D, 0x40}); // popf; inc eax
    CpuState s = bench.cpu.state();
    s.eflags = 0x102;
    s.general[reg_esp] -= 4;
    bench.put32(s.general[reg_esp], 0x2);
    bench.cpu.set_state(s);
    s = bench.run();
    EXPECT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(bench.get32(pushed_eip), code + 1);
    EXPECT_EQ(bench.get32(pushed_flags), 0x2u);
}

TEST_F(Debug, MovSsHoldsTheTrapBackForOneInstruction) {
    bench.code({0x8E, 0xD0, 0x40, 0x40}); // mov ss, ax; inc eax; inc eax
    CpuState s = bench.cpu.state();
    s.eflags = 0x102;
    s.general[reg_eax] = CpuBench::kernel_data;
    bench.cpu.set_state(s);
    s = bench.run();
    EXPECT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(bench.get32(pushed_eip), code + 3);
    EXPECT_EQ(s.general[reg_eax], CpuBench::kernel_data + 1u);
}

TEST_F(Debug, SoftwareInterruptClearsTfWithoutATrap) {
    bench.code({0xCD, 0x30});
    set_flags(0x102);
    bench.run();
    EXPECT_EQ(bench.halted_in(), 0x30);
    EXPECT_EQ(bench.get32(pushed_flags), 0x102u);
}

TEST_F(Debug, HaltWithTfSetTrapsInsteadOfHalting) {
    bench.code({0xF4, 0x40});
    set_flags(0x102);
    bench.run();
    EXPECT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(bench.get32(pushed_eip), code + 1);
}

TEST_F(Debug, RepeatedStringsTrapAfterEachIterationWithRfSet) {
    bench.code({0xF3, 0xAA}); // rep stosb
    CpuState s = bench.cpu.state();
    s.eflags = 0x102;
    s.general[reg_ecx] = 3;
    s.general[reg_edi] = data;
    bench.cpu.set_state(s);
    s = bench.run();
    EXPECT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(s.general[reg_ecx], 2u);
    EXPECT_EQ(bench.get32(pushed_eip), code);
    EXPECT_EQ(bench.get32(pushed_flags), 0x102u | eflags::rf);
    // The last iteration completes the instruction.
    s.general[reg_ecx] = 1;
    s.general[reg_esp] = CpuBench::stack_top;
    s.eip = code;
    s.eflags = 0x102;
    s.halted = false;
    bench.cpu.set_state(s);
    bench.run();
    EXPECT_EQ(bench.get32(pushed_eip), code + 2);
    EXPECT_EQ(bench.get32(pushed_flags), 0x102u);
}

// ---- Breakpoints

TEST_F(Debug, InstructionBreakpointIsAFaultBeforeTheInstruction) {
    bench.code({0x40, 0x40, 0x40});
    arm(2, code + 1, on_execution, one_byte);
    const CpuState s = bench.run();
    EXPECT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(s.general[reg_eax], 1u);
    EXPECT_EQ(bench.get32(pushed_eip), code + 1);
    EXPECT_EQ(bench.get32(pushed_flags) & eflags::rf, 0u) << "instruction breakpoints push RF as it is";
    EXPECT_EQ(s.debug[6], dr6::always_set | 1u << 2);
}

TEST_F(Debug, IretWithRfPassesTheBreakpointOnce) {
    // push flags with RF; push cs; push target; iret; target: inc eax; jmp target
    bench.code({0x68, 0x02, 0, 0x01, 0, 0x6A, 0x08, 0x68, 0x0D, 0, 0x10, 0, 0xCF, 0x40, 0xEB, 0xFD});
    arm(0, code + 13, on_execution, one_byte);
    const CpuState s = bench.run();
    EXPECT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(s.general[reg_eax], 1u);
    EXPECT_EQ(bench.get32(pushed_eip), code + 13);
}

TEST_F(Debug, InstructionAfterMovSsHasNoBreakpoint) {       // SDM vol. 3, 6.8.3
    bench.code({0x8C, 0xD0, 0x8E, 0xD0, 0x43, 0x43, 0xF4}); // mov eax, ss; mov ss, eax; inc ebx; inc ebx; hlt
    arm(0, code + 4, on_execution, one_byte);
    arm(1, code + 5, on_execution, one_byte);
    const CpuState s = bench.run();
    EXPECT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(bench.get32(pushed_eip), code + 5);
    EXPECT_EQ(s.general[reg_ebx], 1u);
}

TEST_F(Debug, BreakpointComesBeforeTheFaultOfFetching) {
    CpuState s = bench.cpu.state();
    s.segment[seg_cs].limit = code - 1;
    bench.cpu.set_state(s);
    arm(0, code, on_execution, one_byte);
    bench.run();
    EXPECT_EQ(bench.halted_in(), 1);
}

TEST_F(Debug, DataBreakpointTrapsAfterTheWriteWithinItsBytes) {
    bench.code({0xA2, 0x03, 0x00, 0x20, 0x00, 0x40}); // mov [data + 3], al; inc eax
    arm(1, data, on_write, four_bytes);
    const CpuState s = bench.run();
    EXPECT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(bench.get32(pushed_eip), code + 5);
    EXPECT_EQ(s.debug[6], dr6::always_set | 1u << 1);
}

TEST_F(Debug, DataBreakpointOnWritesIgnoresReadsAndNeighbours) {
    bench.code({0xA0, 0, 0, 0x20, 0, 0xA2, 0x04, 0, 0x20, 0, 0xF4}); // mov al, [data]; mov [data + 4], al
    arm(1, data, on_write, four_bytes);
    bench.run();
    EXPECT_TRUE(bench.cpu.halted());
    EXPECT_EQ(bench.cpu.state().eip, code + 11);
}

TEST_F(Debug, AccessBreakpointTrapsAfterAReadEvenOfAHotLine) {
    // mov eax, [data + 8] three times, then of the watched bytes
    bench.code({0xA1, 8, 0, 0x20, 0, 0xA1, 8, 0, 0x20, 0, 0xA1, 8, 0, 0x20, 0, 0xA1, 0, 0, 0x20, 0, 0x40});
    arm(3, data, on_access, two_bytes);
    bench.run();
    EXPECT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(bench.get32(pushed_eip), code + 20);
}

TEST_F(Debug, DataBreakpointInARepetitionStopsBetweenIterations) {
    bench.code({0xF3, 0xAB}); // rep stosd
    CpuState s = bench.cpu.state();
    s.general[reg_ecx] = 8;
    s.general[reg_edi] = data;
    bench.cpu.set_state(s);
    arm(0, data + 8, on_write, four_bytes);
    s = bench.run();
    EXPECT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(s.general[reg_ecx], 5u);
    EXPECT_EQ(bench.get32(pushed_eip), code);
    EXPECT_NE(bench.get32(pushed_flags) & eflags::rf, 0u);
}

TEST_F(Debug, PortBreakpointNeedsCr4De) {
    bench.code({0xE6, 0x80, 0xF4}); // out 80h, al; hlt
    arm(0, 0x80, on_port, one_byte);
    bench.run();
    EXPECT_EQ(bench.cpu.state().eip, code + 3);
    CpuState s = bench.cpu.state();
    s.cr4 |= 8;
    s.eip = code;
    s.halted = false;
    bench.cpu.set_state(s);
    bench.run();
    EXPECT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(bench.get32(pushed_eip), code + 2);
}

TEST_F(Debug, GeneralDetectFaultsOnDebugRegistersAndClearsItself) {
    bench.code({0x0F, 0x21, 0xC0}); // mov eax, dr0
    CpuState s = bench.cpu.state();
    s.debug[7] = dr7::always_set | dr7::general_detect;
    bench.cpu.set_state(s);
    s = bench.run();
    EXPECT_EQ(bench.halted_in(), 1);
    EXPECT_EQ(bench.get32(pushed_eip), code);
    EXPECT_EQ(s.debug[6], dr6::always_set | dr6::general_detect);
    EXPECT_EQ(s.debug[7], dr7::always_set);
}

TEST_F(Debug, Dr4IsDr6UnlessDeReservesIt) {
    bench.code({0x0F, 0x21, 0xE0, 0x0F, 0x21, 0xE0}); // mov eax, dr4
    CpuState s = bench.cpu.state();
    s.debug[6] = dr6::always_set | 5;
    bench.cpu.set_state(s);
    bench.cpu.run(bench.cpu.cycles() + 1);
    EXPECT_EQ(bench.cpu.state().general[reg_eax], dr6::always_set | 5);
    s.cr4 |= 8;
    bench.cpu.set_state(s);
    bench.run();
    EXPECT_EQ(bench.halted_in(), 6);
}

TEST_F(Debug, FaultsPushRfAndAnInterruptBetweenInstructionsDoesNot) {
    bench.code({0x0F, 0x0B}); // ud2
    bench.run();
    EXPECT_EQ(bench.halted_in(), 6);
    EXPECT_NE(bench.get32(pushed_flags) & eflags::rf, 0u);
}

// ---- Observers

struct Recorder : InstructionObserver {
    explicit Recorder(Cpu& the_cpu) : cpu{the_cpu} {}
    bool before_instruction(uint32_t linear) override {
        seen.push_back(linear);
        cycles.push_back(cpu.cycles());
        instructions.push_back(cpu.instructions());
        eips.push_back(cpu.state().eip);
        return linear != stop_at;
    }
    Cpu& cpu;
    std::vector<uint32_t> seen, eips;
    std::vector<uint64_t> cycles, instructions;
    uint32_t stop_at = 0;
};

TEST_F(Debug, ObserverHearsOfEveryInstructionWithExactCounts) {
    bench.code({0x40, 0x40, 0xEB, 0x00, 0x40, 0xF4}); // inc; inc; jmp; inc; hlt
    Recorder recorder{bench.cpu};
    bench.cpu.set_observer(&recorder);
    bench.run();
    EXPECT_EQ(recorder.seen, (std::vector<uint32_t>{code, code + 1, code + 2, code + 4, code + 5}));
    EXPECT_EQ(recorder.eips, recorder.seen);
    EXPECT_EQ(recorder.instructions, (std::vector<uint64_t>{0, 1, 2, 3, 4}));
    EXPECT_TRUE(std::is_sorted(recorder.cycles.begin(), recorder.cycles.end()));
}

TEST_F(Debug, ObserverStopsBeforeAnInstructionOnceAndGoesOn) {
    bench.code({0x40, 0x40, 0x40, 0xF4});
    Recorder recorder{bench.cpu};
    recorder.stop_at = code + 1;
    bench.cpu.set_observer(&recorder);
    CpuState s = bench.run();
    EXPECT_EQ(bench.stop, Cpu::Stop::observer);
    EXPECT_EQ(s.eip, code + 1);
    EXPECT_EQ(s.general[reg_eax], 1u);
    s = bench.run();
    EXPECT_EQ(bench.stop, Cpu::Stop::halted_for_ever);
    EXPECT_EQ(std::count(recorder.seen.begin(), recorder.seen.end(), code + 1), 1);
    EXPECT_EQ(s.general[reg_eax], 3u);
}

TEST_F(Debug, ObserverStopsWithinWhatStiHoldsBack) {
    bench.code({0xFB, 0x40, 0x40, 0xF4}); // sti; inc eax; inc eax; hlt
    bench.bus.interrupt_vector = 0x21;
    bench.bus.on_acknowledge = [this] { bench.cpu.set_interrupt_line(false); };
    bench.cpu.set_interrupt_line(true);
    Recorder recorder{bench.cpu};
    recorder.stop_at = code + 1;
    bench.cpu.set_observer(&recorder);
    bench.run();
    ASSERT_EQ(bench.stop, Cpu::Stop::observer);
    EXPECT_EQ(bench.run().general[reg_eax], 1u) << "the interrupt waits for one instruction all the same";
    EXPECT_EQ(bench.halted_in(), 0x21);
    EXPECT_EQ(bench.get32(pushed_eip), code + 2);
}

TEST_F(Debug, WatchpointStopsAfterTheInstructionThatTouchesIt) {
    bench.code({0x40, 0xA2, 0x05, 0, 0x20, 0, 0x40, 0xF4}); // inc; mov [data + 5], al; inc; hlt
    bench.cpu.set_watchpoints({{data, 16, false}});
    const CpuState s = bench.run();
    EXPECT_EQ(bench.stop, Cpu::Stop::watchpoint);
    EXPECT_EQ(s.eip, code + 6);
    EXPECT_EQ(bench.cpu.take_watch_hit(), data + 5);
    EXPECT_EQ(bench.cpu.take_watch_hit(), std::nullopt);
    bench.run();
    EXPECT_EQ(bench.stop, Cpu::Stop::halted_for_ever);
}

TEST_F(Debug, ObservingChangesNoTiming) {
    // mov ecx, 50; loop: mov [edi], eax; add edi, 36; rep-free work; loop; then rep movsd over lines; hlt
    bench.code({0xB9, 50,   0,    0,    0,    0x89, 0x07, 0x83, 0xC7, 36,   0x03, 0x06, 0x0F,
                0xAF, 0xC0, 0xE2, 0xF4, 0xB9, 0,    1,    0,    0,    0xBE, 0,    0,    0x30,
                0,    0xBF, 0,    0,    0x38, 0,    0xF3, 0xA5, 0x50, 0x58, 0xF4});
    CpuBench other;
    other.install_tables();
    std::copy_n(bench.memory.data() + code, 64, other.memory.data() + code);
    CpuState start = bench.cpu.state();
    start.general[reg_edi] = data;
    start.general[reg_esi] = data + 0x8000;
    bench.cpu.set_state(start);
    other.cpu.set_state(start);
    Recorder recorder{bench.cpu};
    bench.cpu.set_observer(&recorder);
    const CpuState observed = bench.run(), plain = other.run();
    EXPECT_EQ(bench.stop, Cpu::Stop::halted_for_ever);
    EXPECT_EQ(observed, plain);
    EXPECT_EQ(bench.cpu.cycles(), other.cpu.cycles());
    EXPECT_EQ(bench.cpu.instructions(), other.cpu.instructions());
    EXPECT_EQ(bench.cpu.timing_state_digest(), other.cpu.timing_state_digest());
}

TEST_F(Debug, LastBranchesAreTheNewestFirst) {
    bench.code({0xEB, 0x02, 0x90, 0x90, 0xEB, 0x02, 0x90, 0x90, 0xF4}); // jmp +2; jmp +2; hlt
    bench.run();
    const auto trail = bench.cpu.last_branches();
    EXPECT_EQ(trail[0], code + 8);
    EXPECT_EQ(trail[1], code + 4);
    EXPECT_EQ(trail[2], code);
}

} // namespace
} // namespace fixpoint::models
