// What the page checksum finds for certain, for all pages at once, and what it finds in all but one case in 2^32.
//
// It is affine over bits: what a change does to the checksum depends on the change alone, not on the page. So one page
// stands for all, and the contributions of the 32,768 single bits say everything about certain errors.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include "pager/store/page_checksum.hpp"

namespace fixpoint::test {
namespace {

constexpr uint32_t words = store::block_bytes / sizeof(uint32_t), bits = 32 * words;
constexpr uint32_t sectors = store::sectors_per_block;
using Page = std::array<uint32_t, words>;

Page random_page(std::mt19937_64& random) {
    Page page;
    for (uint32_t& word : page)
        word = static_cast<uint32_t>(random());
    return page;
}
// Small numbers and few of them, as programs have.
Page sparse_page(std::mt19937_64& random) {
    Page page = {};
    for (uint32_t i = 0; i < words / 16; ++i)
        page[random() % words] = static_cast<uint32_t>(random() % 100);
    return page;
}

uint32_t sum(const Page& page) {
    return store::page_checksum(page.data());
}

// What flipping a bit does to the checksum.
uint32_t contribution(uint32_t bit) {
    Page page = {};
    page[bit / 32] = 1u << bit % 32;
    static const uint32_t zero_sum = sum(Page{});
    return sum(page) ^ zero_sum;
}

uint32_t rank(const std::array<uint32_t, 32>& columns) {
    std::array<uint32_t, 32> basis = {}; // by highest bit
    uint32_t found = 0;
    for (uint32_t column : columns)
        while (column != 0) {
            uint32_t& with_this_bit = basis[static_cast<uint32_t>(std::countl_zero(column))];
            if (with_this_bit == 0) {
                with_this_bit = column;
                ++found;
                break;
            }
            column ^= with_this_bit;
        }
    return found;
}

struct Contributions {
    std::vector<uint32_t> of_bit = std::vector<uint32_t>(bits);
    Contributions() {
        for (uint32_t bit = 0; bit < bits; ++bit)
            of_bit[bit] = contribution(bit);
    }
    std::array<uint32_t, 32> of_word(uint32_t word) const {
        std::array<uint32_t, 32> columns;
        std::copy_n(of_bit.begin() + 32 * word, 32, columns.begin());
        return columns;
    }
};
const Contributions contributions;

TEST(PageChecksum, IsAffineSoThatAChangeCountsAlikeInEveryPage) {
    std::mt19937_64 random{1};
    const uint32_t zero_sum = sum(Page{});
    for (int round = 0; round < 100; ++round) {
        const Page page = random_page(random);
        uint32_t expected = zero_sum;
        for (uint32_t bit = 0; bit < bits; ++bit)
            if ((page[bit / 32] >> bit % 32 & 1) != 0)
                expected ^= contributions.of_bit[bit];
        ASSERT_EQ(sum(page), expected);
    }
}

TEST(PageChecksum, FindsEveryOneAndEveryTwoWrongBits) {
    std::unordered_set<uint32_t> seen{0};
    for (const uint32_t of_bit : contributions.of_bit)
        ASSERT_TRUE(seen.insert(of_bit).second);
}

TEST(PageChecksum, FindsEveryChangeWithinAWord) {
    for (uint32_t word = 0; word < words; ++word)
        ASSERT_EQ(rank(contributions.of_word(word)), 32u) << "word " << word;
}

TEST(PageChecksum, FindsAnyTwoWordsExchangedOrChangedAlike) {
    for (uint32_t word = 0; word < words; ++word)
        for (uint32_t other = 0; other < word; ++other) {
            std::array<uint32_t, 32> columns = contributions.of_word(word);
            const std::array<uint32_t, 32> of_other = contributions.of_word(other);
            for (uint32_t i = 0; i < 32; ++i)
                columns[i] ^= of_other[i];
            ASSERT_EQ(rank(columns), 32u) << "words " << word << " and " << other;
        }
}

// step^(2^32 - 1) = 1 and no smaller power is: the powers of step are all elements of a field but 0.
TEST(PageChecksum, StepIsPrimitive) {
    using Map = std::array<uint32_t, 32>;
    const auto apply = [](const Map& map, uint32_t value) {
        uint32_t result = 0;
        for (uint32_t bit = 0; bit < 32; ++bit)
            result ^= (value >> bit & 1) != 0 ? map[bit] : 0;
        return result;
    };
    const auto product = [&](const Map& left, const Map& right) {
        Map result;
        for (uint32_t bit = 0; bit < 32; ++bit)
            result[bit] = apply(left, right[bit]);
        return result;
    };
    Map one, step;
    for (uint32_t bit = 0; bit < 32; ++bit) {
        one[bit] = 1u << bit;
        step[bit] = store::detail::page_checksum_step(1u << bit) ^ store::detail::page_checksum_step(0);
    }
    const auto power = [&](uint32_t exponent) {
        Map result = one, square = step;
        for (; exponent != 0; exponent >>= 1, square = product(square, square))
            if ((exponent & 1) != 0)
                result = product(result, square);
        return result;
    };
    constexpr uint32_t order = 0xFFFFFFFF; // 3 * 5 * 17 * 257 * 65537
    EXPECT_EQ(power(order), one);
    for (const uint32_t prime : {3u, 5u, 17u, 257u, 65537u})
        EXPECT_NE(power(order / prime), one) << prime;
}

TEST(PageChecksum, OfZerosIsNotZero) {
    EXPECT_NE(sum(Page{}), 0u);
}

// The value is part of the disk's format.
TEST(PageChecksum, HasItsCheckValues) {
    Page page;
    for (uint32_t i = 0; i < words; ++i)
        page[i] = i;
    EXPECT_EQ(sum(Page{}), 0x9C058CEAu);
    EXPECT_EQ(sum(page), 0x97A3C4DBu);
}

// Damage to whole sectors, to random pages and to pages as programs have them. None of a hundred thousand cases of each
// kind is missed: 2^-32 each.
class SectorDamage : public testing::Test {
protected:
    static constexpr uint32_t words_per_sector = words / sectors;
    using Sector = std::array<uint32_t, words_per_sector>;

