// The magnetic content of a disk: sectors of 512 bytes, in memory or in a raw file that QEMU and other tools
// can read.
//
// A file is raw and may be sparse: what is not written stays a hole, also where the same content is written
// again. As long as the image is open nobody else on this host can open it if either of them writes to it
// (flock); readers and overlays share it.
//
// It knows no time. The drive model writes a sector into it at the modelled instant at which the media has
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <stdexcept>

namespace fixpoint::models {

inline constexpr size_t sector_bytes = 512;

// A file that cannot be a disk image, or an image that cannot be written: the message names the file.
struct DiskImageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class DiskImage {
public:
    enum class Access {
        read_write, // writes go to the file
        overlay,    // writes stay in memory, the file is not changed
        read_only,  // writes throw; a drive with such an image is write-protected
    };

    // A blank disk in memory; the host commits pages when they are first written. sectors: at least 1.
    explicit DiskImage(uint64_t sectors);
    // An existing raw image; its size must be a multiple of 512 bytes and not 0. Throws DiskImageError, also
    // when somebody else has it open and one of both writes.
    DiskImage(const std::filesystem::path& file, Access access);
    ~DiskImage();
    DiskImage(const DiskImage&) = delete;
    DiskImage& operator=(const DiskImage&) = delete;

    [[nodiscard]] uint64_t sector_count() const { return bytes_ / sector_bytes; }
    [[nodiscard]] bool contains(uint64_t lba, uint64_t sectors = 1) const {
        return lba < sector_count() && sectors <= sector_count() - lba;
    }

    [[nodiscard]] bool writable() const { return access_ != Access::read_only; }

    // Ranges outside the disk throw std::out_of_range; `data` is whole sectors.
    void read(uint64_t lba, std::span<uint8_t> data) const;
    // False: the range has sectors that refuse to be written; they keep their content.
    bool write(uint64_t lba, std::span<const uint8_t> data);

    // A sector that the drive cannot read until it is written again. Kept beside the content, not in a saved
    // file.
    void mark_unreadable(uint64_t lba) { unreadable_.insert(lba); }
    [[nodiscard]] bool is_unreadable(uint64_t lba) const { return unreadable_.contains(lba); }
    [[nodiscard]] const std::set<uint64_t>& unreadable_sectors() const { return unreadable_; }

    // A sector that the drive cannot write any more. Kept beside the content too.
    void mark_unwritable(uint64_t lba) { unwritable_.insert(lba); }

    // Writes a sparse raw file beside `file` and renames it over it: there is never half an image of that
    // name.
    void save(const std::filesystem::path& file) const;

private:
    [[nodiscard]] uint8_t* sector(uint64_t lba, size_t bytes) const;

    uint8_t* data_ = nullptr;
    uint64_t bytes_ = 0;
    Access access_ = Access::read_write;
    std::set<uint64_t> unreadable_, unwritable_;
    int lock_ = -1; // descriptor of the file, which holds the lock
};

} // namespace fixpoint::models
