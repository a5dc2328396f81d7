// Planted defects, each of which the comparison must find and cut down: it can fail.
#include "tests/native/comparison.hpp"

#include "models/cpu/flags.hpp"
#include "tests/support/host_processor.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace fixpoint::native {
namespace {

constexpr uint8_t breakpoint = 3, page_fault = 14;

// Whether a piece of the case begins with this byte.
bool contains(const TestCase& candidate, uint8_t first) {
    return std::ranges::any_of(candidate.chunks,
                               [&](const Chunk& chunk) { return chunk.bytes.front() == first; });
}

// Whether the case's last byte, but for one bit, is this one.
bool ends_with(const TestCase& candidate, uint8_t last) {
    return !candidate.chunks.empty() && ((candidate.chunks.back().bytes.back() ^ last) & 0xFE) == 0;
}

// The first case that differs, shrunk.
std::optional<TestCase> caught(Round& round, Round::Plant plant) {
    round.plant(std::move(plant));
    constexpr uint64_t cases = 5000;
    for (uint64_t i = 0; i < cases; ++i)
        if (round.difference(round.make(i)))
            return round.shrink(round.make(i));
    return std::nullopt;
}

class Canary : public testing::Test {
protected:
    Round round{77};
};

TEST_F(Canary, WithoutADefectNothingDiffers) {
    if (!tests::host_is_compared_with())
        GTEST_SKIP() << tests::host_is_not_compared_with;
    EXPECT_FALSE(caught(round, [](const TestCase&, Outcome&, uint8_t*) {}));
}

TEST_F(Canary, AWrongFlagOfOneInstructionIsFoundAndCutDownToIt) {
    constexpr uint8_t stc = 0xF9;
    const auto found = caught(round, [](const TestCase& candidate, Outcome& model, uint8_t*) {
        if (contains(candidate, stc) && model.vector == breakpoint)
            model.end.eflags ^= models::eflags::sf;
    });
    ASSERT_TRUE(found);
    ASSERT_EQ(found->chunks.size(), 1u);
    EXPECT_EQ(found->chunks[0].bytes, std::vector<uint8_t>{stc});
    EXPECT_EQ(found->before.general, decltype(found->before.general){}); // the state is simple, too
}

TEST_F(Canary, AWrongRegisterOfOneInstructionIsFoundAndCutDownToIt) {
    constexpr uint8_t cbw = 0x98;
    const auto found = caught(round, [](const TestCase& candidate, Outcome& model, uint8_t*) {
        if (contains(candidate, cbw))
            model.end.general[models::reg_eax] ^= 0x8000;
    });
    ASSERT_TRUE(found);
    ASSERT_EQ(found->chunks.size(), 1u);
    EXPECT_EQ(found->chunks[0].bytes, std::vector<uint8_t>{cbw});
}

TEST_F(Canary, AWrongByteInMemoryIsFound) {
    EXPECT_TRUE(
        caught(round, [](const TestCase&, Outcome&, uint8_t* memory) { memory[image_bytes - 1] ^= 1; }));
}

TEST_F(Canary, AWrongFaultAddressIsFoundInAnInstructionOrTwo) {
    const auto found = caught(round, [](const TestCase&, Outcome& model, uint8_t*) {
        model.cr2 += model.vector == page_fault ? 1 : 0;
    });
    ASSERT_TRUE(found);
    EXPECT_LE(found->chunks.size(), 2u);
}

TEST_F(Canary, AWrongErrorCodeIsFound) {
    EXPECT_TRUE(caught(round, [](const TestCase&, Outcome& model, uint8_t*) {
        model.error ^= model.vector == page_fault ? 2u : 0u;
    }));
}

TEST_F(Canary, AnInstructionPointerBehindTheFaultIsFound) {
    EXPECT_TRUE(caught(round, [](const TestCase&, Outcome& model, uint8_t*) {
        model.end.eip += model.vector == page_fault ? 2 : 0;
    }));
}

TEST_F(Canary, AMissingDebugExceptionIsFound) {
    EXPECT_TRUE(caught(round, [](const TestCase&, Outcome& model, uint8_t*) {
        if (model.step_count > 1)
            --model.step_count;
    }));
}

// What is left open at some instructions (allowance.hpp) leaves everything else compared.
TEST_F(Canary, AWrongRegisterAtAFaultOfAComparisonIsFound) {
    constexpr uint8_t cmps = 0xA6;
    const auto found = caught(round, [](const TestCase& candidate, Outcome& model, uint8_t*) {
        if (ends_with(candidate, cmps) && model.vector == page_fault)
            model.end.general[models::reg_ecx] ^= 1;
    });
    ASSERT_TRUE(found);
    EXPECT_LE(found->chunks.size(), 2u);
}

TEST_F(Canary, AWrongByteAboveTheStackAtAFaultOfPushaIsFound) {
    constexpr uint8_t pusha = 0x60;
    EXPECT_TRUE(caught(round, [](const TestCase& candidate, Outcome& model, uint8_t* memory) {
        if (ends_with(candidate, pusha) && model.vector != breakpoint)
            memory[image_bytes - 1] ^= 1;
    }));
}

TEST_F(Canary, AStoreIntoCodeThatComesTooLateIsFound) {
    EXPECT_TRUE(caught(round, [](const TestCase& candidate, Outcome& model, uint8_t*) {
        if (candidate.modifies_code && candidate.chunks.size() == 1 && model.vector == breakpoint)
            model.end.general[models::reg_eax] ^= 1;
    }));
}

TEST_F(Canary, AStepWithAWrongRegisterIsFound) {
    EXPECT_TRUE(caught(round, [](const TestCase&, Outcome& model, uint8_t*) {
        if (model.step_count > 1)
            model.steps[0].general[models::reg_edi] ^= 1;
    }));
}

} // namespace
} // namespace fixpoint::native
