// Which instructions the kernel carries out for user level, how long they are and what they address.
#include "kernel-model/arch/instruction.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace {

using kernel::Instruction;
using Kind = Instruction::Kind;

constexpr kernel::GeneralRegisters registers{
    {0x10000, 0x200, 0x1230300, 0x40000, 0x500000, 0x600, 0xFFFFFFF0, 0x8}};
constexpr uint32_t eax = registers.value[0], ecx = registers.value[1], ebx = registers.value[3],
                   esp = registers.value[4], ebp = registers.value[5], esi = registers.value[6],
                   edi = registers.value[7];

struct Code {
    std::vector<uint8_t> bytes;
    size_t taken = 0;

    bool next(uint8_t& byte) {
        if (taken == bytes.size())
            return false;
        byte = bytes[taken++];
        return true;
    }
};

struct Decoded {
    bool complete;
    Instruction instruction;
};
Decoded decode(std::vector<uint8_t> bytes) {
    Code code{std::move(bytes)};
    Decoded result{};
    result.complete = kernel::InstructionDecoder(code, registers).decode(result.instruction);
    return result;
}

void expect_lidt(std::vector<uint8_t> bytes, uint32_t address) {
    const size_t length = bytes.size();
    const Decoded decoded = decode(std::move(bytes));
    EXPECT_TRUE(decoded.complete);
    EXPECT_EQ(decoded.instruction.kind, Kind::load_idt);
    EXPECT_EQ(decoded.instruction.length, length);
    EXPECT_EQ(decoded.instruction.address, address);
}

TEST(InstructionDecoder, LidtWith32BitAddresses) {
    expect_lidt({0x0F, 0x01, 0x18}, eax);
    expect_lidt({0x0F, 0x01, 0x1F}, edi);
    expect_lidt({0x0F, 0x01, 0x1D, 0x78, 0x56, 0x34, 0x12}, 0x12345678);
    expect_lidt({0x0F, 0x01, 0x5D, 0xFC}, ebp - 4);
    expect_lidt({0x0F, 0x01, 0x99, 0x00, 0x00, 0x00, 0x80}, ecx + 0x80000000u);
}

TEST(InstructionDecoder, LidtWithScaledIndex) {
    expect_lidt({0x0F, 0x01, 0x1C, 0x24}, esp);                                      // no index
    expect_lidt({0x0F, 0x01, 0x1C, 0x8B}, ebx + 4 * ecx);                            // base and index
    expect_lidt({0x0F, 0x01, 0x1C, 0xCD, 0x00, 0x10, 0x00, 0x00}, 8 * ecx + 0x1000); // no base
    expect_lidt({0x0F, 0x01, 0x1C, 0x25, 0x00, 0x10, 0x00, 0x00}, 0x1000);           // neither
    expect_lidt({0x0F, 0x01, 0x5C, 0x6D, 0x7F}, ebp + 2 * ebp + 0x7F);
    expect_lidt({0x0F, 0x01, 0x9C, 0x34, 0x00, 0x00, 0x00, 0x01}, esp + esi + 0x01000000);
}

TEST(InstructionDecoder, LidtWith16BitAddresses) {
    expect_lidt({0x67, 0x0F, 0x01, 0x1E, 0x34, 0x12}, 0x1234);
    expect_lidt({0x67, 0x0F, 0x01, 0x18}, (ebx + esi) & 0xFFFF);
    expect_lidt({0x67, 0x0F, 0x01, 0x1B}, (ebp + edi) & 0xFFFF);
    expect_lidt({0x67, 0x0F, 0x01, 0x5E, 0x80}, (ebp - 128) & 0xFFFF);
    expect_lidt({0x67, 0x0F, 0x01, 0x9C, 0xFF, 0xFF}, (esi - 1) & 0xFFFF);
    expect_lidt({0x67, 0x0F, 0x01, 0x1F}, ebx & 0xFFFF);
}

TEST(InstructionDecoder, PrefixesCountAndSegmentsAreFlat) {
    expect_lidt({0x2E, 0x66, 0xF3, 0x0F, 0x01, 0x18}, eax);
    EXPECT_TRUE(decode({0x2E, 0x66, 0xF3, 0x0F, 0x01, 0x18}).instruction.short_operands);
    EXPECT_FALSE(decode({0x65, 0x0F, 0x01, 0x18}).instruction.short_operands);
}

TEST(InstructionDecoder, OtherFormsOfTheSameOpcodeAreNot) {
    for (const uint8_t modrm : std::initializer_list<uint8_t>{
             0xD8, 0x00, 0x10, 0x20, 0x38}) // LIDT of a register; SGDT, LGDT, SMSW, INVLPG
        EXPECT_EQ(decode({0x0F, 0x01, modrm}).instruction.kind, Kind::other);
    EXPECT_EQ(decode({0x0F, 0x22, 0xC0}).instruction.kind, Kind::other); // MOV CR0
    EXPECT_EQ(decode({0xFA}).instruction.kind, Kind::other);             // CLI
}

