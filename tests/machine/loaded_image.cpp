#include "tests/machine/loaded_image.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>

namespace fixpoint::sim::test {

LoadedImage::LoadedImage(const BootImage& image, uint64_t memory_bytes)
    : loader{image, memory_bytes}, memory{memory_bytes}, information{} {
    std::memset(memory.data(), untouched, memory.size());
    loader.place(memory);
    information = at<MultibootInformation>(loader.entry_state().general[models::reg_ebx]);
    for (uint32_t i = 0; i < information.module_count; ++i)
        modules.push_back(at<MultibootModule>(information.modules + i * sizeof(MultibootModule)));
    for (uint32_t offset = 0; offset < information.memory_map_bytes; offset += sizeof(MultibootMapEntry))
        map.push_back(at<MultibootMapEntry>(information.memory_map + offset));
    if (information.flags & MultibootInformation::has_elf_sections)
        for (uint32_t i = 0; i < information.elf_sections.count; ++i)
            sections.push_back(at<Elf32_Shdr>(information.elf_sections.table + i * sizeof(Elf32_Shdr)));
}

template<typename T>
T LoadedImage::at(uint64_t address) const {
    T value{};
    if (memory.contains(address, sizeof value))
        std::memcpy(&value, memory.data() + address, sizeof value);
    else
        ADD_FAILURE() << std::hex << address << " is not in memory";
    return value;
}

uint32_t LoadedImage::word(uint64_t address) const {
    return at<uint32_t>(address);
}
std::string LoadedImage::text(uint64_t address) const {
    return reinterpret_cast<const char*>(memory.data() + address);
}
Bytes LoadedImage::bytes(uint64_t begin, uint64_t end) const {
    return {memory.data() + begin, memory.data() + end};
}

std::vector<Area> LoadedImage::areas() const {
    std::vector<Area> areas;
    const auto add = [&](uint64_t begin, uint64_t bytes, const char* name) {
        if (bytes != 0)
            areas.push_back({begin, begin + bytes, name});
    };
    add(loader.entry_state().general[models::reg_ebx], sizeof information, "information");
    add(information.memory_map, information.memory_map_bytes, "memory map");
    add(information.command_line, text(information.command_line).size() + 1, "command line");
    add(information.loader_name, text(information.loader_name).size() + 1, "loader name");
    add(information.modules, modules.size() * sizeof(MultibootModule), "module table");
    for (const MultibootModule& module : modules) {
        add(module.begin, module.end - module.begin, "module");
        add(module.string, text(module.string).size() + 1, "module string");
    }
    add(information.elf_sections.table, sections.size() * sizeof(Elf32_Shdr), "section table");
    for (const Elf32_Shdr& section : sections)
        if (section.sh_addr > information.elf_sections.table)
            add(section.sh_addr, section.sh_size, "section");
    return areas;
}

void LoadedImage::expect_sound(const std::vector<Area>& kernel) const {
    const std::vector<Area> forbidden{{0, 0x500, "vectors and BIOS data"},
                                      {0x9FC00, 0x10'0000, "BIOS and video memory"},
                                      {memory.size() - 0x2'0000, uint64_t{1} << 32, "firmware's tables"}};
    const auto overlap = [](const Area& one, const Area& other) {
        return one.begin < other.end && other.begin < one.end;
    };
    const std::vector<Area> given = areas();
    for (size_t i = 0; i < given.size(); ++i) {
        const auto expect_apart = [&](const Area& other) {
            EXPECT_FALSE(overlap(given[i], other)) << std::hex << given[i].name << " at " << given[i].begin
                                                   << " and " << other.name << " at " << other.begin;
        };
        std::ranges::for_each(forbidden, expect_apart);
        std::ranges::for_each(kernel, expect_apart);
        std::for_each(given.begin() + static_cast<ptrdiff_t>(i) + 1, given.end(), expect_apart);
    }
    std::vector<Area> written = given;
    written.insert(written.end(), kernel.begin(), kernel.end());
    const models::CpuState state = loader.entry_state();
    written.push_back({state.gdtr.base, uint64_t{state.gdtr.base} + state.gdtr.limit + 1, "descriptors"});
    if (!sections.empty()) // alignment between them
        for (const Elf32_Shdr& section : sections)
            if (section.sh_addr > information.elf_sections.table)
                written.push_back(
                    {information.elf_sections.table, section.sh_addr + section.sh_size, "sections"});
    std::ranges::sort(written, {}, &Area::begin);
    uint64_t at = 0;
    const auto expect_untouched = [&](uint64_t end) {
        if (at < end) {
            EXPECT_TRUE(std::all_of(memory.data() + at, memory.data() + end,
                                    [](uint8_t byte) { return byte == untouched; }))
                << std::hex << "something between " << at << " and " << end;
        }
    };
    for (const Area& area : written) {
        expect_untouched(area.begin);
        at = std::max(at, area.end);
    }
    expect_untouched(memory.size());
}

std::filesystem::path BootFiles::write(const std::string& name, const Bytes& content) const {
    std::ofstream out{folder / name, std::ios::binary};
    out.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
    return folder / name;
}

std::string BootFiles::refusal(const BootImage& image, uint64_t memory) {
    try {
        MultibootLoader{image, memory};
    } catch (const BootError& error) {
        return error.what();
    }
    return {};
}

std::string BootFiles::kernel_refusal(const Bytes& kernel) const {
    return refusal({write("kernel", kernel), "", {}});
}

} // namespace fixpoint::sim::test
