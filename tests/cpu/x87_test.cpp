// The x87: availability, exceptions and their reporting, memory operands, state images. The results of instructions are
// held against the host's in x87_differential_test.cpp.
#include "tests/cpu/cpu_bench.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fixpoint::models {
namespace {

using Code = std::vector<uint8_t>;

constexpr uint32_t data = 0x5000;
constexpr uint16_t divide_by_zero_unmasked = 0x037B, invalid_unmasked = 0x037E;
constexpr uint32_t cr0_mp = 2, cr0_em = 4, cr0_ts = 8, cr0_ne = 0x20;
constexpr int invalid_opcode = 6, device_not_available = 7, stack_fault = 12, general_protection = 13,
              page_fault = 14, floating_point_error = 16, alignment_check = 17;

// Instructions.
const Code fld1{0xD9, 0xE8}, fldz{0xD9, 0xEE}, fldpi{0xD9, 0xEB},
    divide_one_by_zero{0xD9, 0xE8, 0xD9, 0xEE, 0xDE, 0xF9}, wait{0x9B}, fnclex{0xDB, 0xE2},
    fninit{0xDB, 0xE3}, fnstsw_ax{0xDF, 0xE0}, hlt{0xF4};

Code operator+(Code a, const Code& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}
Code at(uint8_t opcode, unsigned reg, uint32_t address) {
    return {opcode,
            static_cast<uint8_t>(reg << 3 | 5),
            static_cast<uint8_t>(address),
            static_cast<uint8_t>(address >> 8),
            static_cast<uint8_t>(address >> 16),
            static_cast<uint8_t>(address >> 24)};
}
Code fxsave(uint32_t address, unsigned reg = 0) {
    return Code{0x0F} + at(0xAE, reg, address);
}

class X87 : public testing::Test {
protected:
    X87() {
        bench.install_tables();
        change([](CpuState& s) {
            s.x87.finit();
            s.cr0 |= cr0_ne;
        });
    }
    template<class F>
    void change(F f) {
        CpuState s = bench.cpu.state();
        f(s);
        bench.cpu.set_state(s);
    }
    CpuState run(const Code& code) {
        bench.put(CpuBench::code_address, std::span{code});
        bench.cpu.snoop_write(CpuBench::code_address, 64);
        return bench.run();
    }
    // The exception's vector; where it happened is in fault_eip().
    int exception(const Code& code) {
        run(code + hlt);
        return bench.halted_in();
    }
    [[nodiscard]] uint32_t on_stack(unsigned index) {
        return bench.get32(bench.cpu.state().general[reg_esp] + index * 4);
    }
    [[nodiscard]] uint16_t get16(uint32_t address) { return static_cast<uint16_t>(bench.get32(address)); }
    void control(uint16_t word) {
        change([word](CpuState& s) { s.x87.set_control(word); });
    }
    // Paging with every page mapped to itself but the one given.
    void page_missing(uint32_t address, uint32_t rights = 0) {
        constexpr uint32_t directory = 0x20'0000, table = 0x20'1000;
        bench.put32(directory, table | 7);
        for (uint32_t i = 0; i < 1024; ++i)
            bench.put32(table + i * 4, i << 12 | 7);
        bench.put32(table + (address >> 12) * 4, (address & ~0xFFFu) | rights);
        change([](CpuState& s) {
            s.cr3 = directory;
            s.cr0 |= 0x8001'0000; // PG, WP
        });
    }