TEST(InstructionDecoder, HaltAndWbinvd) {
    EXPECT_EQ(decode({0xF4}).instruction.kind, Kind::halt);
    EXPECT_EQ(decode({0xF4}).instruction.length, 1);
    EXPECT_EQ(decode({0x0F, 0x09}).instruction.kind, Kind::flush_caches);
    EXPECT_EQ(decode({0x0F, 0x09}).instruction.length, 2);
}

void expect_segment(std::vector<uint8_t> bytes, unsigned segment, unsigned popped) {
    const size_t length = bytes.size();
    const Decoded decoded = decode(std::move(bytes));
    EXPECT_EQ(decoded.instruction.kind, Kind::load_segment);
    EXPECT_EQ(decoded.instruction.segment, segment);
    EXPECT_EQ(decoded.instruction.popped, popped);
    EXPECT_EQ(decoded.instruction.length, length);
}

TEST(InstructionDecoder, SegmentLoads) {
    expect_segment({0x07}, 0, 4);
    expect_segment({0x17}, 2, 4);
    expect_segment({0x1F}, 3, 4);
    expect_segment({0x0F, 0xA1}, 4, 4);
    expect_segment({0x0F, 0xA9}, 5, 4);
    expect_segment({0x66, 0x07}, 0, 2);
    expect_segment({0x8E, 0xD8}, 3, 0);
    expect_segment({0x8E, 0x25, 0x00, 0x10, 0x00, 0x00}, 4, 0);
    EXPECT_EQ(decode({0x8E, 0xC8}).instruction.kind, Kind::other); // MOV CS does not exist
    EXPECT_EQ(decode({0x8E, 0xF0}).instruction.kind, Kind::other); // nor does segment 6
}

void expect_port(std::vector<uint8_t> bytes, unsigned port, unsigned count) {
    const size_t length = bytes.size();
    const Decoded decoded = decode(std::move(bytes));
    EXPECT_EQ(decoded.instruction.kind, Kind::port);
    EXPECT_EQ(decoded.instruction.port, port);
    EXPECT_EQ(1u << decoded.instruction.log2_bytes, count);
    EXPECT_EQ(decoded.instruction.length, length);
}

TEST(InstructionDecoder, PortInstructions) {
    constexpr unsigned dx = registers.value[2] & 0xFFFF;
    for (const uint8_t direction : std::initializer_list<uint8_t>{0, 2}) {
        expect_port({static_cast<uint8_t>(0xE4 + direction), 0xE9}, 0xE9, 1);
        expect_port({static_cast<uint8_t>(0xE5 + direction), 0xE9}, 0xE9, 4);
        expect_port({0x66, static_cast<uint8_t>(0xE5 + direction), 0xE9}, 0xE9, 2);
        expect_port({0x66, static_cast<uint8_t>(0xE4 + direction), 0xE9}, 0xE9, 1);
        expect_port({static_cast<uint8_t>(0xEC + direction)}, dx, 1);
        expect_port({static_cast<uint8_t>(0xED + direction)}, dx, 4);
        expect_port({static_cast<uint8_t>(0x6C + direction)}, dx, 1);
        expect_port({0xF3, 0x66, static_cast<uint8_t>(0x6D + direction)}, dx, 2);
        expect_port({0x66, 0xF3, static_cast<uint8_t>(0x6D + direction)}, dx, 2);
    }
}

TEST(InstructionDecoder, StopsWhereAByteCannotBeHad) {
    for (const std::vector<uint8_t>& whole : std::initializer_list<std::vector<uint8_t>>{
             {0x66, 0x0F, 0x01, 0x9C, 0x34, 1, 2, 3, 4}, {0xE4, 0xE9}, {0x8E, 0x25, 1, 2, 3, 4}})
        for (size_t bytes = 0; bytes < whole.size(); ++bytes)
            EXPECT_FALSE(decode({whole.begin(), whole.begin() + static_cast<long>(bytes)}).complete) << bytes;
}

TEST(InstructionDecoder, TakesAtMostFifteenBytes) {
    const std::vector<uint8_t> prefixes(20, 0x66);
    Code code{prefixes};
    Instruction instruction;
    EXPECT_TRUE(kernel::InstructionDecoder(code, registers).decode(instruction));
    EXPECT_EQ(instruction.kind, Kind::other);
    EXPECT_EQ(code.taken, 15u);
}

} // namespace
