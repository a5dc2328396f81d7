// The model's x87 and MMX against the host's own.
#include "tests/native/campaign.hpp"
#include "tests/native/x87_comparison.hpp"
#include "tests/native/x87_instruction_generator.hpp"
#include "tests/support/host_processor.hpp"

#include <gtest/gtest.h>

namespace fixpoint::native {
namespace {

class NativeX87 : public testing::Test {
protected:
    void SetUp() override {
        if (!tests::host_is_compared_with())
            GTEST_SKIP() << tests::host_is_not_compared_with;
    }
    // Returns how many cases ended with #MF.
    static uint64_t agree(X87Kind kind, uint64_t usual) {
        const testing::TestInfo& info = *testing::UnitTest::GetInstance()->current_test_info();
        const std::string name = std::string{info.test_suite_name()} + "." + info.name();
        if (const auto chosen = replay()) {
            X87Round round{kind, chosen->round};
            EXPECT_FALSE(round.difference(round.make(chosen->index))) << round.report(chosen->index, name);
            return 0;
        }
#ifdef __SANITIZE_ADDRESS__
        usual /= 10;
#endif
        constexpr uint64_t cases_per_round = 20'000;
        const uint64_t wanted = instructions_wanted(usual);
        uint64_t done = 0, failures = 0, faults = 0;
        for (uint64_t number = first_round(); done < wanted && failures < most_failures(); ++number) {
            X87Round round{kind, number};
            for (uint64_t i = 0;
                 i < cases_per_round && done + round.instructions() < wanted && failures < most_failures();
                 ++i)
                if (round.difference(round.make(i))) {
                    ADD_FAILURE() << round.report(i, name);
                    ++failures;
                }
            done += round.instructions();
            faults += round.faults();
        }
        return faults;
    }
};

// The stack, conditions and exceptions as on the host; results within two units of the last place.
TEST_F(NativeX87, FunctionsOfModerateOperands) {
    agree(X87Kind::function, 30'000);
}
TEST_F(NativeX87, SingleInstructionsWithMaskedExceptions) {
    EXPECT_EQ(agree(X87Kind::masked, 100'000), 0u);
}
TEST_F(NativeX87, SingleInstructionsWithUnmaskedExceptions) {
    agree(X87Kind::unmasked, 100'000);
}
TEST_F(NativeX87, SequencesOfTwelveInstructions) {
    EXPECT_EQ(agree(X87Kind::sequence, 200'000), 0u);
}
TEST_F(NativeX87, SequencesThatEndWithAFloatingPointError) {
    const uint64_t faults = agree(X87Kind::unmasked_sequence, 100'000);
    EXPECT_TRUE(faults > 0 || replay());
}

// The comparison can fail.
TEST_F(NativeX87, APlantedDefectIsFoundAndCutDown) {
    X87Round round{X87Kind::sequence, 1};
    round.plant([](Outcome&, uint8_t* page) { page[X87InstructionGenerator::final_extended + 32] ^= 1; });
    const X87Case made = round.make(0);
    ASSERT_TRUE(round.difference(made));
    EXPECT_EQ(round.shrink(made).code.chunks.size(), 2u); // the frame alone
}
TEST_F(NativeX87, AWrongStackAtAFloatingPointErrorIsFound) {
    constexpr uint8_t floating_point_error = 16;
    X87Round round{X87Kind::unmasked_sequence, 1};
    round.plant([](Outcome& model, uint8_t*) {
        if (model.vector == floating_point_error)
            model.x87.stack[7][0] ^= 1;
    });
    uint64_t index = 0;
    while (index < 1000 && !round.difference(round.make(index)))
        ++index;
    EXPECT_LT(index, 1000u);
}

} // namespace
} // namespace fixpoint::native
