// sigma0's table of frames.
#include <gtest/gtest.h>

#include <memory>

#include "pager/sigma0/frame_owners.hpp"

namespace fixpoint::test {
namespace {

constexpr uint32_t megabyte = 1u << 20;

class FrameOwnersTest : public testing::Test {
protected:
    std::unique_ptr<pager::FrameOwners> owners = std::make_unique<pager::FrameOwners>();
};

TEST_F(FrameOwnersTest, GivesAPageToOneTaskAndAgainToTheSame) {
    EXPECT_TRUE(owners->take(5 * megabyte, 4));
    EXPECT_TRUE(owners->take(5 * megabyte + 12, 4));
    EXPECT_FALSE(owners->take(5 * megabyte, 6));
}

TEST_F(FrameOwnersTest, WithheldPagesAreNobodys) {
    owners->withhold(megabyte, megabyte + 1);
    EXPECT_FALSE(owners->take(megabyte, 4));
    EXPECT_TRUE(owners->take(megabyte + 4096, 4));
}

TEST_F(FrameOwnersTest, AnyPageComesFromTheTopAndNeverTwice) {
    owners->set_anywhere_range(megabyte, megabyte + 4 * 4096);
    EXPECT_TRUE(owners->take(megabyte + 2 * 4096, 4));
    owners->keep_for_address(megabyte + 4096, megabyte + 2 * 4096);
    EXPECT_EQ(owners->take_any(6), megabyte + 3 * 4096);
    EXPECT_EQ(owners->take_any(6), megabyte);
    EXPECT_EQ(owners->take_any(6), pager::FrameOwners::none);
    EXPECT_TRUE(owners->take(megabyte + 4096, 4)); // kept for those who name it
}

TEST_F(FrameOwnersTest, ASuperpageIsAllFreeOrRefused) {
    EXPECT_TRUE(owners->take(4 * megabyte + 8192, 4));
    EXPECT_FALSE(owners->take_superpage(4 * megabyte, 6));
    EXPECT_TRUE(owners->take(4 * megabyte, 7)) << "a refusal takes nothing";
    EXPECT_TRUE(owners->take_superpage(8 * megabyte, 6));
    EXPECT_FALSE(owners->take(11 * megabyte, 4));
    owners->keep_for_address(12 * megabyte, 12 * megabyte + 4096);
    EXPECT_FALSE(owners->take_superpage(12 * megabyte, 6)) << "boot modules are not given away by the way";
}

} // namespace
} // namespace fixpoint::test
