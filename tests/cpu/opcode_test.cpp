// Which encodings a P6 has: what is undefined, where LOCK may stand, what prefixes do, and the encodings that
// later processors read otherwise (SDM vol. 2, chapter 2 and appendix A).
#include "tests/cpu/cpu_bench.hpp"

#include "models/cpu/flags.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

constexpr uint32_t code = CpuBench::code_address, data = 0x20'0000;
constexpr int invalid_opcode = 6, protection = 13, no_exception = -1;

class Opcodes : public testing::Test {
protected:
    Opcodes() { bench.install_tables(); }
    // The vector that `bytes` raise, or none: the HLT behind them was reached.
    int outcome(const std::vector<uint8_t>& bytes) {
        CpuState s = CpuBench::flat_state();
        s.general[reg_ebx] = s.general[reg_esi] = s.general[reg_edi] = data;
        s.general[reg_eax] = s.general[reg_ecx] = 1;
        bench.cpu.set_state(s);
        bench.put(code, std::span{bytes});
        bench.put(code + static_cast<uint32_t>(bytes.size()), {0xF4});
        bench.cpu.snoop_write(code, static_cast<uint32_t>(bytes.size()) + 1);
        const CpuState end = bench.run();
        return end.eip == code + bytes.size() + 1 ? no_exception : bench.halted_in();
    }
    static uint8_t modrm(unsigned mod, unsigned reg, unsigned rm) {
        return static_cast<uint8_t>(mod << 6 | reg << 3 | rm);
    }

    CpuBench bench;
};

