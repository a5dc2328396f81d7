#include "tests/store/write_pages.hpp"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace fixpoint::test {
namespace {

// The next request; `pages` loses those that it takes.
store::WriteRequest next_request(store::Store& store, std::span<const store::PageWrite>& pages) {
    store::WriteRequest request;
    pages = pages.subspan(store.prepare(pages.data(), static_cast<uint32_t>(pages.size()), request));
    return request;
}

} // namespace

store::DeviceStatus write_pages(store::Store& store, store::BlockDevice& disk,
                                std::span<const store::PageWrite> pages) {
    while (!pages.empty()) {
        const store::WriteRequest request = next_request(store, pages);
        if (request.segments == 0)
            continue; // zero pages, which take no block
        const store::DeviceStatus status = disk.write(request.sector, request.segment, request.segments);
        if (status != store::DeviceStatus::ok)
            return status;
    }
    return store::DeviceStatus::ok;
}

void write_pages_at_once(store::Store& store, MediaDisk& disk, std::span<const store::PageWrite> pages,
                         std::mt19937_64& random) {
    std::vector<std::pair<uint32_t, Sector>> sectors;
    while (!pages.empty()) {
        const store::WriteRequest request = next_request(store, pages);
        for (uint32_t i = 0; i < request.segments * store::sectors_per_block; ++i) {
            const store::Segment& segment = request.segment[i / store::sectors_per_block];
            const size_t offset = i % store::sectors_per_block * size_t{store::sector_bytes};
            Sector& data = sectors.emplace_back(request.sector + i, Sector{}).second;
            std::memcpy(data.data(), static_cast<const uint8_t*>(segment.data) + offset, data.size());
        }
    }
    std::shuffle(sectors.begin(), sectors.end(), random);
    for (const auto& [number, data] : sectors)
        disk.put(number, data);
}

} // namespace fixpoint::test
