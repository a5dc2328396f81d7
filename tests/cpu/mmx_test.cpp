// MMX: availability, aliasing on the x87's registers, and every instruction on known operands.
#include "tests/cpu/cpu_bench.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

constexpr uint32_t data = 0x5000;
constexpr int invalid_opcode = 6, device_not_available = 7, page_fault = 14, floating_point_error = 16;

class Mmx : public testing::Test {
protected:
    Mmx() {
        bench.install_tables();
        restart();
    }
    template<class F>
    void change(F f) {
        CpuState s = bench.cpu.state();
        f(s);
        bench.cpu.set_state(s);
    }
    void restart() {
        change([](CpuState& s) {
            s.x87.finit();
            s.cr0 |= 0x20; // NE
            s.eip = CpuBench::code_address;
            s.halted = false;
        });
    }
    CpuState run(std::initializer_list<uint8_t> code) {
        bench.code(code);
        bench.put(CpuBench::code_address + static_cast<uint32_t>(code.size()), {0xF4});
        bench.cpu.snoop_write(CpuBench::code_address, 64);
        return bench.run();
    }
    int exception(std::initializer_list<uint8_t> code) {
        run(code);
        return bench.halted_in();
    }
    uint64_t operate(uint8_t opcode, uint64_t a, uint64_t b) {
        restart();
        change([&](CpuState& s) {
            s.x87.set_mmx(1, a);
            s.x87.set_mmx(2, b);
        });
        return run({0x0F, opcode, 0xCA}).x87.mmx(1); // mm1, mm2
    }

    CpuBench bench;
};

// ---- Who may execute

TEST_F(Mmx, IsUndefinedUnderEmulation) {
    change([](CpuState& s) { s.cr0 |= 4; });
    EXPECT_EQ(exception({0x0F, 0x77}), invalid_opcode);
}
TEST_F(Mmx, EmulationComesBeforeATaskSwitch) {
    change([](CpuState& s) { s.cr0 |= 4 | 8; });
    EXPECT_EQ(exception({0x0F, 0xEF, 0xC0}), invalid_opcode);
}
TEST_F(Mmx, IsNotAvailableAfterATaskSwitch) {
    change([](CpuState& s) { s.cr0 |= 8; });
    EXPECT_EQ(exception({0x0F, 0x6F, 0xC1}), device_not_available);
}
TEST_F(Mmx, WaitsForPendingX87Exceptions) {
    change([](CpuState& s) {
        s.x87.set_control(0x037E);
        s.x87.set_status_word(1);
    });
    EXPECT_EQ(exception({0x0F, 0x77}), floating_point_error);
}
TEST_F(Mmx, PrefixesOfSse2AreUndefined) {
    for (const uint8_t prefix : std::initializer_list<uint8_t>{0x66, 0xF2, 0xF3}) {
        restart();
        EXPECT_EQ(exception({prefix, 0x0F, 0x6F, 0xC1}), invalid_opcode) << int{prefix};
    }
}
TEST_F(Mmx, LaterInstructionsAreUndefined) {
    for (const uint8_t opcode : std::initializer_list<uint8_t>{
             0x70, 0xC4, 0xC5, 0xD4, 0xD7, 0xDA, 0xDE, 0xE0, 0xE3, 0xE4, 0xE7, 0xEA, 0xEE, 0xF4, 0xF6, 0xF7,
             0xFB}) { // PSHUFW, PINSRW, PMINUB and so on of SSE and SSE2
        restart();
        EXPECT_EQ(exception({0x0F, opcode, 0xC1, 0x00}), invalid_opcode) << std::hex << int{opcode};
    }
    restart();
    EXPECT_EQ(exception({0x0F, 0x73, 0xD8, 0x01}), invalid_opcode); // PSRLDQ
}

// ---- The x87's registers

