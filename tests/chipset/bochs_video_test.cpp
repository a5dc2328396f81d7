#include "tests/chipset/vga_fixtures.hpp"

namespace fixpoint::models {
namespace {

class BochsVideoTest : public VgaTest {
protected:
    uint32_t get_bochs(unsigned index) {
        vga.write(Vga::bochs_ports, 2, index);
        return vga.read(Vga::bochs_ports + 1, 2);
    }
    void set_bochs(unsigned index, unsigned value) {
        vga.write(Vga::bochs_ports, 2, index);
        vga.write(Vga::bochs_ports + 1, 2, value);
    }
};

TEST_F(BochsVideoTest, KnowsTheVersionsUpToFive) {
    EXPECT_EQ(get_bochs(0), 0xB0C5u);
    set_bochs(0, 0xB0C0);
    EXPECT_EQ(get_bochs(0), 0xB0C0u);
    set_bochs(0, 0xB0C6);
    EXPECT_EQ(get_bochs(0), 0xB0C0u);
}

TEST_F(BochsVideoTest, KeepsWhatIsWritten) {
    vga.write(Vga::bochs_ports, 2, 6);
    EXPECT_EQ(vga.read(Vga::bochs_ports, 2), 6u);
    set_bochs(1, 1024);
    set_bochs(9, 17);
    EXPECT_EQ(get_bochs(1), 1024u);
    EXPECT_EQ(get_bochs(9), 17u);
}

TEST_F(BochsVideoTest, HasAVirtualHeightToReadOnly) {
    set_bochs(7, 768);
    EXPECT_EQ(get_bochs(7), 0u);
}

TEST_F(BochsVideoTest, NamesNoPictureAsItsLargest) {
    set_bochs(1, 1024);
    set_bochs(4, 0x02);
    for (const unsigned index : {1u, 2u, 3u})
        EXPECT_EQ(get_bochs(index), 0u);
    EXPECT_EQ(get_bochs(10), 4u) << "256 KB";
    set_bochs(4, 0x00);
    EXPECT_EQ(get_bochs(1), 1024u);
}

TEST_F(BochsVideoTest, DoesNotSwitchAFrameBufferOn) {
    set_bochs(4, 0x41);
    EXPECT_EQ(get_bochs(4), 0u);
}

} // namespace
} // namespace fixpoint::models
