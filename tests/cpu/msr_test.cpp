// Model-specific registers and performance counters, by what RDMSR, WRMSR and RDPMC do.
#include "models/cpu/cpuid.hpp"
#include "models/cpu/msr.hpp"
#include "models/cpu/performance_counters.hpp"
#include "tests/cpu/code_builder.hpp"
#include "tests/cpu/cpu_bench.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace fixpoint::models {
namespace {

constexpr uint64_t all_ones = ~uint64_t{0};

class Msr : public testing::Test {
protected:
    Msr() { bench.install_tables(); }

    CpuState run(const Code& code) {
        bench.cpu.set_state(CpuBench::flat_state());
        bench.put(CpuBench::code_address, Code{code}.halt().bytes());
        bench.cpu.snoop_write(CpuBench::code_address, 256);
        return bench.run();
    }
    // Nothing: #GP(0).
    std::optional<uint64_t> read(uint32_t number) {
        const CpuState s = run(Code{}.rdmsr(number));
        if (bench.halted_in() == 13)
            return std::nullopt;
        return uint64_t{s.general[reg_edx]} << 32 | s.general[reg_eax];
    }
    bool write(uint32_t number, uint64_t value) {
        run(Code{}.wrmsr(number, value));
        return bench.halted_in() != 13;
    }
    void expect_writable(uint32_t number, uint64_t value) {
        EXPECT_TRUE(write(number, value)) << std::hex << number;
        EXPECT_EQ(read(number), value) << std::hex << number;
    }
    void expect_refused(uint32_t number, uint64_t value) {
        const auto before = read(number);
        EXPECT_FALSE(write(number, value)) << std::hex << number << ' ' << value;
        EXPECT_EQ(read(number), before) << std::hex << number;
    }

