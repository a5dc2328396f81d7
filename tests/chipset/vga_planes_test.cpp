#include "tests/chipset/vga_fixtures.hpp"

namespace fixpoint::models {
namespace {

class VgaPlanesTest : public VgaTest {
protected:
    VgaPlanesTest() { set_planar(); }
    static constexpr uint32_t at = graphics_window + 0x123;

    // Bytes of planes 3 to 0, by write mode 0 and the map mask.
    void fill(uint32_t address, uint32_t bytes) {
        for (unsigned plane = 0; plane < 4; ++plane) {
            set(sequencer, 2, 1u << plane);
            poke(address, bytes >> 8 * plane & 0xFF);
        }
        set(sequencer, 2, 0x0F);
    }
};

TEST_F(VgaPlanesTest, AWriteGoesToThePlanesOfTheMapMask) {
    set(sequencer, 2, 0x05);
    poke(at, 0xA5);
    EXPECT_EQ(planes(at), 0x00A5'00A5u);
}

TEST_F(VgaPlanesTest, AReadIsOfThePlaneOfTheReadMap) {
    fill(at, 0x4433'2211);
    set(graphics, 4, 2);
    EXPECT_EQ(peek(at), 0x33);
}

TEST_F(VgaPlanesTest, WriteMode0RotatesTheByteToTheRight) {
    set(graphics, 3, 0x03);
    poke(at, 0x0D);
    EXPECT_EQ(planes(at), 0xA1A1'A1A1u);
}

TEST_F(VgaPlanesTest, WriteMode0TakesEnabledPlanesFromSetReset) {
    set(graphics, 0, 0x06);
    set(graphics, 1, 0x0C);
    poke(at, 0x3C);
    EXPECT_EQ(planes(at), 0x00FF'3C3Cu);
}

TEST_F(VgaPlanesTest, TheFunctionCombinesTheByteWithTheLatches) {
    constexpr uint32_t latched = 0xFC00'0838, byte = 0x0C0C'0C0C;
    struct Case {
        unsigned function;
        uint32_t result;
    };
    for (const Case& c :
         {Case{0x08, latched & byte}, Case{0x10, latched | byte}, Case{0x18, latched ^ byte}}) {
        set(graphics, 3, 0x00);
        fill(at, latched);
        set(graphics, 3, c.function);
        peek(at);
        poke(at, 0x0C);
        EXPECT_EQ(planes(at), c.result) << c.function;
    }
}

TEST_F(VgaPlanesTest, BitsOutsideTheMaskComeFromTheLatches) {
    fill(at, 0x1122'3344);
    fill(at + 1, 0xFFFF'FFFF);
    peek(at);
    set(graphics, 8, 0x0F);
    poke(at + 1, 0xAA);
    EXPECT_EQ(planes(at + 1), 0x1A2A'3A4Au);
}

TEST_F(VgaPlanesTest, WriteMode1CopiesTheLatches) {
    fill(at, 0x1122'3344);
    peek(at);
    set(graphics, 5, 0x01);
    set(graphics, 8, 0x00); // not looked at
    poke(at + 7, 0xFF);
    EXPECT_EQ(planes(at + 7), 0x1122'3344u);
}

TEST_F(VgaPlanesTest, WriteMode2FillsPlanesByTheBitsOfTheByte) {
    fill(at, 0x1122'3344);
    peek(at);
    set(graphics, 5, 0x02);
    set(graphics, 8, 0xF0);
    poke(at, 0x0A);
    EXPECT_EQ(planes(at), 0xF102'F304u);
}

TEST_F(VgaPlanesTest, WriteMode3MasksSetResetWithTheRotatedByte) {
    fill(at, 0x1122'3344);
    peek(at);
    set(graphics, 0, 0x03);
    set(graphics, 3, 0x04);
    set(graphics, 5, 0x03);
    set(graphics, 8, 0x3F);
    poke(at, 0xFC); // rotated CF, masked 0F
    EXPECT_EQ(planes(at), 0x1020'3F4Fu);
}

TEST_F(VgaPlanesTest, ReadMode1ComparesColours) {
    fill(at, 0xF0CC'AAFFu);
    set(graphics, 5, 0x08);
    set(graphics, 7, 0x0F);
    set(graphics, 2, 0x09); // plane 0 and 3 set, 1 and 2 not
    EXPECT_EQ(peek(at), 0xFF & 0xF0 & ~0xCC & ~0xAA & 0xFF);
}

TEST_F(VgaPlanesTest, ReadMode1LeavesOutPlanesThatAreNotCaredFor) {
    fill(at, 0xF0CC'AAFFu);
    set(graphics, 5, 0x08);
    set(graphics, 2, 0x08);
    set(graphics, 7, 0x08);
    EXPECT_EQ(peek(at), 0xF0);
    set(graphics, 7, 0x00);
    EXPECT_EQ(peek(at), 0xFF);
}

TEST_F(VgaPlanesTest, ReadMode1TakesTheLatchesToo) {
    fill(at, 0x1122'3344);
    set(graphics, 5, 0x08);
    peek(at);
    set(graphics, 5, 0x01);
    poke(at + 1, 0);
    set(graphics, 5, 0x00);
    EXPECT_EQ(planes(at + 1), 0x1122'3344u);
}

TEST_F(VgaPlanesTest, Chain4TakesThePlaneFromTheAddress) {
    set(sequencer, 4, 0x0E);
    for (unsigned i = 0; i < 8; ++i)
        poke(graphics_window + i, 0x10 + i);
    for (unsigned i = 0; i < 8; ++i)
        EXPECT_EQ(peek(graphics_window + i), 0x10 + i);
    set(sequencer, 4, 0x06);
    EXPECT_EQ(planes(graphics_window), 0x1312'1110u);
    EXPECT_EQ(planes(graphics_window + 4), 0x1716'1514u) << "the address's bits 1-0 are 0 in the planes";
    EXPECT_EQ(planes(graphics_window + 1), 0u);
}

TEST_F(VgaPlanesTest, Chain4HeedsTheMapMask) {
    set(sequencer, 4, 0x0E);
    set(sequencer, 2, 0x02);
    constexpr uint32_t beyond_text = graphics_window + 0x8000;
    poke(beyond_text, 0x11);
    poke(beyond_text + 1, 0x22);
    EXPECT_EQ(peek(beyond_text), 0x00);
    EXPECT_EQ(peek(beyond_text + 1), 0x22);
}

TEST_F(VgaPlanesTest, TheWindowHoldsAnyWidthOfAccess) {
    set(sequencer, 4, 0x0E);
    vga.write(Vga::window + 8, 4, 0x4433'2211);
    EXPECT_EQ(vga.read(Vga::window + 8, 4), 0x4433'2211u);
    EXPECT_EQ(vga.read(Vga::window + 9, 2), 0x3322u);
}

TEST_F(VgaPlanesTest, AllOf256KBCanBeReached) {
    set(sequencer, 4, 0x06);
    fill(graphics_window + 0xFFFF, 0x0102'0304);
    EXPECT_EQ(planes(graphics_window + 0xFFFF), 0x0102'0304u);
}

TEST_F(VgaPlanesTest, TheMapSelectsTheWindow) {
    struct Case {
        unsigned map;
        uint32_t begin, end;
    };
    for (const Case& c : {Case{0, 0xA0000, 0xC0000}, Case{1, 0xA0000, 0xB0000}, Case{2, 0xB0000, 0xB8000},
                          Case{3, 0xB8000, 0xC0000}}) {
        set(graphics, 6, 0x01);
        fill(graphics_window, 0x5A5A'5A5A);
        set(graphics, 6, c.map << 2 | 1);
        set(graphics, 4, 0);
        EXPECT_EQ(peek(c.begin), 0x5A);
        poke(c.end - 1, 0x77);
        EXPECT_EQ(peek(c.end - 1), 0x77);
        if (c.begin > 0xA0000) {
            poke(c.begin - 1, 0x11);
            EXPECT_EQ(peek(c.begin - 1), 0xFF) << c.map;
        }
        if (c.end < 0xC0000) {
            poke(c.end, 0x11);
            EXPECT_EQ(peek(c.end), 0xFF) << c.map;
        }
        EXPECT_EQ(peek(c.begin), 0x5A);
    }
}

TEST_F(VgaPlanesTest, MemoryThatIsSwitchedOffDoesNotAnswer) {
    poke(at, 0x12);
    out(0x3C2, 0x65);
    EXPECT_EQ(peek(at), 0xFF);
    poke(at, 0x34);
    out(0x3C2, 0x67);
    EXPECT_EQ(peek(at), 0x12);
}

TEST_F(VgaPlanesTest, PowerLossClearsTheMemory) {
    poke(at, 0x12);
    vga.power_cycle(0);
    out(0x3C2, 0x67);
    set_planar();
    EXPECT_EQ(planes(at), 0u);
}

// --- Text mode ---------------------------------------------------------------------------------------------

using VgaTextMemoryTest = VgaTest;

TEST_F(VgaTextMemoryTest, CharactersAndAttributesAreReadBack) {
    vga.write(Vga::window + 0x18000 + 6, 2, 0x1F41);
    EXPECT_EQ(vga.read(Vga::window + 0x18000 + 4, 4), 0x1F41'0720u);
}

TEST_F(VgaTextMemoryTest, CharactersAreInPlane0AndAttributesInPlane1AtTheSameAddress) {
    poke(text_window + 6, 0x41);
    poke(text_window + 7, 0x1F);
    set_planar();
    EXPECT_EQ(planes(graphics_window + 6), 0x0000'1F41u);
    EXPECT_EQ(planes(graphics_window + 7), 0u);
}

TEST_F(VgaTextMemoryTest, AFontInPlane2IsNotTouched) {
    set_planar();
    set(sequencer, 2, 0x04);
    poke(graphics_window + 6, 0x99);
    set(sequencer, 2, 0x03);
    set(sequencer, 4, 0x02);
    set(graphics, 5, 0x10);
    set(graphics, 6, 0x0E);
    poke(text_window + 6, 0x41);
    poke(text_window + 7, 0x07);
    set_planar();
    EXPECT_EQ(planes(graphics_window + 6), 0x0099'0741u);
}

TEST_F(VgaTextMemoryTest, TextModeLeavesBlanksOnTheWholeWindow) {
    for (uint32_t address = text_window; address < text_window + 0x8000; address += 2) {
        ASSERT_EQ(peek(address), 0x20) << address;
        ASSERT_EQ(peek(address + 1), 0x07) << address;
    }
}

} // namespace
} // namespace fixpoint::models
