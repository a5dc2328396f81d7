#include "sim/debug/page_tables.hpp"
#include "tests/debug/fake_target.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

using test::FakeTarget;

constexpr uint32_t present = 1, writable = 2, user = 4, accessed = 0x20, dirty = 0x40, large = 0x80;
constexpr uint32_t cr0_pg = 1u << 31, cr4_pse = 1u << 4, cr4_pae = 1u << 5;
constexpr uint32_t root = 0x1000, table = 0x2000, directory = 0x3000;

TEST(PageTables, WithoutPagingNothingIsMapped) {
    FakeTarget target;
    EXPECT_TRUE(mapped_ranges(target).empty());
    EXPECT_EQ(describe_walk(target, 0x1234), "00001234: paging is off, physical 00001234\n");
}

class TwoLevels : public testing::Test {
protected:
    TwoLevels() {
        target.registers.cr0 = cr0_pg;
        target.registers.cr3 = root;
        target.registers.cr4 = cr4_pse;
        target.put32(root + 4, table | present | writable | user);
    }
    FakeTarget target;
};

TEST_F(TwoLevels, NeighboursWithTheSameRightsAreOneRange) {
    target.put32(table, 0x5000 | present | writable | user);
    target.put32(table + 4, 0x6000 | present | writable | user);
    target.put32(table + 8, 0x7000 | present | user);  // read-only
    target.put32(table + 12, 0x9000 | present | user); // not contiguous
    const auto ranges = mapped_ranges(target);
    ASSERT_EQ(ranges.size(), 3u);
    EXPECT_EQ(ranges[0].begin, 0x40'0000u);
    EXPECT_EQ(ranges[0].end, 0x40'2000u);
    EXPECT_EQ(ranges[0].physical, 0x5000u);
    EXPECT_TRUE(ranges[0].writable && ranges[0].user);
    EXPECT_FALSE(ranges[1].writable);
    EXPECT_EQ(ranges[2].physical, 0x9000u);
}

TEST_F(TwoLevels, RightsAreThoseOfBothLevels) {
    target.put32(root + 4, table | present);
    target.put32(table, 0x5000 | present | writable | user);
    const auto ranges = mapped_ranges(target);
    ASSERT_EQ(ranges.size(), 1u);
    EXPECT_FALSE(ranges[0].writable || ranges[0].user);
}

TEST_F(TwoLevels, LargePagesReachTheEndOfTheAddressSpace) {
    target.put32(root + 1023 * 4, 0x0040'0000 | present | large | accessed | dirty);
    const auto ranges = mapped_ranges(target);
    ASSERT_EQ(ranges.size(), 1u);
    EXPECT_EQ(ranges[0].end, uint64_t{1} << 32);
    EXPECT_TRUE(ranges[0].large && ranges[0].accessed && ranges[0].dirty);
}

TEST_F(TwoLevels, AWalkNamesEveryEntry) {
    target.put32(table, 0x5000 | present | user | accessed);
    EXPECT_EQ(describe_walk(target, 0x40'0123),
              "00400123: CR3 00001000\n"
              "directory entry 1 at 00001004: 00002007 writable, user\n"
              "table entry 0 at 00002000: 00005025 read-only, user, accessed\n"
              "4 KB page, physical 00005123\n");
    EXPECT_EQ(describe_walk(target, 0x40'1000), "00401000: CR3 00001000\n"
                                                "directory entry 1 at 00001004: 00002007 writable, user\n"
                                                "table entry 1 at 00002004: 00000000 not present\n");
}

TEST_F(TwoLevels, ATableBeyondMemoryIsNamed) {
    target.put32(root + 4, 0x7000'0000 | present);
    EXPECT_NE(describe_walk(target, 0x40'0000).find("no memory there"), std::string::npos);
    EXPECT_TRUE(mapped_ranges(target).empty());
}

TEST(PageTables, PaeHasThreeLevelsAndPagesOf2MB) {
    FakeTarget target;
    target.registers.cr0 = cr0_pg;
    target.registers.cr3 = root;
    target.registers.cr4 = cr4_pae;
    target.put32(root + 3 * 8, directory | present);
    target.put32(directory, table | present | writable);
    target.put32(directory + 8, 0x0060'0000 | present | writable | large);
    target.put32(table + 5 * 8, 0x5000 | present | writable);
    const auto ranges = mapped_ranges(target);
    ASSERT_EQ(ranges.size(), 2u);
    EXPECT_EQ(ranges[0].begin, 0xC000'5000u);
    EXPECT_EQ(ranges[0].end, 0xC000'6000u);
    EXPECT_TRUE(ranges[0].writable) << "the directory pointers have no rights to withhold";
    EXPECT_EQ(ranges[1].begin, 0xC020'0000u);
    EXPECT_EQ(ranges[1].end, 0xC040'0000u);
    EXPECT_NE(describe_walk(target, 0xC020'0010).find("2 MB page, physical 00600010"), std::string::npos);
}

} // namespace
} // namespace fixpoint::sim
