#include "models/chipset/text_screen.hpp"

#include "models/chipset/code_page_437.hpp"
#include "tests/chipset/vga_fixtures.hpp"

namespace fixpoint::models {
namespace {

class TextScreenTest : public VgaTest {
protected:
    TextScreen screen() { return text_screen(vga); }
    void unprotect() { set(crt, 0x11, get(crt, 0x11) & 0x7F); }
    void set_cursor(unsigned place) {
        set(crt, 0x0E, place >> 8);
        set(crt, 0x0F, place & 0xFF);
    }
    static uint32_t cell(unsigned column, unsigned row) { return text_window + (row * 80 + column) * 2; }
};

TEST_F(TextScreenTest, StartsEmptyWithTheCursorInTheCorner) {
    EXPECT_EQ(screen().kind, TextScreen::Kind::text);
    EXPECT_EQ(screen().width, 80u);
    EXPECT_EQ(screen().height, 25u);
    EXPECT_EQ(screen().rows.size(), 25u);
    EXPECT_EQ(screen().to_string(), "");
    EXPECT_EQ(screen().cursor, (TextScreen::Cursor{0, 0}));
}

TEST_F(TextScreenTest, ShowsRowsWithoutBlanksAtTheEnd) {
    write_text(cell(0, 0), "Hello   ");
    write_text(cell(2, 2), "there");
    EXPECT_EQ(screen().rows[0], "Hello");
    EXPECT_EQ(screen().rows[1], "");
    EXPECT_EQ(screen().to_string(), "Hello\n\n  there\n");
}

TEST_F(TextScreenTest, ShowsTheLastColumnOfTheLastRow) {
    write_text(cell(79, 24), "x");
    EXPECT_EQ(screen().rows[24], std::string(79, ' ') + "x");
}

TEST_F(TextScreenTest, CharactersAreThoseOfCodePage437) {
    write_text(cell(0, 0), "\xC9\xCD\xBB \x81\xE1\x01|");
    EXPECT_EQ(screen().rows[0], "╔═╗ üß☺|");
    EXPECT_EQ(code_page_437('A'), "A");
    EXPECT_EQ(code_page_437(0x7F), "⌂");
    EXPECT_EQ(code_page_437(0xFE), "■");
}

TEST_F(TextScreenTest, CharactersThatLookBlankAreBlank) {
    write_text(cell(0, 0), std::string_view{"a\0b\xFF\0", 5});
    EXPECT_EQ(screen().rows[0], "a b");
}

TEST_F(TextScreenTest, TheCursorFollowsItsAddress) {
    set_cursor(3 * 80 + 12);
    EXPECT_EQ(screen().cursor, (TextScreen::Cursor{12, 3}));
}

TEST_F(TextScreenTest, TheCursorIsInvisibleWhereItIsSwitchedOffOrOutside) {
    set_cursor(25 * 80);
    EXPECT_EQ(screen().cursor, std::nullopt);
    set_cursor(0);
    set(crt, 0x0A, 0x2D);
    EXPECT_EQ(screen().cursor, std::nullopt);
    set(crt, 0x0A, 0x0F); // ends before it begins
    EXPECT_EQ(screen().cursor, std::nullopt);
    set(crt, 0x0A, 0x0D);
    EXPECT_EQ(screen().cursor, (TextScreen::Cursor{0, 0}));
}

TEST_F(TextScreenTest, TheStartAddressScrolls) {
    write_text(cell(0, 1), "second");
    set_cursor(2 * 80 + 1);
    set(crt, 0x0C, 0);
    set(crt, 0x0D, 80);
    EXPECT_EQ(screen().rows[0], "second");
    EXPECT_EQ(screen().cursor, (TextScreen::Cursor{1, 1}));
}

TEST_F(TextScreenTest, TheOffsetIsTheDistanceOfRows) {
    set(crt, 0x13, 80); // rows of 160 characters, half of each shown
    write_text(cell(0, 2), "after 160");
    EXPECT_EQ(screen().rows[1], "after 160");
}

TEST_F(TextScreenTest, FortyColumns) {
    unprotect();
    set(crt, 0x01, 0x27);
    set(crt, 0x13, 0x14);
    write_text(text_window + 40 * 2, "second row");
    EXPECT_EQ(screen().width, 40u);
    EXPECT_EQ(screen().rows[1], "second row");
}

TEST_F(TextScreenTest, FiftyRowsOfEightLines) {
    set(crt, 0x09, 0x47);
    set(crt, 0x0A, 0x06);
    set(crt, 0x0B, 0x07);
    write_text(cell(0, 49), "the last");
    ASSERT_EQ(screen().height, 50u);
    EXPECT_EQ(screen().rows[49], "the last");
}

TEST_F(TextScreenTest, MonochromeTextIsAtB0000) {
    set(graphics, 6, 0x0A);
    write_text(0xB0000, "mono");
    out(0x3C2, 0x66);
    EXPECT_EQ(screen().rows[0], "mono");
}

TEST_F(TextScreenTest, ByteModeTakesCharactersFromEachAddress) {
    set_planar();
    set(sequencer, 2, 0x01);
    poke(graphics_window, 'a');
    poke(graphics_window + 1, 'b');
    set(graphics, 6, 0x0E);
    set(crt, 0x17, 0xE3);
    EXPECT_EQ(screen().rows[0].substr(0, 2), "ab");
}

TEST_F(TextScreenTest, GraphicsModesAreNamedByTheirSize) {
    struct Mode {
        unsigned graphics_6, crt_9, crt_17, attribute_10;
        const char* name;
    };
    for (const Mode& mode : {Mode{0x05, 0x41, 0xA3, 0x41, "graphics mode 320x200\n"}, // 13h
                             Mode{0x05, 0x40, 0xE3, 0x01, "graphics mode 640x400\n"},
                             Mode{0x0D, 0xC1, 0xC2, 0x01, "graphics mode 640x200\n"}}) { // 6
        set(graphics, 6, mode.graphics_6);
        set(crt, 0x09, mode.crt_9);
        set(crt, 0x17, mode.crt_17);
        set_attribute(0x10, mode.attribute_10);
        EXPECT_EQ(screen().kind, TextScreen::Kind::graphics);
        EXPECT_EQ(screen().to_string(), mode.name);
        EXPECT_EQ(screen().cursor, std::nullopt);
    }
}

TEST_F(TextScreenTest, NothingIsShownWhereTheScreenIsOff) {
    write_text(cell(0, 0), "hidden");
    set(sequencer, 1, 0x20);
    EXPECT_EQ(screen().kind, TextScreen::Kind::off);
    EXPECT_EQ(screen().to_string(), "");
    set(sequencer, 1, 0x00);
    in(status);
    out(attribute, 0x00); // the palette is the processor's
    EXPECT_EQ(screen().kind, TextScreen::Kind::off);
    in(status);
    out(attribute, 0x20);
    EXPECT_EQ(screen().to_string(), "hidden\n");
    vga.power_cycle(0);
    EXPECT_EQ(screen().kind, TextScreen::Kind::off);
}

// --- Detection of changes ----------------------------------------------------------------------------------

TEST_F(TextScreenTest, TheGenerationCountsWhatChangesTheScreen) {
    const auto changes = [&](auto&& action) {
        const uint64_t before = vga.generation();
        action();
        return vga.generation() != before;
    };
    EXPECT_TRUE(changes([&] { poke(cell(0, 0), 'x'); }));
    EXPECT_TRUE(changes([&] { set_cursor(1); }));
    EXPECT_TRUE(changes([&] { set(sequencer, 1, 0x20); }));
    EXPECT_TRUE(changes([&] { set(graphics, 6, 0x0F); }));
    EXPECT_TRUE(changes([&] { vga.power_cycle(0); }));
}

TEST_F(TextScreenTest, TheGenerationStaysWhereNothingChanges) {
    set_cursor(1);
    const uint64_t before = vga.generation();
    poke(cell(0, 0), ' ');
    peek(cell(0, 0));
    set_cursor(1);
    in(status);
    out(0x3C7, 3);
    EXPECT_EQ(vga.generation(), before);
}

} // namespace
} // namespace fixpoint::models
