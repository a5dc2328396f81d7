#include "models/disk/disk_image.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fixpoint::models {
namespace {

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what) {
    throw DiskImageError(file.string() + ": " + what);
}
[[noreturn]] void fail_with_errno(const std::filesystem::path& file, const char* doing) {
    fail(file, std::string{doing} + ": " + std::strerror(errno));
}

struct FileDescriptor {
    int fd;
    explicit FileDescriptor(int descriptor) : fd{descriptor} {}
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    ~FileDescriptor() {
        if (fd >= 0)
            close(fd);
    }
};

// The lock goes with the descriptor. File systems without locks are left alone.
void lock(int fd, const std::filesystem::path& file, DiskImage::Access access) {
    const bool writes = access == DiskImage::Access::read_write;
    if (flock(fd, (writes ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        fail(file, writes
                       ? "the disk image is open elsewhere; only overlays and read-only drives can share it"
                       : "the disk image is open elsewhere for writing");
}

bool all_zero(const uint8_t* data, size_t bytes) {
    return bytes == 0 || (data[0] == 0 && std::memcmp(data, data + 1, bytes - 1) == 0);
}

} // namespace

DiskImage::DiskImage(uint64_t sectors) : bytes_{sectors * sector_bytes} {
    if (sectors == 0 || sectors > uint64_t{1} << 40)
        throw DiskImageError("a disk has at least one sector and at most 2^40");
    void* area =
        mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED)
        throw std::bad_alloc();
    data_ = static_cast<uint8_t*>(area);
}

DiskImage::DiskImage(const std::filesystem::path& file, Access access) : access_{access} {
    FileDescriptor image{open(file.c_str(), (access == Access::read_write ? O_RDWR : O_RDONLY) | O_CLOEXEC)};
    if (image.fd < 0)
        fail_with_errno(file, "cannot open the disk image");
    struct stat status {};
    if (fstat(image.fd, &status) != 0)
        fail_with_errno(file, "cannot read the disk image's size");
    if (!S_ISREG(status.st_mode))
        fail(file, "a disk image must be a regular file");
    lock(image.fd, file, access);
    bytes_ = static_cast<uint64_t>(status.st_size);
    if (bytes_ == 0 || bytes_ % sector_bytes != 0)
        fail(file, "a disk image must be a multiple of 512 bytes and not empty, found " +
                       std::to_string(bytes_) + " bytes");
    const int protection = access == Access::read_only ? PROT_READ : PROT_READ | PROT_WRITE;
    const int sharing = access == Access::overlay ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED;
    void* area = mmap(nullptr, bytes_, protection, sharing, image.fd, 0);
    if (area == MAP_FAILED)
        fail_with_errno(file, "cannot map the disk image");
    data_ = static_cast<uint8_t*>(area);
    lock_ = std::exchange(image.fd, -1);
}

DiskImage::~DiskImage() {
    munmap(data_, bytes_);
    if (lock_ >= 0)
        close(lock_);
}

uint8_t* DiskImage::sector(uint64_t lba, size_t bytes) const {
    if (bytes == 0 || bytes % sector_bytes != 0 || !contains(lba, bytes / sector_bytes))
        throw std::out_of_range("sectors outside the disk image");
    return data_ + lba * sector_bytes;
}

void DiskImage::read(uint64_t lba, std::span<uint8_t> data) const {
    std::memcpy(data.data(), sector(lba, data.size()), data.size());
}

bool DiskImage::write(uint64_t lba, std::span<const uint8_t> data) {
    if (!writable())
        throw DiskImageError("the disk image was opened for reading only");
    uint8_t* const place = sector(lba, data.size());
    bool all_written = true;
    for (size_t offset = 0; offset < data.size(); offset += sector_bytes) {
        const uint64_t at = lba + offset / sector_bytes;
        if (!unwritable_.empty() && unwritable_.contains(at)) {
            all_written = false;
            continue;
        }
        // An untouched page stays a hole of the file.
        if (std::memcmp(place + offset, data.data() + offset, sector_bytes) != 0)
            std::memcpy(place + offset, data.data() + offset, sector_bytes);
        if (!unreadable_.empty())
            unreadable_.erase(at);
    }
    return all_written;
}

void DiskImage::save(const std::filesystem::path& file) const {
    std::filesystem::path temporary = file;
    temporary += ".part" + std::to_string(getpid());
    const auto give_up = [&](const char* doing) {
        const int reason = errno;
        unlink(temporary.c_str());
        errno = reason;
        fail_with_errno(file, doing);
    };
    {
        const FileDescriptor out{open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
        if (out.fd < 0)
            fail_with_errno(file, "cannot create the disk image");
        if (ftruncate(out.fd, static_cast<off_t>(bytes_)) != 0)
            give_up("cannot set the disk image's size");
        // Blocks of zeros are left out: the file is sparse.
        constexpr uint64_t block_bytes = 64 * 1024;
        for (uint64_t offset = 0; offset < bytes_; offset += block_bytes) {
            const size_t bytes = std::min(block_bytes, bytes_ - offset);
            if (all_zero(data_ + offset, bytes))
                continue;
            for (size_t done = 0; done < bytes;) {
                const ssize_t n =
                    pwrite(out.fd, data_ + offset + done, bytes - done, static_cast<off_t>(offset + done));
                if (n < 0 && errno == EINTR)
                    continue;
                if (n <= 0)
                    give_up("cannot write the disk image");
                done += static_cast<size_t>(n);
            }
        }
    }
    if (rename(temporary.c_str(), file.c_str()) != 0)
        give_up("cannot rename the disk image into place");
}

} // namespace fixpoint::models