    static Sector sector(const Page& page, uint32_t number) {
        Sector result;
        std::copy_n(page.begin() + number * words_per_sector, words_per_sector, result.begin());
        return result;
    }
    static void put(Page& page, uint32_t number, const Sector& content) {
        std::copy(content.begin(), content.end(), page.begin() + number * words_per_sector);
    }
    // `damage` may leave a page as it is.
    void expect_found(const std::function<void(Page&, std::mt19937_64&)>& damage) {
        constexpr int pages = 2000, damages = 25;
        std::mt19937_64 random{7};
        for (int i = 0; i < pages; ++i) {
            const Page page = i % 2 == 0 ? random_page(random) : sparse_page(random);
            const uint32_t right = sum(page);
            for (int j = 0; j < damages; ++j) {
                Page damaged = page;
                damage(damaged, random);
                if (damaged != page) {
                    ASSERT_NE(sum(damaged), right) << "page " << i << " damage " << j;
                }
            }
        }
    }
};

TEST_F(SectorDamage, ExchangedSectorsAreFound) {
    expect_found([](Page& page, std::mt19937_64& random) {
        const auto one = static_cast<uint32_t>(random() % sectors),
                   other = static_cast<uint32_t>(random() % sectors);
        const Sector content = sector(page, one);
        put(page, one, sector(page, other));
        put(page, other, content);
    });
}
TEST_F(SectorDamage, SectorsInAnyOtherOrderAreFound) {
    expect_found([](Page& page, std::mt19937_64& random) {
        std::array<uint32_t, sectors> order;
        for (uint32_t i = 0; i < sectors; ++i)
            order[i] = i;
        std::shuffle(order.begin(), order.end(), random);
        const Page before = page;
        for (uint32_t i = 0; i < sectors; ++i)
            put(page, i, sector(before, order[i]));
    });
}
TEST_F(SectorDamage, PagesRotatedByWordsOrSectorsAreFound) {
    expect_found([](Page& page, std::mt19937_64& random) {
        const uint32_t by = static_cast<uint32_t>(random() % 2 == 0 ? random() % words
                                                                    : random() % sectors * words_per_sector);
        std::rotate(page.begin(), page.begin() + by, page.end());
    });
}
TEST_F(SectorDamage, ZeroedAndStuckSectorsAreFound) {
    expect_found([](Page& page, std::mt19937_64& random) {
        Sector content;
        content.fill(random() % 2 == 0 ? 0 : random() % 2 == 0 ? ~0u : static_cast<uint32_t>(random()));
        put(page, static_cast<uint32_t>(random() % sectors), content);
    });
}
// Torn writes: each sector is of one version or the other.
TEST_F(SectorDamage, MixturesOfTwoVersionsAreFound) {
    expect_found([](Page& page, std::mt19937_64& random) {
        Page older = page;
        const uint64_t changes = 1 + random() % 8;
        for (uint64_t i = 0; i < changes; ++i) // money that is moved: sums stay the same
        {
            const auto amount = static_cast<uint32_t>(random() % 100);
            older[random() % words] += amount;
            older[random() % words] -= amount;
        }
        const uint64_t old_ones = random();
        for (uint32_t i = 0; i < sectors; ++i)
            if ((old_ones >> i & 1) != 0)
                put(page, i, sector(older, i));
    });
}
TEST_F(SectorDamage, BurstsAreFound) {
    expect_found([](Page& page, std::mt19937_64& random) {
        const auto length = static_cast<uint32_t>(1 + random() % 4096),
                   first = static_cast<uint32_t>(random() % (bits - length));
        for (uint32_t bit = first; bit < first + length; ++bit)
            page[bit / 32] ^= static_cast<uint32_t>(random() & 1) << bit % 32;
    });
}

// A million pages with a few wrong bytes each make 2^39 pairs, of whose checksums 2^39 / 2^32 = 128 agree if they are as
// good as random numbers; the standard deviation is 11.
TEST(PageChecksum, CollidesAsRandomNumbersDo) {
    constexpr uint32_t damages = 1u << 20, expected = 128, deviation = 11;
    std::mt19937_64 random{11};
    std::vector<uint32_t> sums(damages);
    for (uint32_t& changed : sums) {
        const uint64_t wrong_bytes = 2 + random() % 16;
        for (uint64_t i = 0; i < wrong_bytes; ++i) {
            const auto first_bit = static_cast<uint32_t>(random() % (bits / 8) * 8);
            const uint64_t flipped = 1 + random() % 255;
            for (uint32_t bit = 0; bit < 8; ++bit)
                changed ^= (flipped >> bit & 1) != 0 ? contributions.of_bit[first_bit + bit] : 0;
        }
    }
    std::sort(sums.begin(), sums.end());
    uint32_t pairs = 0;
    for (size_t i = 1; i < sums.size(); ++i)
        pairs += sums[i] == sums[i - 1] ? 1 : 0;
    RecordProperty("pairs", static_cast<int>(pairs));
    EXPECT_GT(pairs, expected - 4 * deviation);
    EXPECT_LT(pairs, expected + 4 * deviation);
}

} // namespace
} // namespace fixpoint::test
