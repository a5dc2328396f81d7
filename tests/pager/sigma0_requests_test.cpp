// sigma0's answers, those to a kernel's own threads (task 0) included: this kernel never asks, others do.
#include <gtest/gtest.h>

#include <memory>

#include "pager/sigma0/requests.hpp"

namespace fixpoint::test {
namespace {

constexpr uint32_t megabyte = 1u << 20, info_address = 0x7000;

class Sigma0RequestsTest : public testing::Test {
protected:
    Sigma0RequestsTest() { owners->set_anywhere_range(megabyte, 16 * megabyte); }

    l4::Fpage answer(unsigned task, uint32_t w0, uint32_t w1 = 0, uint32_t w2 = 0) {
        return {pager::answer_sigma0_request(*owners, info_address,
                                             {l4::ThreadId::make(task, 1, 0, 0), w0, w1, w2})};
    }
    std::unique_ptr<pager::FrameOwners> owners = std::make_unique<pager::FrameOwners>();
};

TEST_F(Sigma0RequestsTest, AnyPageIsGrantedToAKernelThreadAndMappedToOthers) {
    const l4::Fpage kernels = answer(0, pager::any_page), others = answer(5, pager::any_page);
    EXPECT_TRUE(kernels.grant() && kernels.writable());
    EXPECT_EQ(kernels.log2_size(), l4::page_bits);
    EXPECT_TRUE(!others.grant() && others.writable());
    EXPECT_NE(kernels.base(), others.base());
    EXPECT_FALSE(owners->take(kernels.base(), 5)) << "a page is given away once";
}

TEST_F(Sigma0RequestsTest, AKernelThreadIsToldThatItNeedsNoMorePages) {
    EXPECT_EQ(answer(0, pager::info_request, 0).raw, 0u);
}

TEST_F(Sigma0RequestsTest, TheInfoPageIsMappedReadOnlyManyTimes) {
    for (const unsigned task : {0u, 5u, 6u, 5u}) {
        const l4::Fpage page = answer(task, pager::info_request, 1);
        EXPECT_EQ(page.base(), info_address);
        EXPECT_FALSE(page.writable() || page.grant());
    }
}

TEST_F(Sigma0RequestsTest, AFrameGoesByItsAddressAndASuperpageByAddressPlusAGigabyte) {
    EXPECT_EQ(answer(5, 2 * megabyte).raw,
              l4::Fpage::make(2 * megabyte, l4::page_bits, l4::Fpage::write_bit).raw);
    EXPECT_EQ(answer(6, 2 * megabyte).raw, 0u);
    EXPECT_EQ(answer(5, pager::superpage_offset + 4 * megabyte).raw,
              l4::Fpage::make(4 * megabyte, l4::superpage_bits, l4::Fpage::write_bit).raw);
    EXPECT_EQ(answer(6, pager::superpage_offset + 4 * megabyte).raw, 0u);
}

} // namespace
} // namespace fixpoint::test