    CpuBench bench;
};

TEST_F(Msr, UnknownRegistersAreRefused) {
    for (const uint32_t number : {0x11u, 0x1Cu, 0x3Au, 0x173u, 0x177u, 0x188u, 0x210u, 0x251u, 0x25Au, 0x270u,
                                  0x403u, 0x414u, 0xC000'0080u, 0xFFFF'FFFFu}) {
        EXPECT_EQ(read(number), std::nullopt) << std::hex << number;
        EXPECT_FALSE(write(number, 0)) << std::hex << number;
    }
}
TEST_F(Msr, ARefusedAccessIsAFaultWithErrorCodeZeroAndNoEffect) {
    const CpuState s = run(Code{}.set(reg_eax, 5).set(reg_edx, 6).rdmsr(0x11));
    ASSERT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(bench.get32(s.general[reg_esp]), 0u);
    EXPECT_EQ(s.general[reg_eax], 5u);
    EXPECT_EQ(s.general[reg_edx], 6u);
}
TEST_F(Msr, ApicBaseIsTheBootstrapProcessorsAfterReset) {
    EXPECT_EQ(read(msr::apic_base), 0xFEE0'0900u);
    expect_writable(msr::apic_base, 0xFEE0'0100); // disabled
    expect_writable(msr::apic_base, 0xD'1234'5900);
    for (const uint64_t reserved : {0x1ull, 0x80ull, 0x200ull, 0x400ull, 1ull << 36, 1ull << 63})
        expect_refused(msr::apic_base, 0xFEE0'0900 | reserved);
}
TEST_F(Msr, CpuidReportsTheApicWhileItIsSwitchedOn) {
    const auto reported = [&] {
        bench.code({0xB8, 1, 0, 0, 0, 0x0F, 0xA2, 0xF4}); // mov eax, 1; cpuid; hlt
        CpuState s = bench.cpu.state();
        s.eip = CpuBench::code_address;
        s.halted = false;
        bench.cpu.set_state(s);
        return (bench.run().general[reg_edx] & feature::apic) != 0;
    };
    EXPECT_TRUE(reported());
    EXPECT_TRUE(write(msr::apic_base, 0xFEE0'0100));
    EXPECT_FALSE(reported());
    EXPECT_TRUE(write(msr::apic_base, 0xFEE0'0900));
    EXPECT_TRUE(reported());
}
TEST_F(Msr, MemoryTypeRangesAreEightAndFixed) {
    EXPECT_EQ(read(msr::mtrr_capability), 0x508u);
    expect_refused(msr::mtrr_capability, 0x508);
    for (uint32_t i = 0; i < 8; ++i) {
        expect_writable(msr::mtrr_variable + 2 * i, 0xF'1234'5006 + (uint64_t{i} << 12));
        expect_writable(msr::mtrr_variable + 2 * i + 1, 0xF'FF00'0800);
    }
    for (const uint32_t number :
         {0x250u, 0x258u, 0x259u, 0x268u, 0x269u, 0x26Au, 0x26Bu, 0x26Cu, 0x26Du, 0x26Eu, 0x26Fu})
        expect_writable(number, 0x0001'0405'0600'0106 + (uint64_t{number % 2} * 5 << 56));
    expect_writable(msr::mtrr_default, 0xC06);
}
TEST_F(Msr, MemoryTypeRangesRefuseReservedBitsAndTypes) {
    for (const uint64_t type : {2, 3, 7, 8, 0xFF})
        expect_refused(msr::mtrr_variable, type);
    expect_refused(msr::mtrr_variable, 0x100);
    expect_refused(msr::mtrr_variable, uint64_t{1} << 36);
    expect_refused(msr::mtrr_variable + 1, 0x400);
    expect_refused(msr::mtrr_variable + 1, uint64_t{1} << 36);
    expect_refused(msr::mtrr_fixed_64k, uint64_t{2} << 56);
    expect_refused(msr::mtrr_default, 0x100);
    expect_refused(msr::mtrr_default, 0x1000);
    expect_refused(msr::mtrr_default, 3);
}
TEST_F(Msr, PageAttributesTakeEveryTypeThatExists) {
    EXPECT_EQ(read(msr::page_attributes), 0x0007'0406'0007'0406u);
    expect_writable(msr::page_attributes, 0x0001'0405'0607'0001);
    for (const uint64_t type : {2, 3, 8, 0x86})
        for (unsigned shift = 0; shift < 64; shift += 8)
            expect_refused(msr::page_attributes, type << shift);
}
TEST_F(Msr, MachineCheckBanksAreFiveAndWithoutErrors) {
    EXPECT_EQ(read(msr::machine_check_capability), 0x105u);
    expect_refused(msr::machine_check_capability, 0x105);
    expect_writable(msr::machine_check_status, 7);
    expect_refused(msr::machine_check_status, 8);
    expect_writable(msr::machine_check_control, all_ones);
    expect_refused(msr::machine_check_control, 1);
    for (uint32_t bank = 0; bank < 5; ++bank) {
        const uint32_t first = msr::machine_check_banks + 4 * bank;
        expect_writable(first, all_ones);
        for (uint32_t i = 1; i <= 2; ++i) { // status, address
            expect_writable(first + i, 0);
            expect_refused(first + i, 1);
        }
    }
}
TEST_F(Msr, ThePentiumsMachineCheckRegistersShowNoError) {
    for (const uint32_t number : {msr::p5_machine_check_address, msr::p5_machine_check_type}) {
        expect_writable(number, 0);
        expect_refused(number, 1);
    }
}
TEST_F(Msr, MicrocodeUpdatesAreNotTaken) {
    EXPECT_EQ(read(msr::bios_update_trigger), std::nullopt) << "write only";
    EXPECT_TRUE(write(msr::bios_signature, 0));
    EXPECT_TRUE(write(msr::bios_update_trigger, 0x5'0030));
    EXPECT_EQ(read(msr::bios_signature), 0u) << "no revision";
    EXPECT_EQ(read(msr::platform_id), 0u);
    expect_refused(msr::platform_id, 0);
}
TEST_F(Msr, DebugAndTestControlsRefuseReservedBits) {
    expect_writable(msr::debug_control, 0x7D);
    expect_refused(msr::debug_control, 0x80);
    expect_writable(msr::test_ctl, 0x8000'0000);
    expect_refused(msr::test_ctl, 1);
    EXPECT_EQ(read(msr::rob_cr_bkuptmpdr6), 4u) << "fast strings";
    expect_writable(msr::rob_cr_bkuptmpdr6, 0);
    expect_writable(msr::ebl_cr_poweron, 0x0400'00DE);
    expect_refused(msr::ebl_cr_poweron, 1);
    for (const uint32_t number :
         {msr::last_branch_from, msr::last_branch_to, msr::last_interrupt_from, msr::last_interrupt_to}) {
        EXPECT_EQ(read(number), 0u);
        expect_refused(number, 0);
    }
}
TEST_F(Msr, SysenterRegistersHave32Bits) {
    for (const uint32_t number : {msr::sysenter_cs, msr::sysenter_esp, msr::sysenter_eip}) {
        EXPECT_TRUE(write(number, 0xFFFF'FFFF'8765'4321));
        run(Code{});
    }
    run(Code{}.wrmsr(msr::sysenter_esp, 0xFFFF'FFFF'8765'4321).rdmsr(msr::sysenter_esp));
    EXPECT_EQ(bench.cpu.state().general[reg_eax], 0x8765'4321u);
    EXPECT_EQ(bench.cpu.state().general[reg_edx], 0u);
}
TEST_F(Msr, WritingTheTimeStampCounterClearsItsUpperHalf) {
    const CpuState s = run(Code{}.wrmsr(msr::tsc, 0x5555'5555'F000'0000).raw({0x0F, 0x31}));
    EXPECT_EQ(s.general[reg_edx], 0u);
    EXPECT_GE(s.general[reg_eax], 0xF000'0000u);
    EXPECT_LT(s.general[reg_eax], 0xF000'1000u);
}
TEST_F(Msr, ResetBringsBackTheFirstValues) {
    EXPECT_TRUE(write(msr::mtrr_default, 0xC06));
    EXPECT_TRUE(write(msr::page_attributes, 0));
    bench.cpu.reset();
    EXPECT_EQ(read(msr::mtrr_default), 0u);
    EXPECT_EQ(read(msr::page_attributes), 0x0007'0406'0007'0406u);
}
TEST_F(Msr, FirmwareReachesThemWithoutAProgram) {
    uint64_t value = 0;
    EXPECT_TRUE(bench.cpu.write_msr(msr::mtrr_default, 0xC06));
    EXPECT_TRUE(bench.cpu.read_msr(msr::mtrr_default, value));
    EXPECT_EQ(value, 0xC06u);
    EXPECT_FALSE(bench.cpu.write_msr(msr::mtrr_default, 2));
    EXPECT_FALSE(bench.cpu.read_msr(0x11, value));
}

// ---- Performance counters

constexpr uint32_t counter0 = msr::performance_counter0, select0 = msr::event_select0;
constexpr uint32_t user = PerformanceCounters::user, os = PerformanceCounters::system,
                   on = PerformanceCounters::enable;
constexpr uint32_t cycles = 0x79, instructions = 0xC0, mispredictions = 0xC5, itlb_misses = 0x85;

class PerformanceMonitoring : public Msr {
protected:
    // Counter 0 over `code`.
    uint64_t count(uint32_t select, const Code& code) {
        Code whole;
        whole.wrmsr(counter0, 0).wrmsr(select0, select);
        whole.append(code);
        const CpuState s = run(whole.rdmsr(counter0));
        EXPECT_EQ(bench.halted_in(), -1);
        return uint64_t{s.general[reg_edx]} << 32 | s.general[reg_eax];
    }
    static Code nops(unsigned number) {
        Code code;
        for (unsigned i = 0; i < number; ++i)
            code.raw({0x90});
        return code;
    }
};

TEST_F(PerformanceMonitoring, CountsRetiredInstructions) {
    // Between the end of WRMSR and RDMSR: the WRMSR itself, the NOPs and the MOV.
    EXPECT_EQ(count(instructions | os | on, nops(50)), 1 + 50 + 1);
}
TEST_F(PerformanceMonitoring, CountsCyclesAsTheTimeStampCounterDoes) {
    // rdtsc; mov esi, eax; ... rdtsc; sub eax, esi; mov ebp, eax within the counted part
    Code body;
    body.raw({0x0F, 0x31, 0x89, 0xC6});
    body.append(nops(300));
    body.raw({0x0F, 0x31, 0x29, 0xF0, 0x89, 0xC5});
    const uint64_t counted = count(cycles | os | on, body);
    const uint32_t measured = bench.cpu.state().general[reg_ebp];
    EXPECT_GE(counted, measured);
    EXPECT_LT(counted, measured + 500) << "the instructions around, and their fetches";
}
TEST_F(PerformanceMonitoring, CountsMispredictions) {
    // mov ecx, 40; xor ebx, 0x9E3779B9 rotated: a branch on changing bits
    Code body = Code{}.set(reg_ebx, 0x9E37'79B9).set(reg_edi, 64);
    body.raw({0xD1, 0xCB})        // again: ror ebx, 1
        .raw({0x72, 0x01, 0x90})  // jc over a nop
        .raw({0x4F, 0x75, 0xF8}); // dec edi; jnz again
    const uint64_t before = bench.cpu.counters().branch_mispredictions;
    const uint64_t counted = count(mispredictions | os | on, body);
    EXPECT_GT(counted, 5u);
    EXPECT_EQ(counted, bench.cpu.counters().branch_mispredictions - before);
}
TEST_F(PerformanceMonitoring, CountsAtTheSelectedLevelsOnly) {
    EXPECT_EQ(count(instructions | user | on, nops(50)), 0u);
    EXPECT_EQ(count(instructions | on, nops(50)), 0u);
    EXPECT_EQ(count(instructions | user | os | on, nops(50)), 52u);
}
TEST_F(PerformanceMonitoring, TellsUserFromSystemInstructions) {
    // Counter 0 at user level, counter 1 at level 0. A trip to level 3 with 30 NOPs and back through INT 30h.
    bench.gate(0x30, CpuBench::handler(0x30), 0xEE);
    const uint32_t user_code = 0x5'0000;
    Code there = nops(30);
    bench.put(user_code, there.raw({0xCD, 0x30}).bytes());
    run(Code{}
            .wrmsr(counter0, 0)
            .wrmsr(counter0 + 1, 0)
            .wrmsr(select0 + 1, instructions | os)
            .wrmsr(select0, instructions | user | on)
            .raw({0x6A, CpuBench::user_data})
            .raw({0x68})
            .word(0x7'0000)
            .raw({0x6A, 0x02})
            .raw({0x6A, CpuBench::user_code})
            .raw({0x68})
            .word(user_code)
            .raw({0xCF}));
    ASSERT_EQ(bench.halted_in(), 0x30);
    uint64_t at_user = 0, at_system = 0;
    ASSERT_TRUE(bench.cpu.read_msr(counter0, at_user));
    ASSERT_TRUE(bench.cpu.read_msr(counter0 + 1, at_system));
    // The instruction that changes the level belongs to either side.
    EXPECT_GE(at_user, 30u);
    EXPECT_LE(at_user, 32u);
    EXPECT_GE(at_system, 6u);
    EXPECT_LE(at_system, 9u);
    EXPECT_EQ(at_user + at_system, 1u + 6 + 30 + 1 + 1);
}
TEST_F(PerformanceMonitoring, CountersStandStillWithoutTheEnableBit) {
    EXPECT_EQ(count(instructions | os, nops(50)), 0u);
}
TEST_F(PerformanceMonitoring, CountersHave40BitsAndExtendBit31OnWriting) {
    EXPECT_TRUE(write(counter0, 0x12'8000'0000));
    EXPECT_EQ(read(counter0), 0xFF'8000'0000u);
    EXPECT_TRUE(write(counter0, 0x7FFF'FFFF));
    EXPECT_EQ(read(counter0), 0x7FFF'FFFFu);
    run(Code{}.wrmsr(counter0, 0xFFFF'FFF0).wrmsr(select0, instructions | os | on));
    run(nops(40));
    const auto wrapped = read(counter0);
    ASSERT_TRUE(wrapped.has_value());
    EXPECT_LT(*wrapped, 100u);
}
TEST_F(PerformanceMonitoring, AnUnknownEventCountsNothing) {
    EXPECT_EQ(count(0xEF | os | on, nops(50)), 0u);
}
TEST_F(PerformanceMonitoring, SelectorsRefuseReservedBits) {
    expect_writable(select0, 0xFF1F'FFFF);
    EXPECT_TRUE(write(select0, 0));
    expect_refused(select0, 1u << 21);
    expect_refused(select0, uint64_t{1} << 32);
}
TEST_F(PerformanceMonitoring, RdpmcReadsBothCountersAndNoOther) {
    EXPECT_TRUE(write(counter0, 5));
    EXPECT_TRUE(write(counter0 + 1, 6));
    EXPECT_EQ(run(Code{}.set(reg_ecx, 0).raw({0x0F, 0x33})).general[reg_eax], 5u);
    EXPECT_EQ(run(Code{}.set(reg_ecx, 1).raw({0x0F, 0x33})).general[reg_eax], 6u);
    for (const uint32_t index : {2u, 0x8000'0000u}) {
        run(Code{}.set(reg_ecx, index).raw({0x0F, 0x33}));
        EXPECT_EQ(bench.halted_in(), 13);
    }
}
TEST_F(PerformanceMonitoring, RdpmcIsForUsersWithPceOnly) {
    for (const bool enabled : {false, true}) {
        CpuState s = CpuBench::flat_state();
        s.cr4 = enabled ? 0x100 : 0;
        bench.cpu.set_state(s);
        bench.set_user();
        const Code code = Code{}.set(reg_ecx, 0).raw({0x0F, 0x33, 0xCD, 0x30});
        bench.gate(0x30, CpuBench::handler(0x30), 0xEE);
        bench.put(CpuBench::code_address, code.bytes());
        bench.cpu.snoop_write(CpuBench::code_address, 64);
        bench.run();
        EXPECT_EQ(bench.halted_in(), enabled ? 0x30 : 13);
    }
}

} // namespace
} // namespace fixpoint::models
