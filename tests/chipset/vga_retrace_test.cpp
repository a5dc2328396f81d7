#include "tests/chipset/vga_fixtures.hpp"

namespace fixpoint::models {
namespace {

// Mode 3: 900 dots a line, 449 lines, 28.322 MHz.
constexpr Picoseconds line = ps_per_second / 1'000 * 900 / 28'322;
constexpr Picoseconds frame = line * 449;

class VgaRetraceTest : public VgaTest {
protected:
    bool in_retrace(Picoseconds now) {
        vga.advance(now);
        const uint8_t value = in(status);
        return value & 0x08;
    }
    bool displays(Picoseconds now) {
        vga.advance(now);
        const uint8_t value = in(status);
        return !(value & 0x01);
    }
    // Retraces that begin within a second.
    unsigned retraces_a_second() {
        unsigned count = 0;
        bool before = in_retrace(0);
        for (Picoseconds now = 0; now < ps_per_second; now += line / 2) {
            const bool is = in_retrace(now);
            count += is && !before;
            before = is;
        }
        return count;
    }
};

TEST_F(VgaRetraceTest, TextModeHasSeventyFramesASecond) {
    EXPECT_EQ(retraces_a_second(), 70u);
}

TEST_F(VgaRetraceTest, AModeOf480LinesHasSixtyFramesASecond) {
    out(0x3C2, 0xE3); // mode 12h: 800 dots a line, 525 lines, 25.175 MHz
    set(sequencer, 1, 0x01);
    set(crt, 0x11, 0x00);
    set(crt, 0x06, 0x0B);
    set(crt, 0x07, 0x3E);
    set(crt, 0x10, 0xEA);
    set(crt, 0x11, 0x8C);
    set(crt, 0x12, 0xDF);
    EXPECT_EQ(retraces_a_second(), 60u);
}

TEST_F(VgaRetraceTest, TheRetraceIsTwoLinesLongAndAfterThePicture) {
    const Picoseconds begin = line * 412; // CRT register 10 with the overflow bits
    EXPECT_FALSE(in_retrace(begin - line / 2));
    EXPECT_TRUE(in_retrace(begin + line / 2));
    EXPECT_TRUE(in_retrace(begin + line * 3 / 2));
    EXPECT_FALSE(in_retrace(begin + line * 5 / 2));
    EXPECT_TRUE(in_retrace(begin + line / 2 + frame));
}

TEST_F(VgaRetraceTest, EachOfThe400LinesIsDisplayedForEightyOfAHundredCharacters) {
    for (const Picoseconds begin : {line, 399 * line}) {
        EXPECT_TRUE(displays(begin + line * 2 / 100));
        EXPECT_TRUE(displays(begin + line * 79 / 100));
        EXPECT_FALSE(displays(begin + line * 82 / 100));
        EXPECT_FALSE(displays(begin + line * 98 / 100));
    }
    EXPECT_FALSE(displays(400 * line + line / 2));
    EXPECT_FALSE(displays(448 * line + line / 2));
}

TEST_F(VgaRetraceTest, RetracesComeBeforeAnyModeIsSet) {
    vga.power_cycle(0);
    out(0x3C2, 0x01);
    EXPECT_EQ(retraces_a_second(), 70u);
}

TEST_F(VgaRetraceTest, TheRetraceInterruptIsPendingFromTheNextRetraceOnUntilCleared) {
    vga.advance(frame);
    set(crt, 0x11, 0x0E); // cleared
    EXPECT_EQ(in(0x3C2) & 0x80, 0x00);
    set(crt, 0x11, 0x1E); // armed
    EXPECT_EQ(in(0x3C2) & 0x80, 0x00);
    vga.advance(frame + 411 * line);
    EXPECT_EQ(in(0x3C2) & 0x80, 0x00);
    vga.advance(frame + 413 * line);
    EXPECT_EQ(in(0x3C2) & 0x80, 0x80);
    vga.advance(2 * frame);
    EXPECT_EQ(in(0x3C2) & 0x80, 0x80);
    set(crt, 0x11, 0x0E);
    set(crt, 0x11, 0x1E);
    EXPECT_EQ(in(0x3C2) & 0x80, 0x00);
}

TEST_F(VgaRetraceTest, NothingHappensByItself) {
    EXPECT_EQ(vga.next_event(), never);
}

} // namespace
} // namespace fixpoint::models
