// Random reads and writes by all commands on four drives, against plain arrays.
#include "tests/chipset/ide_fixtures.hpp"

#include "models/disk/seeded_random.hpp"

#include <algorithm>

namespace fixpoint::models {
namespace {

struct Way {
    uint8_t write, read;
    bool dma, extended, multiple;
};
constexpr Way ways[] = {
    {0x30, 0x20, false, false, false}, {0x31, 0x21, false, false, false}, {0x34, 0x24, false, true, false},
    {0xC5, 0xC4, false, false, true},  {0x39, 0x29, false, true, true},   {0xCA, 0xC8, true, false, false},
    {0xCB, 0xC9, true, false, false},  {0x35, 0x25, true, true, false},
};
constexpr unsigned units = 4, most_sectors = 20, buffer = 0x10000;

class RandomAta final : public test::IdeTest {
public:
    RandomAta(AtaErrors errors, const DiskParameters& parameters) : IdeTest{errors, 0b1111, parameters} {
        for (unsigned i = 0; i < units; ++i)
            expected[i].resize(size_of(i) * sector_bytes);
    }
    void run(uint64_t seed) {
        random = SeededRandom{seed};
        for (int i = 0; i < 200 && !HasFailure(); ++i)
            step();
        compare_media();
    }
    static DiskParameters ideal_drive() { return ideal(); }
    static DiskParameters mechanical_drive() { return mechanical(); }

private:
    void TestBody() override {}

    uint64_t below(uint64_t bound) { return random.below(bound); }
    bool one_in(uint64_t chances) { return below(chances) == 0; }

    void draw_place() {
        unit = static_cast<unsigned>(below(units));
        channel = unit / 2;
        device = unit % 2;
        way = ways[below(std::size(ways))];
        count = 1 + static_cast<unsigned>(below(most_sectors));
        first = below(size_of(unit) - count + 1);
    }
    void issue(uint8_t code) {
        if (way.extended)
            return command_ext(code, first, count);
        if (one_in(2))
            return command(code, static_cast<uint32_t>(first), count);
        const auto cylinder = static_cast<unsigned>(first / (heads[unit] * track[unit]));
        const auto in_cylinder = static_cast<unsigned>(first % (heads[unit] * track[unit]));
        command_chs(code, cylinder, in_cylinder / track[unit], in_cylinder % track[unit] + 1, count);
    }
    // The table's regions cut the transfer anywhere.
    void draw_table() {
        std::vector<Region> regions;
        uint32_t at = buffer, left = count * sector_bytes;
        while (left != 0) {
            const uint32_t bytes =
                one_in(3) ? left : std::min<uint32_t>(left, 2 + 2 * static_cast<uint32_t>(below(700)));
            left -= bytes;
            regions.push_back({at, bytes, left == 0});
            at += bytes;
        }
        set_table(regions);
    }
    uint8_t* bytes_there() { return expected[unit].data() + first * sector_bytes; }

    void write() {
        for (uint32_t i = 0; i < count * sector_bytes; ++i)
            bytes_there()[i] = static_cast<uint8_t>(random.next());
        if (way.dma) {
            std::copy_n(bytes_there(), count * sector_bytes, memory.bytes.begin() + buffer);
            draw_table();
            issue(way.write);
            start(false);
        } else {
            issue(way.write);
            for (uint32_t i = 0; i < count * words_a_sector; ++i) {
                if (i % words_a_sector == 0)
                    settle();
                ASSERT_EQ(status(), 0x58u);
                put_data(static_cast<uint16_t>(bytes_there()[2 * i] | bytes_there()[2 * i + 1] << 8));
            }
        }
        settle();
    }
    void read() {
        std::vector<uint8_t> found;
        if (way.dma) {
            draw_table();
            issue(way.read);
            start(true);
            settle();
            found.assign(memory.bytes.begin() + buffer, memory.bytes.begin() + buffer + count * sector_bytes);
        } else {
            issue(way.read);
            for (uint32_t i = 0; i < count * words_a_sector; ++i) {
                if (i % words_a_sector == 0)
                    settle();
                ASSERT_EQ(status(), 0x58u);
                const uint16_t word = data();
                found.push_back(static_cast<uint8_t>(word));
                found.push_back(static_cast<uint8_t>(word >> 8));
            }
        }
        ASSERT_TRUE(std::equal(found.begin(), found.end(), bytes_there()));
    }
    void change_settings() {
        command(0xC6, 0, 1u << below(5));
        heads[unit] = 1 + static_cast<unsigned>(below(16));
        track[unit] = 1 + static_cast<unsigned>(below(63));
        command_chs(0x91, 0, heads[unit] - 1, 0, track[unit]);
        constexpr unsigned features[] = {0x02, 0x82, 0x55, 0xAA};
        set_features(features[below(std::size(features))]);
        EXPECT_EQ(reg(7), 0x50u);
    }
    void step() {
        draw_place();
        if (!has_settings[unit] || one_in(10)) {
            change_settings();
            has_settings[unit] = true;
        }
        if (one_in(20)) {
            command(one_in(2) ? 0xE7 : 0xEA);
            settle();
        }
        const bool writes = one_in(2);
        if (writes)
            write();
        else
            read();
        if (HasFatalFailure())
            return;
        EXPECT_EQ(status(), 0x50u);
        if (way.dma) {
            EXPECT_EQ(bus_master_status(), 4u);
        }
        EXPECT_EQ(reg(2), 0u);
        reg(7);
        EXPECT_FALSE(ide.interrupt(channel).level());
    }
    void compare_media() {
        for (unit = 0; unit < units; ++unit) {
            channel = unit / 2;
            device = unit % 2;
            command(0xE7);
            settle();
            std::vector<uint8_t> medium(expected[unit].size());
            images[unit]->read(0, medium);
            EXPECT_TRUE(medium == expected[unit]);
        }
    }

    SeededRandom random{0};
    std::array<std::vector<uint8_t>, units> expected;
    std::array<bool, units> has_settings{};
    std::array<unsigned, units> heads{}, track{};
    unsigned unit = 0, count = 0;
    uint64_t first = 0;
    Way way{};
};

TEST(AtaRandom, AgreesWithPlainArrays) {
    for (uint64_t seed = 1; seed <= 8; ++seed) {
        SCOPED_TRACE(seed);
        const DiskParameters parameters =
            seed % 2 == 0 ? RandomAta::ideal_drive() : RandomAta::mechanical_drive();
        RandomAta{seed % 4 < 2 ? AtaErrors::drive : AtaErrors::qemu, parameters}.run(seed);
    }
}

} // namespace
} // namespace fixpoint::models
