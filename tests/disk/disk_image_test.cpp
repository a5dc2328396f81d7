#include "models/disk/disk_image.hpp"
#include "tests/disk/disk_fixtures.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fixpoint::models {
namespace {

using test::filled;
using test::on_media;

class DiskImageFile : public testing::Test {
protected:
    tests::TemporaryFolder folder{"disk-image-test"};
};

TEST(DiskImage, IsBlankAtFirst) {
    const DiskImage image{8};
    EXPECT_EQ(image.sector_count(), 8u);
    EXPECT_EQ(on_media(image, 7), filled(0));
}

TEST(DiskImage, RefusesSectorsOutside) {
    DiskImage image{8};
    EXPECT_THROW(image.write(8, filled(1)), std::out_of_range);
    std::array<uint8_t, 2 * sector_bytes> two{};
    EXPECT_THROW(image.read(7, two), std::out_of_range);
    EXPECT_THROW(DiskImage{0}, DiskImageError);
}

TEST(DiskImage, AnUnreadableSectorIsMendedByWriting) {
    DiskImage image{8};
    image.mark_unreadable(3);
    image.mark_unreadable(5);
    EXPECT_TRUE(image.is_unreadable(3));
    image.write(3, filled(1));
    EXPECT_FALSE(image.is_unreadable(3));
    EXPECT_TRUE(image.is_unreadable(5));
}

TEST(DiskImage, AnUnwritableSectorKeepsItsContent) {
    DiskImage image{8};
    image.mark_unwritable(3);
    std::array<uint8_t, 2 * sector_bytes> two{};
    two.fill(7);
    EXPECT_FALSE(image.write(2, two));
    EXPECT_EQ(on_media(image, 2), filled(7));
    EXPECT_EQ(on_media(image, 3), filled(0));
    EXPECT_TRUE(image.write(4, two));
}

TEST_F(DiskImageFile, SavesASparseRawFileThatReadsBack) {
    DiskImage image{1 << 16};
    image.write(0, filled(1));
    image.write((1 << 16) - 1, filled(2));
    image.save(folder / "disk.img");
    struct stat status {};
    ASSERT_EQ(stat((folder / "disk.img").c_str(), &status), 0);
    EXPECT_EQ(status.st_size, 32 << 20);
    EXPECT_LT(status.st_blocks * 512, 1 << 20);
    const DiskImage again{folder / "disk.img", DiskImage::Access::read_only};
    EXPECT_EQ(on_media(again, 0), filled(1));
    EXPECT_EQ(on_media(again, (1 << 16) - 1), filled(2));
    size_t files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path()))
        ++files;
    EXPECT_EQ(files, 1u);
}

TEST_F(DiskImageFile, WritesReachTheFileOnlyWithReadWriteAccess) {
    DiskImage{16}.save(folder / "disk.img");
    DiskImage{folder / "disk.img", DiskImage::Access::read_write}.write(1, filled(7));
    DiskImage overlay{folder / "disk.img", DiskImage::Access::overlay};
    overlay.write(2, filled(8));
    EXPECT_EQ(on_media(overlay, 2), filled(8));
    DiskImage reader{folder / "disk.img", DiskImage::Access::read_only};
    EXPECT_EQ(on_media(reader, 1), filled(7));
    EXPECT_EQ(on_media(reader, 2), filled(0));
    EXPECT_THROW(reader.write(0, filled(1)), DiskImageError);
}

TEST_F(DiskImageFile, AHoleStaysOneUntilSomethingElseThanZeroIsWritten) {
    const auto blocks = [this] {
        const int file = open((folder / "disk.img").c_str(), O_RDONLY | O_CLOEXEC);
        EXPECT_EQ(fsync(file), 0); // or blocks are not allocated yet
        close(file);
        struct stat status {};
        EXPECT_EQ(stat((folder / "disk.img").c_str(), &status), 0);
        return status.st_blocks;
    };
    DiskImage{1 << 16}.save(folder / "disk.img");
    const auto before = blocks();
    {
        DiskImage image{folder / "disk.img", DiskImage::Access::read_write};
        for (uint64_t lba = 0; lba < 1'000; ++lba)
            image.write(lba, filled(0));
        EXPECT_EQ(on_media(image, 60'000), filled(0));
    }
    EXPECT_EQ(blocks(), before);
    DiskImage{folder / "disk.img", DiskImage::Access::read_write}.write(500, filled(1));
    EXPECT_GT(blocks(), before);
    EXPECT_LT(blocks(), before + 64);
}

TEST_F(DiskImageFile, IsReadByManyOrWrittenByOne) {
    using Access = DiskImage::Access;
    DiskImage{16}.save(folder / "disk.img");
    const auto refused = [this](Access access) {
        try {
            const DiskImage image{folder / "disk.img", access};
        } catch (const DiskImageError& error) {
            EXPECT_NE(std::string{error.what()}.find("disk.img: the disk image is "), std::string::npos);
            return true;
        }
        return false;
    };
    {
        const DiskImage writer{folder / "disk.img", Access::read_write};
        for (const Access other : {Access::read_write, Access::overlay, Access::read_only})
            EXPECT_TRUE(refused(other));
    }
    const DiskImage reader{folder / "disk.img", Access::overlay};
    EXPECT_TRUE(refused(Access::read_write));
    EXPECT_FALSE(refused(Access::overlay));
    EXPECT_FALSE(refused(Access::read_only));
}

TEST_F(DiskImageFile, NamesTheFileThatCannotBeADisk) {
    const auto message = [](const std::filesystem::path& file) {
        try {
            DiskImage{file, DiskImage::Access::overlay};
        } catch (const DiskImageError& error) {
            return std::string{error.what()};
        }
        return std::string{};
    };
    EXPECT_NE(message(folder / "none.img").find("none.img: cannot open"), std::string::npos);
    std::ofstream{folder / "odd.img"} << "abc";
    EXPECT_NE(message(folder / "odd.img").find("odd.img: a disk image must be a multiple of 512"),
              std::string::npos);
}

} // namespace
} // namespace fixpoint::models
