// Send fpages against receive windows of other sizes.
#include "kernel-model/memory/fpage_arithmetic.hpp"

#include <gtest/gtest.h>

namespace {

using kernel::map_geometry;
using l4::Fpage;

TEST(MapGeometry, EqualSizesConnectBaseToBase) {
    const auto geometry = map_geometry(0x12345000, Fpage::make(0x400000, 12), Fpage::make(0x800000, 12));
    EXPECT_EQ(geometry.source, 0x400000u);
    EXPECT_EQ(geometry.target, 0x800000u);
    EXPECT_EQ(geometry.log2_size, 12u);
}

TEST(MapGeometry, ALargerWindowIsIndexedByTheSendBase) {
    const auto geometry = map_geometry(0x00035678, Fpage::make(0x400000, 12), Fpage::make(0x800000, 20));
    EXPECT_EQ(geometry.source, 0x400000u);
    EXPECT_EQ(geometry.target, 0x835000u);
    EXPECT_EQ(geometry.log2_size, 12u);
}

TEST(MapGeometry, ALargerSendFpageIsIndexedByTheSendBase) {
    const auto geometry = map_geometry(0x00035000, Fpage::make(0x400000, 20), Fpage::make(0x800000, 12));
    EXPECT_EQ(geometry.source, 0x435000u);
    EXPECT_EQ(geometry.target, 0x800000u);
    EXPECT_EQ(geometry.log2_size, 12u);
}

TEST(MapGeometry, WholeSpaceWindowTakesTheSendBaseAsItIs) {
    const auto geometry = map_geometry(0xBFFF7000, Fpage::make(0x400000, 12), Fpage::whole_space());
    EXPECT_EQ(geometry.target, 0xBFFF7000u);
}

TEST(MapGeometry, TheTargetIsAlignedToTheSendFpage) {
    const auto geometry = map_geometry(0x00037000, Fpage::make(0x400000, 16), Fpage::make(0, 30));
    EXPECT_EQ(geometry.target, 0x00030000u);
    EXPECT_EQ(geometry.log2_size, 16u);
}

TEST(MapGeometry, SizesThatAreNoneMapNothing) {
    EXPECT_EQ(map_geometry(0, Fpage{0x400000 | 11 << 2}, Fpage::whole_space()).log2_size, 0u);
    EXPECT_EQ(map_geometry(0, Fpage{0x400000 | 33 << 2}, Fpage::whole_space()).log2_size, 0u);
    EXPECT_EQ(map_geometry(0, Fpage::make(0x400000, 12), Fpage{0}).log2_size, 0u);
}

} // namespace
