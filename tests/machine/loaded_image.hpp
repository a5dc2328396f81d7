// A boot image as the kernel finds it in memory.
#pragma once

#include "models/memory/physical_memory.hpp"
#include "sim/machine/multiboot_information.hpp"
#include "sim/machine/multiboot_loader.hpp"
#include "tests/machine/kernel_builder.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace fixpoint::sim::test {

struct Area { // of physical memory, end exclusive
    uint64_t begin, end;
    std::string name;
};

class LoadedImage {
public:
    static constexpr uint8_t untouched = 0xEE; // what memory holds before

    LoadedImage(const BootImage& image, uint64_t memory_bytes);

    MultibootLoader loader;
    models::PhysicalMemory memory;
    MultibootInformation information;
    std::vector<MultibootModule> modules;
    std::vector<MultibootMapEntry> map;
    std::vector<Elf32_Shdr> sections; // empty if none are passed

    [[nodiscard]] uint32_t word(uint64_t address) const;
    [[nodiscard]] std::string text(uint64_t address) const;
    [[nodiscard]] Bytes bytes(uint64_t begin, uint64_t end) const;
    // Everything that was given to the kernel beside itself.
    [[nodiscard]] std::vector<Area> areas() const;
    // Expects that areas and kernel do not overlap, that the areas are in memory that is usable and not the
    // firmware's, and that nothing else was written to.
    void expect_sound(const std::vector<Area>& kernel) const;

private:
    template<typename T>
    [[nodiscard]] T at(uint64_t address) const;
};

class BootFiles : public testing::Test {
protected:
    static constexpr uint64_t memory_bytes = 16 << 20;

    std::filesystem::path write(const std::string& name, const Bytes& content) const;
    // Empty if the image can be loaded.
    static std::string refusal(const BootImage& image, uint64_t memory = memory_bytes);
    [[nodiscard]] std::string kernel_refusal(const Bytes& kernel) const;

    tests::TemporaryFolder folder{"multiboot-test"};
};

} // namespace fixpoint::sim::test
