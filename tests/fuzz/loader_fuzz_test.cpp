// Random bytes as a kernel: the boot loader either refuses with a message that names the file, or places
// the image within memory; then the processor starts at its entry, whatever is there.
#include "sim/machine/multiboot_loader.hpp"
#include "tests/cpu/cpu_bench.hpp"
#include "tests/fuzz/campaign.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <elf.h>
#include <filesystem>
#include <fstream>
#include <random>

namespace fixpoint::fuzz {
namespace {

using Random = std::mt19937_64;

constexpr uint32_t memory_bytes = 4u << 20;
constexpr unsigned default_cases = 400;
constexpr uint32_t magic = 0x1BADB002, address_fields = 1u << 16;

class Folder {
public:
    std::filesystem::path write(const char* name, const std::vector<uint8_t>& content) const {
        std::ofstream out{folder_ / name, std::ios::binary};
        out.write(reinterpret_cast<const char*>(content.data()),
                  static_cast<std::streamsize>(content.size()));
        return folder_ / name;
    }

private:
    tests::TemporaryFolder folder_{"loader-fuzz"};
};

void put(std::vector<uint8_t>& file, size_t offset, const void* data, size_t bytes) {
    if (file.size() < offset + bytes)
        file.resize(offset + bytes);
    std::memcpy(file.data() + offset, data, bytes);
}

// Numbers that loaders get wrong.
uint32_t odd_number(Random& random) {
    static constexpr uint32_t numbers[] = {0,
                                           1,
                                           4,
                                           0xFFF,
                                           0x1000,
                                           0x10'0000,
                                           memory_bytes,
                                           memory_bytes - 1,
                                           0x7FFF'FFFF,
                                           0x8000'0000,
                                           0xFFFF'F000,
                                           0xFFFF'FFFF,
                                           0xFFFF'FFF0,
                                           0x9000,
                                           0xA'0000};
    return random() % 4 == 0 ? static_cast<uint32_t>(random()) : numbers[random() % std::size(numbers)];
}

std::vector<uint8_t> noise(Random& random, size_t bytes) {
    std::vector<uint8_t> file(bytes);
    for (uint8_t& byte : file)
        byte = static_cast<uint8_t>(random());
    return file;
}

// Sound, or with the address fields in disorder.
void add_header(std::vector<uint8_t>& file, size_t offset, Random& random) {
    const uint32_t flags = (random() % 2 != 0 ? address_fields : 0) | static_cast<uint32_t>(random() % 8);
    uint32_t header[12] = {magic,     flags,     0u - magic - flags, 0x10'0000,
                           0x10'0000, 0x10'1000, 0x10'2000,          0x10'0040};
    for (unsigned field = 3; field < 12; ++field)
        if (random() % 4 == 0)
            header[field] = odd_number(random);
    if (random() % 16 == 0)
        header[random() % 3] ^= 1u << random() % 32;
    put(file, offset, header, sizeof header);
}

std::vector<uint8_t> elf(Random& random) {
    std::vector<uint8_t> file = noise(random, 0x1000 + random() % 0x2000);
    Elf32_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS32;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC;
    header.e_machine = EM_386;
    header.e_version = EV_CURRENT;
    header.e_entry = 0x10'0040;
    header.e_phoff = sizeof header;
    header.e_ehsize = sizeof header;
    header.e_phentsize = sizeof(Elf32_Phdr);
    header.e_phnum = static_cast<Elf32_Half>(1 + random() % 4);
    put(file, 0, &header, sizeof header);
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        Elf32_Phdr segment{PT_LOAD,     0x400, 0x10'0000 + i * 0x1000, 0x10'0000 + i * 0x1000, 0x800, 0x1000,
                           PF_R | PF_X, 0x1000};
        uint32_t fields[sizeof segment / 4];
        std::memcpy(fields, &segment, sizeof segment);
        for (uint32_t& field : fields)
            if (random() % 12 == 0)
                field = odd_number(random);
        put(file, sizeof header + i * sizeof segment, fields, sizeof fields);
    }
    add_header(file, 0x200 + random() % 4 * 4, random);
    return file;
}

// Some bytes changed, or the end cut off.
void damage(std::vector<uint8_t>& file, Random& random) {
    for (uint64_t changes = random() % 4; changes != 0; --changes) {
        const uint32_t value = odd_number(random);
        const size_t width = 1u << random() % 3;
        put(file, random() % 0x300, &value, width);
    }
    if (random() % 4 == 0)
        file.resize(random() % (file.size() + 1));
}

std::vector<uint8_t> kernel(Random& random) {
    std::vector<uint8_t> file;
    switch (random() % 4) {
    case 0:
        file = noise(random, random() % 0x4000);
        if (random() % 2 == 0)
            add_header(file, random() % 0x2400 & ~size_t{3}, random);
        return file;
    case 1:
        file = noise(random, 0x2000);
        add_header(file, random() % 64 * 4, random);
        break;
    default:
        file = elf(random);
        break;
    }
    damage(file, random);
    return file;
}

void start(const sim::MultibootLoader& loader) {
    models::CpuBench bench{models::pentium3_parameters(), memory_bytes};
    loader.place(bench.memory);
    bench.cpu.set_state(loader.entry_state());
    bench.cpu.run(20'000);
    EXPECT_LT(bench.cpu.cycles(), 400'000u);
}

// Whether the image was accepted.
bool load(const Folder& folder, Random& random) {
    sim::BootImage image{folder.write("kernel", kernel(random)), "", {}};
    image.append = std::string(random() % 3 == 0 ? random() % 5000 : random() % 20, 'a');
    for (uint64_t modules = random() % 3; modules != 0; --modules)
        image.modules.push_back(
            {folder.write("module", noise(random, random() % 0x3000)), std::string(random() % 100, 'm')});
    try {
        const sim::MultibootLoader loader{image, memory_bytes};
        start(loader);
        return true;
    } catch (const sim::BootError& error) {
        EXPECT_NE(std::string{error.what()}.find("loader-fuzz-"), std::string::npos) << error.what();
        return false;
    }
}

TEST(LoaderFuzz, RefusesOrLoadsWhateverTheFileHolds) {
    run_campaign(default_cases, [](uint64_t seed) {
        const Folder folder;
        Random random{seed};
        load(folder, random);
    });
}

// Both happen often enough to be tested.
TEST(LoaderFuzz, SomeAreLoadedAndSomeRefused) {
    const Folder folder;
    unsigned loaded = 0;
    constexpr unsigned files = 100;
    for (uint64_t seed = 1; seed <= files; ++seed) {
        Random random{seed};
        loaded += load(folder, random) ? 1 : 0;
    }
    EXPECT_GT(loaded, files / 20);
    EXPECT_LT(loaded, files * 19 / 20);
}

} // namespace
} // namespace fixpoint::fuzz
