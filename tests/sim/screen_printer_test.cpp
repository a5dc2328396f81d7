#include "sim/observe/screen_printer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fixpoint::sim {
namespace {

using models::Picoseconds;
using models::ps_per_ms;
using models::Vga;

class ScreenPrinterTest : public testing::Test {
protected:
    void write_text(unsigned cell, std::string_view text) {
        for (const char c : text)
            vga.write(Vga::window + 0x18000 + 2 * cell++, 2, 0x0700u | static_cast<uint8_t>(c));
    }
    // Looks every 2 ms from `from` to `to`.
    void look(unsigned from_ms, unsigned to_ms) {
        for (unsigned ms = from_ms; ms <= to_ms; ms += 2)
            printer.look(ms * ps_per_ms);
    }
    void put_serial(std::string_view text, unsigned ms) {
        for (const char c : text) {
            output += c;
            printer.note_serial_output(c, ms * ps_per_ms);
        }
    }

    Vga vga;
    std::string output;
    ScreenPrinter printer{vga, [this](std::string_view text) { output += text; }};
};

TEST_F(ScreenPrinterTest, PrintsAScreenThatHasBeenStillFor50Milliseconds) {
    vga.set_text_mode();
    write_text(0, "Hello");
    write_text(160, "there");
    look(1234, 1282);
    EXPECT_EQ(output, "");
    look(1284, 1400);
    EXPECT_EQ(output, "--- screen at 1.234 s, cursor 0,0\nHello\n\nthere\n---\n");
}

TEST_F(ScreenPrinterTest, AScreenThatGoesOnChangingIsPrintedAtTheEnd) {
    vga.set_text_mode();
    for (unsigned ms = 0; ms < 400; ms += 40) {
        write_text(0, std::to_string(ms));
        look(ms, ms);
    }
    EXPECT_EQ(output, "");
    printer.finish(401 * ps_per_ms);
    EXPECT_EQ(output, "--- screen at 0.360 s, cursor 0,0\n360\n---\n");
}

TEST_F(ScreenPrinterTest, PrintsChangedScreensOnly) {
    vga.set_text_mode();
    write_text(0, "Hello");
    look(0, 100);
    output.clear();
    write_text(0, "Jello");
    write_text(0, "Hello");
    look(102, 400);
    printer.finish(402 * ps_per_ms);
    EXPECT_EQ(output, "");
}

TEST_F(ScreenPrinterTest, AMovedCursorIsAChange) {
    vga.set_text_mode();
    write_text(0, "Hello");
    look(0, 100);
    output.clear();
    vga.write(0x3D4 - Vga::first_port, 1, 0x0F);
    vga.write(0x3D5 - Vga::first_port, 1, 5);
    look(102, 200);
    EXPECT_EQ(output, "--- screen at 0.102 s, cursor 5,0\nHello\n---\n");
}

TEST_F(ScreenPrinterTest, AnInvisibleCursorIsNotMentioned) {
    vga.set_text_mode();
    write_text(0, "Hello");
    vga.write(0x3D4 - Vga::first_port, 1, 0x0A);
    vga.write(0x3D5 - Vga::first_port, 1, 0x20);
    look(0, 100);
    EXPECT_EQ(output, "--- screen at 0.000 s\nHello\n---\n");
}

TEST_F(ScreenPrinterTest, AScreenOnWhichNothingHasBeenYetIsNotPrinted) {
    look(0, 100); // off
    vga.set_text_mode();
    look(102, 300);
    printer.finish(302 * ps_per_ms);
    EXPECT_EQ(output, "");
}

TEST_F(ScreenPrinterTest, AClearedScreenIsPrinted) {
    vga.set_text_mode();
    write_text(0, "Hello");
    look(0, 100);
    output.clear();
    vga.set_text_mode();
    look(102, 300);
    EXPECT_EQ(output, "--- screen at 0.102 s, cursor 0,0\n---\n");
}

TEST_F(ScreenPrinterTest, GraphicsModesAreNamed) {
    vga.set_text_mode();
    vga.write(0x3CE - Vga::first_port, 1, 6);
    vga.write(0x3CF - Vga::first_port, 1, 0x0F);
    look(0, 100);
    EXPECT_EQ(output, "--- screen at 0.000 s\ngraphics mode 640x25\n---\n");
}

// --- The serial line on the same stream --------------------------------------------------------------------

TEST_F(ScreenPrinterTest, AScreenComesAfterTheSerialLineBeingWritten) {
    vga.set_text_mode();
    write_text(0, "Hello");
    put_serial("one li", 0);
    look(0, 48);
    put_serial("ne", 50);
    look(50, 60);
    EXPECT_EQ(output, "one line");
    put_serial("\n", 61);
    look(62, 62);
    EXPECT_EQ(output, "one line\n--- screen at 0.000 s, cursor 0,0\nHello\n---\n");
}

TEST_F(ScreenPrinterTest, AScreenEndsASerialLineThatIsNotGoingOn) {
    vga.set_text_mode();
    put_serial("prompt> ", 0);
    write_text(0, "Hello");
    look(0, 100);
    put_serial("dir\n", 102);
    EXPECT_EQ(output, "prompt> \n--- screen at 0.000 s, cursor 0,0\nHello\n---\ndir\n");
}

} // namespace
} // namespace fixpoint::sim