TEST_F(Opcodes, LockIsForReadModifyWriteOfMemory) {
    // By opcode and the extensions in ModRM.reg that may be locked, a bit each.
    struct Lockable {
        std::vector<uint8_t> opcode;
        unsigned extensions;
        unsigned immediate_bytes;
    };
    const Lockable lockable[] = {
        {{0x00}, 0xFF, 0},       {{0x01}, 0xFF, 0},       {{0x08}, 0xFF, 0},       {{0x09}, 0xFF, 0},
        {{0x10}, 0xFF, 0},       {{0x11}, 0xFF, 0},       {{0x18}, 0xFF, 0},       {{0x19}, 0xFF, 0},
        {{0x20}, 0xFF, 0},       {{0x21}, 0xFF, 0},       {{0x28}, 0xFF, 0},       {{0x29}, 0xFF, 0},
        {{0x30}, 0xFF, 0},       {{0x31}, 0xFF, 0},       {{0x38}, 0x00, 0},       {{0x39}, 0x00, 0},
        {{0x02}, 0x00, 0},       {{0x03}, 0x00, 0},       {{0x80}, 0x7F, 1},       {{0x81}, 0x7F, 4},
        {{0x82}, 0x7F, 1},       {{0x83}, 0x7F, 1},       {{0x84}, 0x00, 0},       {{0x86}, 0xFF, 0},
        {{0x87}, 0xFF, 0},       {{0x88}, 0x00, 0},       {{0x89}, 0x00, 0},       {{0xC0}, 0x00, 1},
        {{0xD1}, 0x00, 0},       {{0xF6}, 0x0C, 0},       {{0xF7}, 0x0C, 0},       {{0xFE}, 0x03, 0},
        {{0xFF}, 0x03, 0},       {{0x0F, 0xA3}, 0x00, 0}, {{0x0F, 0xAB}, 0xFF, 0}, {{0x0F, 0xB3}, 0xFF, 0},
        {{0x0F, 0xBB}, 0xFF, 0}, {{0x0F, 0xBA}, 0xE0, 1}, {{0x0F, 0xB0}, 0xFF, 0}, {{0x0F, 0xB1}, 0xFF, 0},
        {{0x0F, 0xC0}, 0xFF, 0}, {{0x0F, 0xC1}, 0xFF, 0}, {{0x0F, 0xC7}, 0x02, 0}, {{0x0F, 0xA5}, 0x00, 0}};
    for (const Lockable& l : lockable)
        for (unsigned reg = 0; reg < 8; ++reg)
            for (const bool memory : {true, false}) {
                std::vector<uint8_t> bytes{0xF0};
                bytes.insert(bytes.end(), l.opcode.begin(), l.opcode.end());
                bytes.push_back(modrm(memory ? 0 : 3, reg, reg_ebx));
                bytes.insert(bytes.end(), l.immediate_bytes, 1);
                const bool legal = memory && (l.extensions >> reg & 1) != 0;
                EXPECT_EQ(outcome(bytes), legal ? no_exception : invalid_opcode)
                    << std::hex << unsigned{l.opcode.back()} << '/' << reg
                    << (memory ? " memory" : " register");
            }
}
TEST_F(Opcodes, LockIsForNothingElse) {
    for (const auto& bytes : {std::vector<uint8_t>{0xF0, 0x90},
                              {0xF0, 0x40},
                              {0xF0, 0x50},
                              {0xF0, 0xA4},
                              {0xF0, 0xF3, 0xAB},
                              {0xF0, 0xEB, 0x00},
                              {0xF0, 0xE8, 0, 0, 0, 0},
                              {0xF0, 0xC3},
                              {0xF0, 0xCD, 0x20},
                              {0xF0, 0x91},
                              {0xF0, 0x0F, 0x20, 0xC0},
                              {0xF0, 0x0F, 0x22, 0xC0},
                              {0xF0, 0x0F, 0xA2},
                              {0xF0, 0x0F, 0x1F, 0x03},
                              {0xF0, 0xFA},
                              {0xF0, 0x8D, 0x03},
                              {0xF0, 0x8F, 0x03}})
        EXPECT_EQ(outcome(bytes), invalid_opcode) << std::hex << unsigned{bytes[1]};
}
TEST_F(Opcodes, UndefinedExtensions) {
    struct Group {
        std::vector<uint8_t> opcode;
        unsigned memory, registers; // extensions that exist, a bit each
    };
    for (const Group& g :
         {Group{{0x8F}, 0x01, 0x01}, Group{{0xC6}, 0x01, 0x01}, Group{{0xC7}, 0x01, 0x01},
          Group{{0xFE}, 0x03, 0x03}, Group{{0xFF}, 0x7F, 0x57}, Group{{0x0F, 0x00}, 0x3F, 0x3F},
          Group{{0x0F, 0x01}, 0xDF, 0x50}, Group{{0x0F, 0xBA}, 0xF0, 0xF0}, Group{{0x0F, 0xC7}, 0x02, 0x00}})
        for (unsigned reg = 0; reg < 8; ++reg)
            for (const unsigned mod : {0u, 3u}) {
                std::vector<uint8_t> bytes = g.opcode;
                bytes.push_back(modrm(mod, reg, reg_ebx));
                bench.put32(data, code + 2); // where the near transfers of FF go: behind themselves
                const bool exists = ((mod == 0 ? g.memory : g.registers) >> reg & 1) != 0;
                EXPECT_EQ(outcome(bytes) == invalid_opcode, !exists)
                    << std::hex << unsigned{g.opcode.back()} << '/' << reg << " mod " << mod;
            }
}
TEST_F(Opcodes, UndefinedOnAP6) {
    for (const auto& bytes : {std::vector<uint8_t>{0x0F, 0x04},
                              {0x0F, 0x05},
                              {0x0F, 0x07},
                              {0x0F, 0x0A},
                              {0x0F, 0x0B},
                              {0x0F, 0x0C},
                              {0x0F, 0x0D, 0x03},
                              {0x0F, 0x0E},
                              {0x0F, 0x24, 0xC0},
                              {0x0F, 0x26, 0xC0},
                              {0x0F, 0x37},
                              {0x0F, 0x38, 0xF0, 0x03},
                              {0x0F, 0x3A, 0x0F, 0xC0, 0x00},
                              {0x0F, 0xA6, 0xC0},
                              {0x0F, 0xA7, 0xC0},
                              {0x0F, 0xAA},
                              {0x0F, 0xB8, 0x03},
                              {0xF3, 0x0F, 0xB8, 0xC3},
                              {0x0F, 0xB9, 0xC0},
                              {0x0F, 0xFF, 0xC0},
                              {0x0F, 0x01, 0xC1},
                              {0x0F, 0x01, 0xD0},
                              {0x0F, 0x01, 0xF9},
                              {0x0F, 0xC7, 0xF0},
                              {0xC7, 0xF8, 0, 0, 0, 0},
                              {0xC6, 0xF8, 0},
                              {0x8D, 0xC0},
                              {0x62, 0xC0},
                              {0x0F, 0x20, 0xC8},
                              {0x0F, 0x20, 0xE8},
                              {0x0F, 0x22, 0xC8}})
        EXPECT_EQ(outcome(bytes), invalid_opcode)
            << std::hex << unsigned{bytes[0]} << ' ' << unsigned{bytes[1]};
}
TEST_F(Opcodes, VexEvexAndXopBytesAreWhatTheyWere) {
    bench.put32(data, 0x1234);
    bench.put32(data + 4, CpuBench::kernel_data);
    EXPECT_EQ(outcome({0xC4, 0x03}), no_exception); // les eax, [ebx]
    EXPECT_EQ(outcome({0xC5, 0x03}), no_exception); // lds
    bench.put32(data, 0);
    EXPECT_EQ(outcome({0x62, 0x03}), no_exception); // bound
    EXPECT_EQ(outcome({0x8F, 0xC0}), no_exception); // pop eax
    for (const uint8_t opcode : {uint8_t{0xC4}, uint8_t{0xC5}, uint8_t{0x62}})
        EXPECT_EQ(outcome({opcode, 0xF8, 0x77, 0x00, 0x00, 0x00}), invalid_opcode);
    EXPECT_EQ(outcome({0x8F, 0xE9, 0x78, 0x12, 0xC8}), invalid_opcode);
}
TEST_F(Opcodes, UndefinedOnesAreWithinTheLimitOfTheCodeSegmentOrAProtectionFault) {
    const std::vector<uint8_t> undefined[] = {{0x0F, 0x04},       {0x66, 0x0F, 0x24}, {0x0F, 0x0B},
                                              {0xC4, 0xC0},       {0xC5, 0xF8},       {0x62, 0xF1},
                                              {0x2E, 0x8F, 0xE9}, {0x0F, 0xC7, 0xC8}, {0xFE, 0xFF}};
    for (const std::vector<uint8_t>& bytes : undefined)
        for (uint32_t within = 1; within <= bytes.size(); ++within) {
            CpuState s = CpuBench::flat_state();
            s.segment[seg_cs].limit = code + within - 1;
            bench.cpu.set_state(s);
            bench.put(code, std::span{bytes});
            bench.cpu.snoop_write(code, static_cast<uint32_t>(bytes.size()));
            bench.run();
            EXPECT_EQ(bench.halted_in(), within == bytes.size() ? invalid_opcode : protection)
                << std::hex << unsigned{bytes[0]} << ", " << within << " bytes within the limit";
        }
}
TEST_F(Opcodes, UndocumentedOnesThatExist) {
    bench.put32(data, 0x80);
    EXPECT_EQ(outcome({0xD6}), no_exception);                   // salc
    EXPECT_EQ(outcome({0xD0, 0x33}), no_exception);             // sal, as /4
    EXPECT_EQ(outcome({0xC1, 0xF3, 0x02}), no_exception);       // sal ebx, 2
    EXPECT_EQ(outcome({0xF6, 0x0B, 0x01}), no_exception);       // test, as /0
    EXPECT_EQ(outcome({0xF7, 0xCB, 1, 0, 0, 0}), no_exception); // test ebx
    EXPECT_EQ(outcome({0x82, 0xC0, 0x05}), no_exception);       // add al, as 80
    EXPECT_EQ(outcome({0xD4, 0x07}), no_exception);             // aam to base 7
    EXPECT_EQ(outcome({0xF1}), 1);                              // int1
}
TEST_F(Opcodes, SixthShiftIsALeftShift) {
    outcome({0xB3, 0x41, 0xC0, 0xF3, 0x02});
    EXPECT_EQ(bench.cpu.state().general[reg_ebx] & 0xFF, 0x04u);
}
TEST_F(Opcodes, HintsAreLongNops) {
    for (uint8_t opcode = 0x18; opcode <= 0x1F; ++opcode)
        for (const uint8_t prefix : {uint8_t{0x66}, uint8_t{0xF2}, uint8_t{0xF3}, uint8_t{0x3E}}) {
            EXPECT_EQ(outcome({prefix, 0x0F, opcode, 0x83, 0, 0, 0, 0}), no_exception) << unsigned{opcode};
            EXPECT_EQ(outcome({prefix, 0x0F, opcode, 0xC3}), no_exception) << unsigned{opcode};
        }
}
TEST_F(Opcodes, HintsTouchNoMemory) {
    CpuState s = CpuBench::flat_state();
    s.segment[seg_ds].limit = 0;
    bench.cpu.set_state(s);
    bench.code({0x0F, 0x18, 0x05, 0xFF, 0xFF, 0xFF, 0x7F, 0xF4});
    EXPECT_EQ(bench.run().eip, code + 8);
}
TEST_F(Opcodes, PrefixesWithoutMeaningAreIgnored) {
    for (const auto& bytes : {std::vector<uint8_t>{0xF3, 0x90}, // a NOP, not PAUSE
                              {0xF3, 0x40},
                              {0xF2, 0x01, 0xD8},
                              {0xF3, 0x0F, 0xBC, 0xC3}, // BSF, not TZCNT
                              {0xF3, 0x0F, 0xBD, 0xC3}, // BSR, not LZCNT
                              {0xF2, 0xEB, 0x00},
                              {0x2E, 0x74, 0x00},
                              {0x66, 0x0F, 0xC7, 0x0B},
                              {0x66, 0x0F, 0x20, 0xC0},
                              {0xF3, 0x0F, 0xA2},
                              {0x67, 0x66, 0x2E, 0x90}})
        EXPECT_EQ(outcome(bytes), no_exception)
            << std::hex << unsigned{bytes[0]} << ' ' << unsigned{bytes[1]};
}
TEST_F(Opcodes, BsfUnderRepeatGivesTheIndexOfABitNotACount) {
    bench.code({0xF3, 0x0F, 0xBD, 0xC3, 0xF4});
    CpuState s = CpuBench::flat_state();
    s.general[reg_ebx] = 0x100;
    bench.cpu.set_state(s);
    EXPECT_EQ(bench.run().general[reg_eax], 8u);
}
TEST_F(Opcodes, MovWithControlRegistersIgnoresMod) {
    // mod 0, r/m 5 would be followed by a displacement
    EXPECT_EQ(outcome({0x0F, 0x20, 0x05}), no_exception);
    EXPECT_EQ(outcome({0x0F, 0x21, 0x44}), no_exception);
}
TEST_F(Opcodes, FifteenBytesAreTheLongest) {
    for (const size_t length : {size_t{15}, size_t{16}}) {
        std::vector<uint8_t> bytes(length, 0x66);
        bytes.back() = 0x90;
        EXPECT_EQ(outcome(bytes), length == 15 ? no_exception : 13);
    }
}
TEST_F(Opcodes, LengthIsCheckedBeforeTheOpcode) {
    std::vector<uint8_t> bytes(16, 0x2E);
    bytes[14] = 0x0F;
    bytes[15] = 0x0B;
    EXPECT_EQ(outcome(bytes), 13);
}
TEST_F(Opcodes, FarTransfersNeedMemory) {
    EXPECT_EQ(outcome({0xFF, 0xD8}), invalid_opcode);
    EXPECT_EQ(outcome({0xFF, 0xEB}), invalid_opcode);
}

} // namespace
} // namespace fixpoint::models
