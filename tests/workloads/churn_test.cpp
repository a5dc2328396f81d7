#include "workloads/churn/commands.hpp"
#include "workloads/churn/page_model.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace workloads {
namespace {

struct ChurnPages : testing::Test {
    std::vector<PageRecord> records = std::vector<PageRecord>(8);
    PageModel model{records.data(), 2, 4, 1};
};

TEST(ChurnStripe, HoldsTheStateItIsFilledWithAndNoOther) {
    Stripe stripe{};
    fill(stripe, 7);
    EXPECT_TRUE(holds(stripe, 7));
    EXPECT_FALSE(holds(stripe, 8));
}

TEST(ChurnStripe, IsTornByAnyWordOfAnotherState) {
    Stripe newer{};
    fill(newer, next_state(7, 1));
    for (unsigned i = 0; i < words_per_stripe; ++i) {
        Stripe stripe{};
        fill(stripe, 7);
        stripe.words[i] = newer.words[i];
        EXPECT_FALSE(is_whole(stripe)) << i;
    }
}

TEST_F(ChurnPages, AreRecognisedAsAWhole) {
    StripedPage page{};
    for (unsigned stripe = 0; stripe < stripes_per_page; ++stripe)
        fill(page.stripes[stripe], model.state(3, stripe));
    uint32_t chain = 0;
    EXPECT_TRUE(read_page_chain(page, chain));
    EXPECT_EQ(chain, model.page_chain(3));
    EXPECT_NE(chain, model.page_chain(4));
    page.stripes[15].words[63] ^= 1;
    EXPECT_FALSE(read_page_chain(page, chain));
}

TEST_F(ChurnPages, HaveOneWriterOrManyReadersInABatch) {
    EXPECT_TRUE(model.claim_for_writing(3, stripe_mask(0, 2)));
    EXPECT_FALSE(model.claim_for_writing(3, stripe_mask(1, 1)));
    EXPECT_FALSE(model.claim_for_reading(3, all_stripes));
    EXPECT_TRUE(model.claim_for_reading(3, stripe_mask(2, 14)));
    EXPECT_TRUE(model.claim_for_reading(3, stripe_mask(2, 1)));
    EXPECT_FALSE(model.claim_for_writing(3, stripe_mask(15, 1)));
    EXPECT_TRUE(model.claim_for_writing(4, all_stripes));
    model.begin_batch();
    EXPECT_TRUE(model.claim_for_writing(3, all_stripes));
}

TEST_F(ChurnPages, ChecksumIsOfEveryState) {
    const uint32_t before = model.chain();
    model.set_state(5, 15, model.state(5, 15) + 1);
    EXPECT_NE(model.chain(), before);
}

TEST(ChurnCommand, SurvivesItsWords) {
    const Command command{Operation::take, 15, 15, 16, 0xFFFF'FFFF, l4::ThreadId::make(255, 63, 1023, 255)};
    const Command read = Command::from_words(command.word(), command.salt, command.partner.raw);
    EXPECT_EQ(read.operation, command.operation);
    EXPECT_EQ(read.slot, command.slot);
    EXPECT_EQ(read.first, command.first);
    EXPECT_EQ(read.count, command.count);
    EXPECT_EQ(read.partner, command.partner);
}

} // namespace
} // namespace workloads
