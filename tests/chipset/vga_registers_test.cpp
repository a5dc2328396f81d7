#include "tests/chipset/vga_fixtures.hpp"

namespace fixpoint::models {
namespace {

using VgaRegistersTest = VgaTest;

TEST_F(VgaRegistersTest, TheMiscellaneousRegisterIsReadAtAnotherPort) {
    out(0x3C2, 0xE3);
    EXPECT_EQ(in(0x3CC), 0xE3);
}

TEST_F(VgaRegistersTest, AColourAdapterAnswersAt3DxOnly) {
    out(0x3D4, 0x0C);
    EXPECT_EQ(in(0x3D4), 0x0C);
    out(0x3B4, 0x05);
    EXPECT_EQ(in(0x3B4), 0xFF);
    EXPECT_EQ(in(0x3BA), 0xFF);
    EXPECT_EQ(in(0x3D4), 0x0C);
}

TEST_F(VgaRegistersTest, AMonochromeAdapterAnswersAt3BxOnly) {
    out(0x3C2, 0x66);
    out(0x3B4, 0x0A);
    EXPECT_EQ(in(0x3B5), 0x0D);
    EXPECT_NE(in(0x3BA), 0xFF);
    EXPECT_EQ(in(0x3D5), 0xFF);
    EXPECT_EQ(in(0x3DA), 0xFF);
}

TEST_F(VgaRegistersTest, ReservedBitsReadAsZero) {
    set(sequencer, 2, 0xFF);
    EXPECT_EQ(get(sequencer, 2), 0x0F);
    set(graphics, 5, 0xFF);
    EXPECT_EQ(get(graphics, 5), 0x7B);
    set_attribute(0x03, 0xFF);
    in(status);
    out(attribute, 0x03);
    EXPECT_EQ(in(0x3C1), 0x3F);
    out(0x3C2, 0xFF);
    EXPECT_EQ(in(0x3CC), 0xEF);
}

TEST_F(VgaRegistersTest, RegistersThatDoNotExistReadAsZeroAndKeepNothing) {
    set(sequencer, 6, 0xFF);
    EXPECT_EQ(get(sequencer, 6), 0);
    set(crt, 0x1A, 0xFF);
    EXPECT_EQ(get(crt, 0x1A), 0);
}

TEST_F(VgaRegistersTest, TheAttributePortTakesIndexAndDataInTurn) {
    in(status);
    out(attribute, 0x31);
    out(attribute, 0x15); // overscan
    EXPECT_EQ(in(attribute), 0x31);
    EXPECT_EQ(in(0x3C1), 0x15);
    out(attribute, 0x32); // an index again
    EXPECT_EQ(in(0x3C1), 0x0F);
}

TEST_F(VgaRegistersTest, ReadingTheStatusStartsTheAttributePortAnew) {
    in(status);
    out(attribute, 0x31);
    in(status);
    out(attribute, 0x34); // without the read this were the overscan colour
    out(attribute, 0x05);
    EXPECT_EQ(in(0x3C1), 0x05);
    in(status);
    out(attribute, 0x31);
    EXPECT_EQ(in(0x3C1), 0x00);
}

TEST_F(VgaRegistersTest, TheWriteProtectCoversTheFirstEightCrtRegisters) {
    ASSERT_EQ(get(crt, 0x11) & 0x80, 0x80);
    for (unsigned index = 0; index < 7; ++index) {
        const uint8_t before = get(crt, index);
        set(crt, index, before ^ 0xFF);
        EXPECT_EQ(get(crt, index), before) << index;
    }
    set(crt, 0x0C, 0x12);
    EXPECT_EQ(get(crt, 0x0C), 0x12);
}

TEST_F(VgaRegistersTest, TheWriteProtectLeavesTheLineCompareBitAlone) {
    ASSERT_EQ(get(crt, 7), 0x1F);
    set(crt, 7, 0xE0);
    EXPECT_EQ(get(crt, 7), 0x0F);
    set(crt, 7, 0x10);
    EXPECT_EQ(get(crt, 7), 0x1F);
}

TEST_F(VgaRegistersTest, WithoutTheWriteProtectAllCrtRegistersCanBeWritten) {
    set(crt, 0x11, 0x0E);
    set(crt, 7, 0xE0);
    EXPECT_EQ(get(crt, 7), 0xE0);
    set(crt, 0, 0x2D);
    EXPECT_EQ(get(crt, 0), 0x2D);
}

TEST_F(VgaRegistersTest, FeatureControlIsReadAtAnotherPort) {
    out(0x3DA, 0xFF);
    EXPECT_EQ(in(0x3CA), 0x08);
}

TEST_F(VgaRegistersTest, PowerOnLeavesNoMode) {
    vga.power_cycle(0);
    EXPECT_EQ(in(0x3CC), 0);
    EXPECT_EQ(in(0x3D4), 0xFF) << "a monochrome adapter until told otherwise";
    EXPECT_EQ(get(sequencer, 0), 0);
    EXPECT_EQ(get(graphics, 6), 0);
}

TEST_F(VgaRegistersTest, AResetKeepsTheMemory) {
    set_planar();
    poke(graphics_window, 0x5A);
    vga.reset(0);
    EXPECT_EQ(in(0x3CC), 0);
    out(0x3C2, 0x67);
    set(graphics, 6, 0x05);
    EXPECT_EQ(peek(graphics_window), 0x5A);
}

// --- Palette -----------------------------------------------------------------------------------------------

TEST_F(VgaRegistersTest, PaletteComponentsFollowOneAnother) {
    out(0x3C8, 0x10);
    for (const unsigned component : {1u, 2u, 3u, 4u, 5u, 6u})
        out(0x3C9, component);
    EXPECT_EQ(in(0x3C8), 0x12);
    out(0x3C7, 0x10);
    for (const unsigned component : {1u, 2u, 3u, 4u, 5u, 6u})
        EXPECT_EQ(in(0x3C9), component);
}

TEST_F(VgaRegistersTest, PaletteComponentsHaveSixBits) {
    out(0x3C8, 0xFF);
    for (unsigned component = 0; component < 3; ++component)
        out(0x3C9, 0xFF);
    out(0x3C7, 0xFF);
    for (unsigned component = 0; component < 3; ++component)
        EXPECT_EQ(in(0x3C9), 0x3F);
}

TEST_F(VgaRegistersTest, ThePaletteStateTellsReadingFromWriting) {
    out(0x3C7, 0);
    EXPECT_EQ(in(0x3C7), 3);
    out(0x3C8, 0);
    EXPECT_EQ(in(0x3C7), 0);
}

TEST_F(VgaRegistersTest, ANewPaletteIndexStartsWithRed) {
    out(0x3C8, 5);
    out(0x3C9, 0x11);
    out(0x3C8, 5);
    for (const unsigned component : {0x22u, 0x23u, 0x24u})
        out(0x3C9, component);
    out(0x3C7, 5);
    EXPECT_EQ(in(0x3C9), 0x22);
}

TEST_F(VgaRegistersTest, AColourIsStoredWithItsLastComponent) {
    out(0x3C8, 5);
    for (const unsigned component : {1u, 2u, 3u, 4u, 5u}) // colour 6 is left incomplete
        out(0x3C9, component);
    out(0x3C7, 5);
    for (const unsigned component : {1u, 2u, 3u, 42u, 42u, 0u}) // colour 6: as the BIOS set it
        EXPECT_EQ(in(0x3C9), component);
}

TEST_F(VgaRegistersTest, ThePixelMaskIsAllOnesInTextMode) {
    EXPECT_EQ(in(0x3C6), 0xFF);
    out(0x3C6, 0x0F);
    EXPECT_EQ(in(0x3C6), 0x0F);
}

} // namespace
} // namespace fixpoint::models
