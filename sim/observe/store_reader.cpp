#include "sim/observe/store_reader.hpp"

#include "pager/store/store.hpp"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <limits>
#include <memory>

namespace fixpoint::sim {
namespace {

class ImageDevice final : public store::BlockDevice {
public:
    explicit ImageDevice(const models::DiskImage& image) : image_(image) {}

    uint32_t sector_count() const override {
        return static_cast<uint32_t>(
            std::min<uint64_t>(image_.sector_count(), std::numeric_limits<uint32_t>::max()));
    }
    store::DeviceStatus read(uint32_t first_sector, void* buffer, uint32_t sectors) override {
        for (uint64_t lba = first_sector; lba < uint64_t{first_sector} + sectors; ++lba)
            if (!image_.contains(lba) || image_.is_unreadable(lba))
                return store::DeviceStatus::medium_error;
        image_.read(first_sector, {static_cast<uint8_t*>(buffer), size_t{sectors} * store::sector_bytes});
        return store::DeviceStatus::ok;
    }
    store::DeviceStatus write(uint32_t, const store::Segment*, uint32_t) override {
        return store::DeviceStatus::failed;
    }
    store::DeviceStatus flush() override { return store::DeviceStatus::failed; }

private:
    const models::DiskImage& image_;
};

struct Free {
    void operator()(void* memory) const { std::free(memory); }
};

std::optional<uint32_t> read_newest(const models::DiskImage& image,
                                    const std::function<void(PageKey, PageContent)>& visit,
                                    std::string& error) {
    ImageDevice device(image);
    const uint32_t bytes = store::Store::memory_bytes(device.sector_count());
    const size_t whole_pages = (size_t{bytes} + page_bytes - 1) / page_bytes * page_bytes;
    const std::unique_ptr<void, Free> memory(
        std::aligned_alloc(page_bytes, std::max(whole_pages, page_bytes)));
    const auto disk = std::make_unique<store::Store>();
    const store::OpenStatus status = disk->open(device, memory.get(), bytes);
    if (status == store::OpenStatus::blank || status == store::OpenStatus::empty)
        return 0;
    if (status != store::OpenStatus::checkpoint) {
        error = fmt::format("the store's status is {}", static_cast<uint32_t>(status));
        return std::nullopt;
    }
    alignas(page_bytes) std::array<uint8_t, page_bytes> content{};
    for (uint32_t slot = 0; slot < disk->slots(); ++slot) {
        const store::DirectoryEntry entry = disk->entry(slot);
        if (!entry.is_used())
            continue;
        if (disk->load(slot, content.data()) != store::LoadStatus::ok) {
            error = fmt::format("slot {} cannot be read", slot);
            return std::nullopt;
        }
        visit({store::key_task(entry.key()), store::key_address(entry.key())}, content);
    }
    return disk->epoch();
}

} // namespace

StoreReader make_store_reader(const models::DiskImage& image) {
    return [&image](const std::function<void(PageKey, PageContent)>& visit, std::string& error) {
        return read_newest(image, visit, error);
    };
}

} // namespace fixpoint::sim