TEST_F(Mmx, WritingMakesTheExponentOnesAndAllRegistersValid) {
    change([](CpuState& s) {
        s.x87.top = 5;
        s.general[reg_eax] = 0x1234'5678;
    });
    const X87State x87 = run({0x0F, 0x6E, 0xD8}).x87; // movd mm3, eax
    EXPECT_EQ(x87.registers[3], (Float80{0x1234'5678, 0xFFFF}));
    EXPECT_EQ(x87.top, 0);
    EXPECT_EQ(x87.occupied, 0xFF);
    EXPECT_EQ(x87.registers[4].sign_exponent, 0);
}
TEST_F(Mmx, ReadingMakesAllRegistersValidToo) {
    change([](CpuState& s) {
        s.x87.top = 5;
        s.x87.registers[3] = {0xAABB'CCDD'1122'3344, 0x3FFF};
    });
    const CpuState s = run({0x0F, 0x7E, 0xD8}); // movd eax, mm3
    EXPECT_EQ(s.general[reg_eax], 0x1122'3344u);
    EXPECT_EQ(s.x87.top, 0);
    EXPECT_EQ(s.x87.occupied, 0xFF);
    EXPECT_EQ(s.x87.registers[3].sign_exponent, 0x3FFF);
}
TEST_F(Mmx, EmmsEmptiesAllRegisters) {
    change([](CpuState& s) {
        s.x87.occupied = 0xFF;
        s.x87.top = 3;
    });
    const X87State x87 = run({0x0F, 0x77}).x87;
    EXPECT_EQ(x87.tag_word(), 0xFFFF);
    EXPECT_EQ(x87.top, 0);
}
TEST_F(Mmx, LeavesThePointersToTheLastX87Instruction) {
    change([](CpuState& s) { s.x87.instruction_pointer = 0x77; });
    EXPECT_EQ(run({0x0F, 0xEF, 0xC0}).x87.instruction_pointer, 0x77u);
}
TEST_F(Mmx, AFaultOfTheOperandChangesNothing) {
    constexpr uint32_t directory = 0x20'0000, table = 0x20'1000;
    bench.put32(directory, table | 7);
    for (uint32_t i = 0; i < 1024; ++i)
        bench.put32(table + i * 4, i << 12 | 7);
    bench.put32(table + ((data + 0x1000) >> 12) * 4, 0);
    bench.put32(data + 0xFFC, 0xEEEE'EEEE);
    change([](CpuState& s) {
        s.cr3 = directory;
        s.cr0 |= 0x8000'0000;
    });
    const X87State before = bench.cpu.state().x87;
    EXPECT_EQ(exception({0x0F, 0x7F, 0x05, 0xFC, 0x5F, 0x00, 0x00}), page_fault); // movq [5FFC], mm0
    EXPECT_EQ(bench.cpu.state().x87, before);
    EXPECT_EQ(bench.get32(data + 0xFFC), 0xEEEE'EEEEu);
}

// ---- Memory operands

TEST_F(Mmx, MovesGoBothWays) {
    bench.put32(data, 0x4433'2211);
    bench.put32(data + 4, 0x8877'6655);
    bench.put32(data + 0x24, 0xEEEE'EEEE);
    const X87State x87 = run({0x0F, 0x6F, 0x05, 0x00, 0x50, 0x00, 0x00, // movq mm0, [5000]
                              0x0F, 0x7F, 0x05, 0x10, 0x50, 0x00, 0x00, // movq [5010], mm0
                              0x0F, 0x7E, 0x05, 0x20, 0x50, 0x00, 0x00, // movd [5020], mm0
                              0x0F, 0x6E, 0x0D, 0x04, 0x50, 0x00, 0x00, // movd mm1, [5004]
                              0x0F, 0x7F, 0xC2})
                             .x87; // movq mm2, mm0
    EXPECT_EQ(x87.mmx(0), 0x8877'6655'4433'2211u);
    EXPECT_EQ(x87.mmx(1), 0x8877'6655u);
    EXPECT_EQ(x87.mmx(2), x87.mmx(0));
    EXPECT_EQ(bench.get32(data + 0x14), 0x8877'6655u);
    EXPECT_EQ(bench.get32(data + 0x20), 0x4433'2211u);
    EXPECT_EQ(bench.get32(data + 0x24), 0xEEEE'EEEEu);
}
TEST_F(Mmx, UnpackingTheLowHalfReadsFourBytes) {
    change([](CpuState& s) { s.segment[seg_ds].limit = 0x5003; });
    bench.put32(data, 0x4433'2211);
    EXPECT_EQ(run({0x0F, 0x60, 0x05, 0x00, 0x50, 0x00, 0x00}).x87.mmx(0), 0x4400'3300'2200'1100u);
}

// ---- Every instruction of two operands

TEST_F(Mmx, Computes) {
    struct {
        const char* name;
        uint8_t opcode;
        uint64_t a, b, result;
    } const cases[] = {
        {"PUNPCKLBW", 0x60, 0x0706'0504'0302'0100, 0x1716'1514'1312'1110, 0x1303'1202'1101'1000},
        {"PUNPCKLWD", 0x61, 0x0706'0504'0302'0100, 0x1716'1514'1312'1110, 0x1312'0302'1110'0100},
        {"PUNPCKLDQ", 0x62, 0x0706'0504'0302'0100, 0x1716'1514'1312'1110, 0x1312'1110'0302'0100},
        {"PACKSSWB", 0x63, 0x7FFF'8000'0001'FFFF, 0x007F'0080'FF80'FF7F, 0x7F7F'8080'7F80'01FF},
        {"PCMPGTB", 0x64, 0x7F80'0001'FF00'0505, 0x807F'0100'0001'0504, 0xFF00'00FF'0000'00FF},
        {"PCMPGTW", 0x65, 0x7FFF'8000'0001'0000, 0x8000'7FFF'0000'0000, 0xFFFF'0000'FFFF'0000},
        {"PCMPGTD", 0x66, 0x0000'0001'8000'0000, 0xFFFF'FFFF'7FFF'FFFF, 0xFFFF'FFFF'0000'0000},
        {"PACKUSWB", 0x67, 0x7FFF'8000'0001'FFFF, 0x00FF'0100'FF80'0080, 0xFFFF'0080'FF00'0100},
        {"PUNPCKHBW", 0x68, 0x0706'0504'0302'0100, 0x1716'1514'1312'1110, 0x1707'1606'1505'1404},
        {"PUNPCKHWD", 0x69, 0x0706'0504'0302'0100, 0x1716'1514'1312'1110, 0x1716'0706'1514'0504},
        {"PUNPCKHDQ", 0x6A, 0x0706'0504'0302'0100, 0x1716'1514'1312'1110, 0x1716'1514'0706'0504},
        {"PACKSSDW", 0x6B, 0x7FFF'FFFF'8000'0000, 0x0000'7FFF'FFFF'8001, 0x7FFF'8001'7FFF'8000},
        {"PCMPEQB", 0x74, 0x0102'0304'0506'0708, 0x0100'0300'0500'0700, 0xFF00'FF00'FF00'FF00},
        {"PCMPEQW", 0x75, 0x0102'0304'0506'0708, 0x0102'0300'0506'0700, 0xFFFF'0000'FFFF'0000},
        {"PCMPEQD", 0x76, 0x0102'0304'0506'0708, 0x0102'0304'0506'0700, 0xFFFF'FFFF'0000'0000},
        {"PSRLW", 0xD1, 0x8000'7FFF'0001'FFFF, 1, 0x4000'3FFF'0000'7FFF},
        {"PSRLW by 16", 0xD1, ~uint64_t{0}, 16, 0},
        {"PSRLD", 0xD2, 0x8000'0000'FFFF'FFFF, 31, 0x0000'0001'0000'0001},
        {"PSRLQ", 0xD3, 0x8000'0000'0000'0000, 63, 1},
        {"PSRLQ by 2^32", 0xD3, ~uint64_t{0}, uint64_t{1} << 32, 0},
        {"PMULLW", 0xD5, 0x7FFF'8000'0003'FFFF, 0x7FFF'8000'0004'0002, 0x0001'0000'000C'FFFE},
        {"PSUBUSB", 0xD8, 0x1020'3040'5060'7080, 0x2010'4030'6050'8070, 0x0010'0010'0010'0010},
        {"PSUBUSW", 0xD9, 0x1000'2000'0000'FFFF, 0x2000'1000'0001'FFFE, 0x0000'1000'0000'0001},
        {"PAND", 0xDB, 0xFF00'FF00'FF00'FF00, 0x0FF0'0FF0'0FF0'0FF0, 0x0F00'0F00'0F00'0F00},
        {"PADDUSB", 0xDC, 0xFF80'7F01'0000'0000, 0x0180'7F01'0000'0000, 0xFFFF'FE02'0000'0000},
        {"PADDUSW", 0xDD, 0xFFFF'8000'7FFF'0001, 0x0001'8000'7FFF'0001, 0xFFFF'FFFF'FFFE'0002},
        {"PANDN", 0xDF, 0xFF00'FF00'FF00'FF00, 0x0FF0'0FF0'0FF0'0FF0, 0x00F0'00F0'00F0'00F0},
        {"PSRAW", 0xE1, 0x8000'7FFF'FFFF'0001, 1, 0xC000'3FFF'FFFF'0000},
        {"PSRAW by 99", 0xE1, 0x8000'7FFF'FFFF'0001, 99, 0xFFFF'0000'FFFF'0000},
        {"PSRAD", 0xE2, 0x8000'0000'7FFF'FFFF, 31, 0xFFFF'FFFF'0000'0000},
        {"PMULHW", 0xE5, 0x7FFF'8000'0003'FFFF, 0x7FFF'8000'0004'0002, 0x3FFF'4000'0000'FFFF},
        {"PSUBSB", 0xE8, 0x807F'0000'1010'0000, 0x01FF'0000'2020'0000, 0x807F'0000'F0F0'0000},
        {"PSUBSW", 0xE9, 0x8000'7FFF'0001'0000, 0x0001'FFFF'0002'0000, 0x8000'7FFF'FFFF'0000},
        {"POR", 0xEB, 0xFF00'FF00'0000'0000, 0x0FF0'0FF0'0000'0001, 0xFFF0'FFF0'0000'0001},
        {"PADDSB", 0xEC, 0x7F80'01FF'0000'0000, 0x01FF'01FF'0000'0000, 0x7F80'02FE'0000'0000},
        {"PADDSW", 0xED, 0x7FFF'8000'0001'FFFF, 0x0001'FFFF'0001'FFFF, 0x7FFF'8000'0002'FFFE},
        {"PXOR", 0xEF, 0xFF00'FF00'0000'0000, 0x0FF0'0FF0'0000'0001, 0xF0F0'F0F0'0000'0001},
        {"PSLLW", 0xF1, 0x8001'7FFF'0001'FFFF, 1, 0x0002'FFFE'0002'FFFE},
        {"PSLLD", 0xF2, 0x0000'0001'FFFF'FFFF, 31, 0x8000'0000'8000'0000},
        {"PSLLQ", 0xF3, 1, 63, 0x8000'0000'0000'0000},
        {"PSLLQ by 64", 0xF3, ~uint64_t{0}, 64, 0},
        {"PMADDWD", 0xF5, 0x0002'0003'8000'8000, 0x0004'0005'8000'8000, 0x0000'0017'8000'0000},
        {"PSUBB", 0xF8, 0x0000'0000'0102'0304, 0x0100'0000'0101'0105, 0xFF00'0000'0001'02FF},
        {"PSUBW", 0xF9, 0x0000'0000'0102'0304, 0x0001'0000'0101'0305, 0xFFFF'0000'0001'FFFF},
        {"PSUBD", 0xFA, 0x0000'0000'0102'0304, 0x0000'0001'0101'0305, 0xFFFF'FFFF'0000'FFFF},
        {"PADDB", 0xFC, 0xFF01'0203'0000'0000, 0x0101'0101'0000'0000, 0x0002'0304'0000'0000},
        {"PADDW", 0xFD, 0xFFFF'0102'0000'0000, 0x0001'00FE'0000'0000, 0x0000'0200'0000'0000},
        {"PADDD", 0xFE, 0xFFFF'FFFF'0000'0001, 0x0000'0001'0000'0001, 0x0000'0000'0000'0002},
    };
    for (const auto& c : cases)
        EXPECT_EQ(operate(c.opcode, c.a, c.b), c.result) << c.name;
}
TEST_F(Mmx, ShiftsByImmediates) {
    struct {
        const char* name;
        uint8_t opcode, modrm;
        uint64_t result;
    } const cases[] = {
        {"PSRLW", 0x71, 0xD1, 0x0800'0FFF'0000'0012}, {"PSRAW", 0x71, 0xE1, 0xF800'FFFF'0000'0012},
        {"PSLLW", 0x71, 0xF1, 0x0000'FFF0'0000'1230}, {"PSRLD", 0x72, 0xD1, 0x0800'0FFF'0000'0012},
        {"PSRAD", 0x72, 0xE1, 0xF800'0FFF'0000'0012}, {"PSLLD", 0x72, 0xF1, 0x000F'FFF0'0000'1230},
        {"PSRLQ", 0x73, 0xD1, 0x0800'0FFF'F000'0012}, {"PSLLQ", 0x73, 0xF1, 0x000F'FFF0'0000'1230}};
    constexpr uint64_t operand = 0x8000'FFFF'0000'0123;
    for (const auto& c : cases) {
        restart();
        change([](CpuState& s) { s.x87.set_mmx(1, operand); });
        EXPECT_EQ(run({0x0F, c.opcode, c.modrm, 4}).x87.mmx(1), c.result) << c.name;
    }
}

} // namespace
} // namespace fixpoint::models
