#include "sim/machine/bios.hpp"

#include "sim/machine/boot_image.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace fixpoint::sim {
namespace {

class BiosFiles : public testing::Test {
protected:
    std::filesystem::path file_of(uintmax_t bytes) const {
        std::ofstream{folder / "rom"};
        std::filesystem::resize_file(folder / "rom", bytes);
        return folder / "rom";
    }
    std::string message(uintmax_t bytes) const {
        try {
            Bios{file_of(bytes)};
        } catch (const BootError& error) {
            return error.what();
        }
        return {};
    }
    tests::TemporaryFolder folder{"bios-test"};
};

TEST_F(BiosFiles, ARomHasAnyMultipleOf64KiBUpTo8MiB) {
    for (const uintmax_t kib : {64, 192, 1024, 1792, 8192})
        EXPECT_EQ(Bios{file_of(kib << 10)}.rom().size(), kib << 10);
}

TEST_F(BiosFiles, AFileOfAnotherSizeIsRefusedWithItsSize) {
    for (const uintmax_t bytes : {0u, 0x8000u, 0x10001u, 0x810000u})
        EXPECT_NE(message(bytes).find("this file " + std::to_string(bytes) + " bytes"), std::string::npos)
            << bytes;
}

} // namespace
} // namespace fixpoint::sim