    CpuBench bench;
};

// ---- Reset and initialisation

TEST_F(X87, ResetLeavesZerosAndMasksNothing) {
    CpuBench fresh;
    fresh.cpu.reset();
    const X87State x87 = fresh.cpu.state().x87;
    EXPECT_EQ(x87.control, 0x0040);
    EXPECT_EQ(x87.status_word(), 0);
    EXPECT_EQ(x87.tag_word(), 0x5555);
}
TEST_F(X87, FninitKeepsTheRegistersContents) {
    const X87State x87 = run(fldpi + fninit + hlt).x87;
    EXPECT_EQ(x87.control, 0x037F);
    EXPECT_EQ(x87.tag_word(), 0xFFFF);
    EXPECT_EQ(x87.registers[7].sign_exponent, 0x4000);
    EXPECT_EQ(x87.opcode, 0);
}
TEST_F(X87, FldcwKeepsReservedBits) {
    bench.put32(data, 0xFFFF);
    EXPECT_EQ(run(at(0xD9, 5, data) + hlt).x87.control, 0x1F7F);
}

// ---- Who may execute

TEST_F(X87, IsNotAvailableUnderEmulationAndAfterATaskSwitch) {
    for (const uint32_t bit : {cr0_em, cr0_ts}) {
        change([bit](CpuState& s) { s.cr0 = (s.cr0 & ~(cr0_em | cr0_ts)) | bit; });
        for (const Code& code :
             {fld1, fninit, fnclex, fnstsw_ax, at(0xD9, 0, data), fxsave(data), fxsave(data, 1)}) {
            change([](CpuState& s) {
                s.eip = CpuBench::code_address;
                s.halted = false;
            });
            EXPECT_EQ(exception(code), device_not_available) << bit << " " << int{code[0]};
        }
    }
}
TEST_F(X87, WaitIsNotAvailableOnlyWithBothTsAndMp) {
    struct {
        uint32_t bits;
        int vector;
    } const cases[] = {{0, -1},
                       {cr0_em, -1},
                       {cr0_ts, -1},
                       {cr0_mp, -1},
                       {cr0_em | cr0_mp, -1},
                       {cr0_em | cr0_ts, -1},
                       {cr0_ts | cr0_mp, device_not_available}};
    for (const auto& c : cases) {
        change([&c](CpuState& s) {
            s.cr0 = (s.cr0 & ~0xEu) | c.bits;
            s.eip = CpuBench::code_address;
            s.halted = false;
        });
        EXPECT_EQ(exception(wait), c.vector) << c.bits;
    }
}
TEST_F(X87, NotAvailableComesBeforeTheOperandsFault) {
    page_missing(data);
    change([](CpuState& s) { s.cr0 |= cr0_ts; });
    EXPECT_EQ(exception(at(0xDD, 0, data)), device_not_available);
}
TEST_F(X87, OpcodesOfLaterProcessorsAreUndefined) {
    const Code cases[] = {at(0xDB, 1, data), at(0xDD, 1, data), at(0xDF, 1, data), // FISTTP
                          at(0xD9, 1, data), at(0xDB, 4, data), {0xD9, 0xD1},      {0xD9, 0xE2},
                          {0xD9, 0xEF},      {0xDA, 0xE0},      {0xDA, 0xE8},      {0xDB, 0xE5},
                          {0xDB, 0xF8},      {0xDD, 0xF0},      {0xDE, 0xD8},      {0xDF, 0xE1},
                          {0xDF, 0xF8},      fxsave(data, 2)};
    for (const Code& code : cases) {
        change([](CpuState& s) {
            s.eip = CpuBench::code_address;
            s.halted = false;
        });
        EXPECT_EQ(exception(code), invalid_opcode) << std::hex << int{code[0]} << " " << int{code[1]};
    }
}
TEST_F(X87, InstructionsOfThe8087AndThe80287DoNothing) {
    const X87State x87 = run(Code{0xDB, 0xE0, 0xDB, 0xE1, 0xDB, 0xE4} + hlt).x87;
    EXPECT_EQ(x87.instruction_pointer, 0u);
    EXPECT_EQ(x87.tag_word(), 0xFFFF);
}

// ---- Exceptions

TEST_F(X87, AnUnmaskedExceptionIsReportedAtTheNextWaitingInstruction) {
    control(divide_by_zero_unmasked);
    EXPECT_EQ(exception(divide_one_by_zero + fnstsw_ax + wait), floating_point_error);
    const CpuState s = bench.cpu.state();
    EXPECT_EQ(on_stack(0), CpuBench::code_address + 8); // WAIT's address
    EXPECT_EQ(s.general[reg_eax] & 0x80FF, 0x8084u);    // B, ES, ZE
    EXPECT_EQ(s.x87.instruction_pointer, CpuBench::code_address + 4);
    EXPECT_EQ(s.x87.opcode, 0x6F9);
    EXPECT_EQ(s.x87.tag_word(), 0x1FFF) << "the operands of the division are still there";
}
TEST_F(X87, InstructionsThatDoNotWaitPassAPendingException) {
    control(divide_by_zero_unmasked);
    const Code passing = fnstsw_ax + at(0xD9, 7, data) + at(0xDD, 7, data) + fxsave(data + 0x100) +
                         at(0xD9, 6, data + 0x40) + fnclex + wait;
    EXPECT_EQ(exception(divide_one_by_zero + passing), -1);
}
TEST_F(X87, APendingExceptionComesBeforeTheOperandsFault) {
    control(divide_by_zero_unmasked);
    page_missing(data);
    EXPECT_EQ(exception(divide_one_by_zero + at(0xDD, 0, data)), floating_point_error);
}
TEST_F(X87, UnmaskingByFldcwMakesAnOldExceptionPending) {
    bench.put32(data, divide_by_zero_unmasked);
    EXPECT_EQ(exception(divide_one_by_zero + at(0xD9, 5, data) + fld1), floating_point_error);
}
TEST_F(X87, StackFaultsTellTheirDirection) {
    EXPECT_EQ(run(Code{0xD9, 0xE1} + hlt).x87.status & 0x0241, 0x0041); // FABS of nothing: underflow, C1 = 0
    change([](CpuState& s) {
        s.x87.finit();
        s.x87.occupied = 0xFF;
        s.eip = CpuBench::code_address;
        s.halted = false;
    });
    const X87State x87 = run(fld1 + hlt).x87;
    EXPECT_EQ(x87.status & 0x0241, 0x0241); // overflow, C1 = 1
    EXPECT_EQ(x87.st(0), indefinite);
}
TEST_F(X87, AnUnmaskedStackFaultLeavesTheStackAlone) {
    control(invalid_unmasked);
    const X87State x87 = run(Code{0xDE, 0xC1} + hlt).x87; // FADDP
    EXPECT_EQ(x87.status_word(), 0x80C1);
    EXPECT_EQ(x87.tag_word(), 0xFFFF);
}

// ---- Exceptions as the PC/AT reports them

class X87Interrupt : public X87 {
protected:
    X87Interrupt() {
        change([](CpuState& s) {
            s.cr0 &= ~cr0_ne;
            s.eflags |= 0x200;
        });
        control(divide_by_zero_unmasked);
    }
};

TEST_F(X87Interrupt, FerrGoesOutAndTheProcessorStopsBeforeTheWaitingInstruction) {
    const CpuState s = run(divide_one_by_zero + fnstsw_ax + fld1 + hlt);
    EXPECT_EQ(bench.stop, Cpu::Stop::halted);
    EXPECT_EQ(s.eip, CpuBench::code_address + 8);
    EXPECT_EQ(bench.bus.floating_point_errors, std::vector<bool>{true});
}
TEST_F(X87Interrupt, TheInterruptReturnsToTheWaitingInstruction) {
    run(divide_one_by_zero + wait + hlt);
    bench.bus.interrupt_vector = 0x75;
    bench.bus.on_acknowledge = [this] { bench.cpu.set_interrupt_line(false); };
    bench.cpu.set_interrupt_line(true);
    bench.run();
    EXPECT_EQ(bench.halted_in(), 0x75);
    EXPECT_EQ(on_stack(0), CpuBench::code_address + 6);
}
TEST_F(X87Interrupt, ClearingTheExceptionTakesFerrBack) {
    bench.put(CpuBench::handler(0x75), {0xDB, 0xE2, 0xF4}); // FNCLEX
    run(divide_one_by_zero + wait + hlt);
    bench.bus.interrupt_vector = 0x75;
    bench.bus.on_acknowledge = [this] { bench.cpu.set_interrupt_line(false); };
    bench.cpu.set_interrupt_line(true);
    bench.run();
    EXPECT_EQ(bench.bus.floating_point_errors, (std::vector<bool>{true, false}));
}
TEST_F(X87Interrupt, AMaskedStackFaultIsAnsweredWhileAnotherExceptionIsIgnored) {
    bench.cpu.set_ignore_numeric_error(true);
    const X87State x87 = run(divide_one_by_zero + Code{0xDD, 0xD8, 0xDD, 0xD8, 0xD9, 0xE1} + hlt).x87;
    EXPECT_EQ(x87.st(0), indefinite); // FABS of nothing, after two FSTP
    EXPECT_EQ(x87.status & 0x80C5, 0x80C5);
}
TEST_F(X87Interrupt, IgnneLetsInstructionsPassThePendingException) {
    bench.cpu.set_ignore_numeric_error(true);
    const CpuState s = run(divide_one_by_zero + fldpi + wait + hlt);
    EXPECT_EQ(s.eip, CpuBench::code_address + 10);
    EXPECT_EQ(s.x87.st(0).sign_exponent, 0x4000);
    EXPECT_TRUE(bench.bus.floating_point_errors.empty());
}

// ---- Memory operands

TEST_F(X87, AFaultOfTheOperandChangesNothing) {
    page_missing(data);
    struct {
        const char* name;
        Code code;
    } const cases[] = {
        {"FLD m32", at(0xD9, 0, data)},   {"FADD m64", at(0xDC, 0, data)}, {"FSTP m80", at(0xDB, 7, data)},
        {"FISTP m16", at(0xDF, 3, data)}, {"FBSTP", at(0xDF, 6, data)},    {"FBLD", at(0xDF, 4, data)},
        {"FLDCW", at(0xD9, 5, data)},     {"FNSTENV", at(0xD9, 6, data)},  {"FNSAVE", at(0xDD, 6, data)},
        {"FRSTOR", at(0xDD, 4, data)},    {"FXSAVE", fxsave(data)},        {"FXRSTOR", fxsave(data, 1)}};
    for (const auto& c : cases) {
        X87State before;
        change([&](CpuState& s) {
            s.x87.finit();
            s.x87.push({0xC000'0000'0000'0001, 0x4000}); // inexact in every format
            s.x87.instruction_pointer = 0x1234;
            before = s.x87;
            s.eip = CpuBench::code_address;
            s.halted = false;
        });
        EXPECT_EQ(exception(c.code), page_fault) << c.name;
        EXPECT_EQ(bench.cpu.state().x87, before) << c.name;
    }
}
TEST_F(X87, AStoreAcrossPagesWritesAllOrNothing) {
    page_missing(data + 0x1000);
    for (const Code& code : {at(0xDD, 2, data + 0xFFC), at(0xDB, 7, data + 0xFF8), at(0xDD, 6, data + 0xFC0),
                             at(0xD9, 6, data + 0xFF0), fxsave(data + 0xF00)}) {
        std::memset(bench.memory.data() + data, 0xEE, 0x1000);
        change([](CpuState& s) {
            s.x87.finit();
            s.x87.push({uint64_t{1} << 63, 0x3FFF});
            s.eip = CpuBench::code_address;
            s.halted = false;
        });
        EXPECT_EQ(exception(code), page_fault);
        EXPECT_EQ(bench.cpu.state().cr2, data + 0x1000);
        for (uint32_t i = 0; i < 0x1000; ++i)
            ASSERT_EQ(bench.memory.data()[data + i], 0xEE) << int{code[0]} << " at " << i;
    }
}
TEST_F(X87, AStoreAcrossLinesAndPagesIsWhole) {
    page_missing(0x7000);
    for (uint32_t address = data + 0xFE0; address < data + 0x1000; ++address) {
        change([](CpuState& s) {
            s.x87.finit();
            s.x87.push({0x8877'6655'4433'2211, 0x3FAA});
            s.eip = CpuBench::code_address;
            s.halted = false;
        });
        const CpuState s = run(at(0xDB, 7, address) + at(0xDB, 5, address) + hlt);
        EXPECT_EQ(s.x87.st(0), (Float80{0x8877'6655'4433'2211, 0x3FAA})) << address;
        EXPECT_EQ(bench.get32(address + 6), 0x3FAA'8877u) << address;
    }
}
TEST_F(X87, TheSegmentsLimitIsCheckedForTheWholeOperand) {
    change([](CpuState& s) {
        s.segment[seg_ds] = {CpuBench::small_data, 0x4093, 0, 0xFFF};
        s.x87.push({uint64_t{1} << 63, 0x3FFF});
    });
    struct {
        Code code;
        int vector;
    } const cases[] = {{at(0xDD, 2, 0xFF8), -1},
                       {at(0xDD, 2, 0xFF9), general_protection},
                       {at(0xDB, 5, 0xFF6), -1},
                       {at(0xDB, 5, 0xFF7), general_protection},
                       {at(0xD9, 6, 0xFE4), -1},
                       {at(0xD9, 6, 0xFE5), general_protection},
                       {fxsave(0xE00), -1},
                       {fxsave(0xE10), general_protection},
                       {Code{0x36} + at(0xDD, 2, 0xFFFF'FFF9), stack_fault}};
    for (const auto& c : cases) {
        change([](CpuState& s) {
            s.segment[seg_ss].limit = 0xFFFF'FFFE;
            s.eip = CpuBench::code_address;
            s.halted = false;
        });
        EXPECT_EQ(exception(c.code), c.vector) << std::hex << c.code[2];
    }
}
TEST_F(X87, AlignmentIsThatOfTheManualsTable) { // SDM vol. 3, table 6-7
    struct {
        const char* name;
        Code code;
        int vector;
    } const cases[] = {{"m32 at 2", at(0xD9, 0, data + 2), alignment_check},
                       {"m32 at 4", at(0xD9, 0, data + 4), -1},
                       {"m64 at 4", at(0xDD, 0, data + 4), alignment_check},
                       {"m64 at 8", at(0xDD, 0, data + 8), -1},
                       {"m80 at 4", at(0xDB, 5, data + 4), alignment_check},
                       {"m80 at 8", at(0xDB, 5, data + 8), -1},
                       {"environment at 2", at(0xD9, 6, data + 2), alignment_check},
                       {"environment at 4", at(0xD9, 6, data + 4), -1},
                       {"short environment at 2", Code{0x66} + at(0xD9, 6, data + 2), -1},
                       {"state at 4", at(0xDD, 6, data + 4), -1}};
    for (const auto& c : cases) {
        const Code code = c.code + Code{0xCC};
        bench.put(CpuBench::code_address, std::span{code});
        bench.cpu.snoop_write(CpuBench::code_address, 64);
        bench.set_user(0x4'0202); // AC
        change([](CpuState& s) {
            s.x87.finit();
            s.cr0 |= 0x4'0000; // AM
            s.eip = CpuBench::code_address;
            s.halted = false;
        });
        bench.gate(3, CpuBench::handler(3), 0xEE);
        bench.run();
        EXPECT_EQ(bench.halted_in(), c.vector == -1 ? 3 : c.vector) << c.name;
    }
}

// ---- Images

class X87Images : public X87 {
protected:
    static X87State example() {
        X87State x;
        x.finit();
        x.push({uint64_t{1} << 63, 0x3FFF}); // valid
        x.push({0, 0});                      // zero
        x.push({1, 0});                      // special
        x.status |= x87_status::c3 | float_exception::precision;
        x.opcode = 0x5A5;
        x.instruction_pointer = 0x0012'3456;
        x.code_selector = CpuBench::kernel_code;
        x.operand_pointer = 0x00AB'CDEF;
        x.data_selector = CpuBench::kernel_data;
        return x;
    }
    std::vector<uint32_t> words(unsigned bytes, unsigned count) {
        std::vector<uint32_t> result;
        for (unsigned i = 0; i < count; ++i)
            result.push_back(bytes == 4 ? bench.get32(data + 4 * i) : get16(data + 2 * i));
        return result;
    }
    void enter_real_mode() {
        change([](CpuState& s) {
            s.x87 = example();
            s.x87.code_selector = 0x1000;
            s.x87.instruction_pointer = 0x2345;
            s.x87.data_selector = 0xF000;
            s.x87.operand_pointer = 0xFFFF;
            s.cr0 &= ~1u;
            const SegmentState segment{0, 0x93, 0, 0xFFFF};
            s.segment = {segment, SegmentState{0x1000, 0x93, 0x10000, 0xFFFF}, segment, segment, segment,
                         segment};
            s.eip = 0;
        });
    }
};

TEST_F(X87Images, ProtectedMode32) {
    change([](CpuState& s) { s.x87 = example(); });
    const CpuState s = run(at(0xD9, 6, data) + hlt);
    EXPECT_EQ(words(4, 7), (std::vector<uint32_t>{0xFFFF'037F, 0xFFFF'6820, 0xFFFF'1BFF, 0x0012'3456,
                                                  0x05A5'0008, 0x00AB'CDEF, 0xFFFF'0010}));
    EXPECT_EQ(s.x87.control, 0x037F);
}
TEST_F(X87Images, ProtectedMode16) {
    change([](CpuState& s) { s.x87 = example(); });
    bench.put32(data + 14, 0xEEEE'EEEE);
    run(Code{0x66} + at(0xD9, 6, data) + hlt);
    EXPECT_EQ(words(2, 7), (std::vector<uint32_t>{0x037F, 0x6820, 0x1BFF, 0x3456, 0x0008, 0xCDEF, 0x0010}));
    EXPECT_EQ(bench.get32(data + 14), 0xEEEE'EEEEu);
}
TEST_F(X87Images, RealModeHasLinearAddresses) {
    enter_real_mode();
    bench.put(0x10000, {0xD9, 0x36, 0x00, 0x50, 0x66, 0xD9, 0x36, 0x20, 0x50, 0xF4});
    bench.run();
    EXPECT_EQ(words(2, 7), (std::vector<uint32_t>{0x037F, 0x6820, 0x1BFF, 0x2345, 0x15A5, 0xFFFF, 0xF000}));
    std::vector<uint32_t> wide;
    for (unsigned i = 0; i < 7; ++i)
        wide.push_back(bench.get32(data + 0x20 + 4 * i));
    EXPECT_EQ(wide, (std::vector<uint32_t>{0xFFFF'037F, 0xFFFF'6820, 0xFFFF'1BFF, 0xFFFF'2345, 0x0000'15A5,
                                           0xFFFF'FFFF, 0x0000'F000}));
}
TEST_F(X87Images, FstenvMasksAllExceptions) {
    change([](CpuState& s) {
        s.x87.set_control(divide_by_zero_unmasked);
        s.x87.set_status_word(float_exception::divide_by_zero);
    });
    const X87State x87 = run(at(0xD9, 6, data) + wait + hlt).x87;
    EXPECT_EQ(get16(data), divide_by_zero_unmasked);
    EXPECT_EQ(get16(data + 4), 0x8084);
    EXPECT_EQ(x87.control, 0x037F);
    EXPECT_EQ(x87.status_word(), 0x0004);
}
TEST_F(X87Images, FsaveAndFrstorAreInverse) {
    for (const Code& prefix : {Code{}, Code{0x66}}) {
        change([](CpuState& s) {
            s.x87 = example();
            s.x87.instruction_pointer &= 0xFFFF;
            s.x87.operand_pointer &= 0xFFFF;
            s.eip = CpuBench::code_address;
            s.halted = false;
        });
        const X87State before = bench.cpu.state().x87;
        EXPECT_EQ(run(prefix + at(0xDD, 6, data) + hlt).x87.tag_word(), 0xFFFF);
        change([](CpuState& s) {
            s.x87.registers = {};
            s.eip = CpuBench::code_address;
            s.halted = false;
        });
        X87State after = run(prefix + at(0xDD, 4, data) + hlt).x87;
        if (!prefix.empty()) // the short form has no opcode
            after.opcode = before.opcode;
        EXPECT_EQ(after, before);
    }
}
TEST_F(X87Images, FxsaveHasOneTagBitARegisterAndLeavesSseAreasAlone) {
    change([](CpuState& s) { s.x87 = example(); });
    std::memset(bench.memory.data() + data, 0xEE, 512);
    const X87State x87 = run(fxsave(data) + hlt).x87;
    EXPECT_EQ(x87, example()) << "FXSAVE does not initialise";
    EXPECT_EQ(bench.get32(data), 0x6820'037Fu);
    EXPECT_EQ(bench.get32(data + 4), 0x05A5'00E0u);
    EXPECT_EQ(bench.get32(data + 8), 0x0012'3456u);
    EXPECT_EQ(bench.get32(data + 16), 0x00AB'CDEFu);
    EXPECT_EQ(bench.get32(data + 24), 0xEEEE'EEEEu) << "MXCSR";
    EXPECT_EQ(bench.get32(data + 32), 1u) << "ST(0)";
    EXPECT_EQ(get16(data + 32 + 2 * 16 + 8), 0x3FFF) << "ST(2)";
    for (uint32_t i = 160; i < 512; ++i)
        ASSERT_EQ(bench.memory.data()[data + i], 0xEE) << i;
}
TEST_F(X87Images, FxrstorRestoresWhatFxsaveSaved) {
    change([](CpuState& s) { s.x87 = example(); });
    EXPECT_EQ(run(fxsave(data) + fninit + fldpi + fxsave(data, 1) + hlt).x87, example());
}
TEST_F(X87Images, FxsaveWantsSixteenByteAlignment) {
    EXPECT_EQ(exception(fxsave(data + 8)), general_protection);
    EXPECT_EQ(on_stack(0), 0u);
}

// ---- Instructions

TEST_F(X87, FcomiSetsTheFlags) {
    struct {
        Code code;
        uint32_t flags;
    } const cases[] = {{fld1 + fldz, 1}, {fldz + fld1, 0}, {fld1 + fld1, 0x40}, {fld1, 0x45}};
    for (const auto& c : cases) {
        change([](CpuState& s) {
            s.x87.finit();
            s.eflags |= 0x8D5;
            s.eip = CpuBench::code_address;
            s.halted = false;
        });
        EXPECT_EQ(run(c.code + Code{0xDB, 0xF1} + hlt).eflags & 0x8D5, c.flags);
    }
}
TEST_F(X87, FpremGivesTheQuotientsLowBits) {
    bench.put32(data, 29);
    bench.put32(data + 4, 4);
    const Code load = at(0xDB, 0, data + 4) + at(0xDB, 0, data);
    const X87State x87 = run(load + Code{0xD9, 0xF8} + hlt).x87; // 29 = 7 * 4 + 1
    EXPECT_EQ(x87.st(0), (Float80{uint64_t{1} << 63, 0x3FFF}));
    EXPECT_EQ(x87.status & 0x4700, 0x4300);
}
TEST_F(X87, FptanPushesOneAndFsincosTheCosine) {
    const X87State tangent = run(fldz + Code{0xD9, 0xF2} + hlt).x87;
    EXPECT_EQ(tangent.st(0).sign_exponent, 0x3FFF);
    EXPECT_EQ(tangent.st(1), Float80{});
    change([](CpuState& s) {
        s.x87.finit();
        s.eip = CpuBench::code_address;
        s.halted = false;
    });
    const X87State both = run(fldz + Code{0xD9, 0xFB} + hlt).x87;
    EXPECT_EQ(both.st(0), (Float80{uint64_t{1} << 63, 0x3FFF}));
    EXPECT_EQ(both.st(1), Float80{});
    EXPECT_EQ(both.tag_word(), 0x4FFF);
}
TEST_F(X87, AnAngleBeyondTheRangeSetsC2AndStays) {
    for (const uint8_t function : std::initializer_list<uint8_t>{0xF2, 0xFB, 0xFE, 0xFF}) {
        change([](CpuState& s) {
            s.x87.finit();
            s.x87.push({uint64_t{1} << 63, 0x403E}); // 2^63
            s.eip = CpuBench::code_address;
            s.halted = false;
        });
        const X87State x87 = run(Code{0xD9, function} + hlt).x87;
        EXPECT_EQ(x87.status & x87_status::c2, x87_status::c2);
        EXPECT_EQ(x87.st(0), (Float80{uint64_t{1} << 63, 0x403E}));
        EXPECT_EQ(x87.top, 7);
    }
}
TEST_F(X87, TheMovesOfTheFlagsMoveWhenTheyHold) {
    struct {
        uint8_t opcode, modrm;
        uint32_t flags;
    } const cases[] = {{0xDA, 0xC1, 0x01}, {0xDA, 0xC9, 0x40}, {0xDA, 0xD1, 0x41}, {0xDA, 0xD9, 0x04}};
    for (const auto& c : cases)
        for (const bool negated : {false, true})
            for (const bool set : {false, true}) {
                change([&](CpuState& s) {
                    s.x87.finit();
                    s.eflags = 2 | (set ? c.flags : 0);
                    s.eip = CpuBench::code_address;
                    s.halted = false;
                });
                const auto opcode = static_cast<uint8_t>(c.opcode | (negated ? 1 : 0));
                const X87State x87 = run(fld1 + fldz + Code{opcode, c.modrm} + hlt).x87;
                EXPECT_EQ(x87.st(0).sign_exponent != 0, set != negated) << int{c.modrm};
            }
}

// ---- Processors without it

TEST(X87Absent, RaisesWhatAnEmulatorWants) {
    CpuParameters parameters = pentium3_parameters();
    parameters.disabled_features = 1; // FPU
    for (const uint32_t bits : {0u, cr0_em, cr0_ts}) {
        CpuBench bench{parameters};
        bench.install_tables();
        CpuState s = bench.cpu.state();
        s.cr0 |= bits;
        bench.cpu.set_state(s);
        bench.code({0xD9, 0xE8});
        bench.run();
        EXPECT_EQ(bench.halted_in(), bits == 0 ? invalid_opcode : device_not_available) << bits;
    }
}
TEST(X87Absent, MmxAndFxsaveGoWithTheirFeatures) {
    CpuParameters parameters = pentium3_parameters();
    parameters.disabled_features = 3u << 23; // MMX, FXSR
    for (const Code& code : {Code{0x0F, 0x77}, fxsave(data)}) {
        CpuBench bench{parameters};
        bench.install_tables();
        bench.put(CpuBench::code_address, std::span{code});
        bench.run();
        EXPECT_EQ(bench.halted_in(), invalid_opcode);
    }
}

// ---- How it is executed

TEST_F(X87, DoesNotEndABlock) {
    const uint64_t before = bench.cpu.counters().blocks_decoded;
    run(fld1 + fldpi + Code{0xDE, 0xC9} + at(0xDD, 3, data) + fnstsw_ax + hlt);
    EXPECT_EQ(bench.cpu.counters().blocks_decoded - before, 1u);
}
TEST_F(X87, ADivisionCostsWhatTheMachinesFileSays) {
    const auto cycles = [this](uint8_t modrm) {
        change([](CpuState& s) {
            s.x87.finit();
            s.eip = CpuBench::code_address;
            s.halted = false;
        });
        const Code code = fld1 + fld1 + Code{0xD8, modrm} + hlt;
        run(code); // warm
        change([](CpuState& s) {
            s.x87.finit();
            s.eip = CpuBench::code_address;
            s.halted = false;
        });
        const uint64_t before = bench.cpu.cycles();
        bench.run();
        return bench.cpu.cycles() - before;
    };
    EXPECT_EQ(cycles(0xF1) - cycles(0xC1), pentium3_parameters().x87_divide_cycles);
}
TEST_F(X87, OsfxsrCanBeSet) {
    change([](CpuState& s) { s.general[reg_eax] = 0x200; });
    EXPECT_EQ(run(Code{0x0F, 0x22, 0xE0} + hlt).cr4, 0x200u);
}

} // namespace
} // namespace fixpoint::models
