// The x87's memory operands and the images that FSTENV, FSAVE and FXSAVE make of its state.
#include "tests/cpu/x87_fixture.hpp"

namespace fixpoint::models::x87_tests {
namespace {

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

} // namespace
} // namespace fixpoint::models::x87_tests
