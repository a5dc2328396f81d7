// The x87: availability, exceptions and their reporting, instructions. The results of instructions are held against the
// host's in tests/native/x87_native_test.cpp.
#include "tests/cpu/x87_fixture.hpp"

namespace fixpoint::models::x87_tests {
namespace {

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
} // namespace fixpoint::models::x87_tests
