// A file to boot, in the host's memory.
#pragma once

#include "sim/machine/boot_image.hpp"

#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace fixpoint::sim {

class BootFile {
public:
    // Throws BootError. What has more than `limit_bytes` is not read.
    BootFile(std::filesystem::path path, uint64_t limit_bytes);

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] size_t size() const { return content_.size(); }
    [[nodiscard]] bool contains(uint64_t offset, uint64_t bytes) const {
        return offset <= size() && bytes <= size() - offset;
    }
    // The range must be within the file.
    [[nodiscard]] std::span<const uint8_t> range(uint64_t offset, uint64_t bytes) const {
        return std::span{content_}.subspan(offset, bytes);
    }
    // A little-endian structure or number, as it stands in the file.
    template<typename T>
    [[nodiscard]] T at(uint64_t offset) const {
        static_assert(std::is_trivially_copyable_v<T>);
        T value;
        std::memcpy(&value, range(offset, sizeof value).data(), sizeof value);
        return value;
    }
    [[noreturn]] void refuse(const Refusal& refusal) const { throw BootError(path_, refusal); }

private:
    std::filesystem::path path_;
    std::vector<uint8_t> content_;
};

// What to say when memory up to `end` is needed and is not there.
[[nodiscard]] std::string more_memory(uint64_t end);

} // namespace fixpoint::sim
