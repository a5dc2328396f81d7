// Where the loader puts what the kernel has not asked for a place.
#include "tests/machine/loaded_image.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>

namespace fixpoint::sim {
namespace {

using test::Area;
using test::Bytes;
using test::ElfKernel;
using test::LoadedImage;

class MultibootPlacement : public test::BootFiles {
protected:
    // A kernel that takes these areas, each with one byte of content.
    [[nodiscard]] std::filesystem::path kernel(const std::vector<Area>& areas) const {
        ElfKernel kernel;
        kernel.entry = static_cast<uint32_t>(areas.front().begin);
        for (const Area& area : areas)
            kernel.segments.push_back({static_cast<uint32_t>(area.begin), Bytes(1, 0x90),
                                       static_cast<uint32_t>(area.end - area.begin)});
        return write("kernel", kernel.build());
    }
    // Loads it with two modules of 10,000 bytes.
    [[nodiscard]] std::unique_ptr<LoadedImage> load(const std::vector<Area>& areas) const {
        const auto module = write("module", Bytes(10'000, 5));
        auto loaded = std::make_unique<LoadedImage>(
            BootImage{kernel(areas), "append", {{module, "a"}, {module, "b"}}}, memory_bytes);
        loaded->expect_sound(areas);
        for (const MultibootModule& placed : loaded->modules)
            EXPECT_EQ(loaded->bytes(placed.begin, placed.end), Bytes(10'000, 5));
        return loaded;
    }
    [[nodiscard]] static uint32_t information(const LoadedImage& loaded) {
        return loaded.loader.entry_state().general[models::reg_ebx];
    }
};

constexpr uint64_t mib = 1 << 20, end_of_usable = 16 * mib - 0x2'0000;

TEST_F(MultibootPlacement, KeepsTheInformationInBaseMemory) {
    const auto loaded = load({{mib, 2 * mib, ""}});
    EXPECT_EQ(information(*loaded), 0x9500u);
    EXPECT_EQ(loaded->information.memory_map, 0x9000u);
    EXPECT_EQ(loaded->information.modules, 2 * mib);
}

TEST_F(MultibootPlacement, MovesTheInformationOutOfALowKernelsWay) {
    const auto low = load({{0x1000, 0x9600, ""}});
    EXPECT_GE(information(*low), 0x9600u);
    EXPECT_LT(information(*low), 0x9'FC00u);
    EXPECT_LT(information(*load({{0x9300, 0x9'FC00, ""}})), 0x9000u);
    EXPECT_GE(information(*load({{0x1000, 0x9'FC00, ""}})), 0x10'0000u); // all of base memory
    EXPECT_EQ(information(*load({{0x1'0000, 0x4'0000, ""}})), 0x9500u);  // at 64 KB
}

TEST_F(MultibootPlacement, PutsModulesBehindTheHighestPiece) {
    const auto loaded = load({{mib, mib + 0x1000, ""}, {8 * mib, 9 * mib, ""}, {0x2'0000, 0x3'0000, ""}});
    EXPECT_EQ(loaded->information.modules, 9 * mib);
    EXPECT_GT(loaded->modules[0].begin, 9 * mib);
    EXPECT_GT(loaded->modules[1].begin, loaded->modules[0].begin);
}

TEST_F(MultibootPlacement, PutsModulesBelowAKernelAtTheEndOfMemory) {
    for (const uint64_t end :
         {16 * mib, 16 * mib - 1, 16 * mib - 4096, end_of_usable, end_of_usable - 4097}) {
        const auto loaded = load({{15 * mib, end, ""}});
        EXPECT_EQ(loaded->modules[0].begin & ~0xFFFFu, 0x10'0000u) << end;
        EXPECT_LT(loaded->modules[1].end, 15 * mib);
    }
}

TEST_F(MultibootPlacement, UsesGapsBetweenPieces) {
    const auto loaded = load({{mib, 4 * mib, ""}, {4 * mib + 0x1'0000, 16 * mib, ""}});
    EXPECT_EQ(loaded->information.modules, 4 * mib);
}

TEST_F(MultibootPlacement, UsesBaseMemoryAtLast) {
    const auto loaded = load({{mib, 16 * mib, ""}});
    EXPECT_LT(loaded->modules[1].end, 0x9'FC00u);
    EXPECT_GE(loaded->information.modules, 0x7000u);
}

TEST_F(MultibootPlacement, PutsASmallModuleBehindALargeOneThatWentElsewhere) {
    const auto large = write("large", Bytes(4 * mib, 1)), small = write("small", Bytes(100, 2));
    const std::vector<Area> areas{{12 * mib, 13 * mib, ""}};
    const LoadedImage loaded{{kernel(areas), "", {{small, ""}, {large, ""}, {small, ""}}}, memory_bytes};
    loaded.expect_sound(areas);
    EXPECT_GT(loaded.modules[0].begin, 13 * mib);
    EXPECT_LT(loaded.modules[1].end, 12 * mib);
    EXPECT_GT(loaded.modules[2].begin, loaded.modules[0].begin);
}

TEST_F(MultibootPlacement, FillsMemoryToItsLastUsableByte) {
    const std::vector<Area> areas{{mib, mib + 0x1000, ""}};
    const uint64_t room = end_of_usable - (mib + 0x2000); // a page of strings
    const auto module = write("module", Bytes(room, 1));
    const LoadedImage loaded{{kernel(areas), "", {{module, ""}}}, memory_bytes};
    EXPECT_EQ(loaded.modules[0].end, end_of_usable);
    const auto larger = write("larger", Bytes(room + 1, 1));
    EXPECT_NE(refusal({kernel(areas), "", {{larger, ""}}}).find("larger: module 1 of 1: found"),
              std::string::npos);
}

TEST_F(MultibootPlacement, PlacesLongCommandLines) {
    const std::vector<Area> areas{{mib, mib + 0x1000, ""}};
    const std::string arguments(20'000, 'a');
    const LoadedImage loaded{{kernel(areas), arguments, {{write("m", {1}), arguments}}}, memory_bytes};
    loaded.expect_sound(areas);
    EXPECT_TRUE(loaded.text(loaded.information.command_line).ends_with(" " + arguments));
    EXPECT_TRUE(loaded.text(loaded.modules[0].string).ends_with(" " + arguments));
}

// Images with pieces, modules and sections anywhere.
class RandomImages : public MultibootPlacement {
protected:
    uint64_t below(uint64_t bound) { return random() % bound; }

    std::vector<Area> draw_areas(uint64_t memory) {
        std::vector<Area> areas;
        for (uint64_t tries = 1 + below(6); tries != 0 || areas.empty(); tries -= tries != 0) {
            const bool low = below(3) == 0;
            const uint64_t first = low ? 0x500 : mib, last = low ? 0x9'FC00 : memory;
            const uint64_t begin = first + below(last - first);
            const uint64_t end = std::min(last, begin + 1 + below(below(4) == 0 ? mib : 0x1'0000));
            if (std::ranges::none_of(areas,
                                     [&](const Area& area) { return begin < area.end && area.begin < end; }))
                areas.push_back({begin, end, "kernel"});
        }
        return areas;
    }
    Bytes noise(size_t bytes) {
        std::vector<uint64_t> words(bytes / sizeof(uint64_t) + 1);
        std::ranges::generate(words, [this] { return random(); });
        Bytes content(bytes);
        if (bytes != 0)
            std::memcpy(content.data(), words.data(), bytes);
        return content;
    }
    // False: it was refused, for want of room.
    bool check(uint64_t seed);

    std::mt19937_64 random;
};

bool RandomImages::check(uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random.seed(seed);
    const uint64_t memory = (2 + below(7)) * mib;
    const std::vector<Area> areas = draw_areas(memory);
    ElfKernel kernel;
    kernel.entry = static_cast<uint32_t>(areas.front().begin);
    for (const Area& area : areas)
        kernel.segments.push_back({static_cast<uint32_t>(area.begin), noise(below(area.end - area.begin + 1)),
                                   static_cast<uint32_t>(area.end - area.begin)});
    for (uint64_t sections = below(4); sections != 0; --sections)
        kernel.sections.push_back({".debug", SHT_PROGBITS, 0, noise(below(50'000)), 1u << below(5)});

    BootImage image{write("kernel", kernel.build()), std::string(below(6000), 'a'), {}};
    std::vector<Bytes> contents;
    for (uint64_t modules = below(below(4) == 0 ? 100 : 6); modules != 0; --modules) {
        contents.push_back(noise(below(below(8) == 0 ? mib : 20'000)));
        image.modules.push_back(
            {write("module" + std::to_string(modules), contents.back()), std::string(below(50), 'm')});
    }
    if (const std::string told = refusal(image, memory); !told.empty()) {
        EXPECT_NE(told.find("free in one piece"), std::string::npos) << told;
        return false;
    }
    const LoadedImage loaded{image, memory};
    loaded.expect_sound(areas);
    EXPECT_EQ(loaded.modules.size(), contents.size());
    for (size_t i = 0; i < loaded.modules.size(); ++i) {
        EXPECT_EQ(loaded.modules[i].begin % 4096, 0u);
        EXPECT_TRUE(loaded.bytes(loaded.modules[i].begin, loaded.modules[i].end) == contents[i]);
    }
    for (size_t i = 0; i < areas.size(); ++i) {
        Bytes expected = kernel.segments[i].content;
        expected.resize(areas[i].end - areas[i].begin);
        EXPECT_TRUE(loaded.bytes(areas[i].begin, areas[i].end) == expected) << "segment " << i;
    }
    for (size_t i = 0; i < kernel.sections.size() && !loaded.sections.empty(); ++i) {
        const Elf32_Shdr& section = loaded.sections[i + 1];
        if (section.sh_size != 0) {
            EXPECT_TRUE(loaded.bytes(section.sh_addr, section.sh_addr + section.sh_size) ==
                        kernel.sections[i].content);
        }
    }
    return true;
}

TEST_F(RandomImages, AreSoundOrRefusedForWantOfRoom) {
    constexpr unsigned images = 150;
    unsigned loaded = 0;
    for (uint64_t seed = 1; seed <= images && !HasFailure(); ++seed)
        loaded += check(seed) ? 1 : 0;
    EXPECT_GT(loaded, images * 3 / 4);
}

} // namespace
} // namespace fixpoint::sim
