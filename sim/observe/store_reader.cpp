#include "sim/observe/store_reader.hpp"

#include "sim/observe/image_device.hpp"
#include "sim/observe/opened_store.hpp"

#include <fmt/format.h>

namespace fixpoint::sim {
namespace {

std::optional<uint32_t> read_newest(const models::DiskImage& image,
                                    const std::function<void(PageKey, PageContent)>& visit,
                                    std::string& error) {
    ImageDevice device(image);
    OpenedStore disk(device);
    if (disk.status() == store::OpenStatus::blank || disk.status() == store::OpenStatus::empty)
        return 0;
    if (disk.status() != store::OpenStatus::checkpoint) {
        error = disk.explanation();
        return std::nullopt;
    }
    std::array<uint8_t, page_bytes> content{};
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
