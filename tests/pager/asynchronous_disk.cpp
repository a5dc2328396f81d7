#include "tests/pager/asynchronous_disk.hpp"

#include <algorithm>

namespace fixpoint::test {
namespace {

constexpr size_t half = store::sector_bytes / 2;
constexpr unsigned one_fails_in = 12;

} // namespace

uint32_t AsynchronousDisk::on_their_way() const {
    return static_cast<uint32_t>(
        std::ranges::count_if(writes_, [](const auto& write) { return write.has_value(); }));
}

bool AsynchronousDisk::overlaps_one_on_its_way(const Write& write) const {
    return std::ranges::any_of(writes_, [&](const std::optional<Write>& other) {
        return other && write.first_sector < other->first_sector + other->sectors.size() &&
               other->first_sector < write.first_sector + write.sectors.size();
    });
}

store::DeviceStatus AsynchronousDisk::submit(uint32_t place, uint32_t first_sector,
                                             const store::Segment* segments, uint32_t count) {
    if (count == 0 || count > store::transfer_segments_max)
        blame("a write of no segments or of too many");
    if (writes_.at(place))
        blame("a place was used twice");
    if (faults_.errors && random_() % one_fails_in == 0)
        return store::DeviceStatus::failed;
    Write write{first_sector, {}, {}};
    for (uint32_t i = 0; i < count; ++i)
        for (uint32_t offset = 0; offset < segments[i].bytes; offset += store::sector_bytes) {
            const uint8_t* const sector = static_cast<const uint8_t*>(segments[i].data) + offset;
            write.sectors.push_back(sector);
            write.first_half.insert(write.first_half.end(), sector, sector + half);
        }
    if (overlaps_one_on_its_way(write))
        blame("two writes of the same sectors on their way");
    writes_[place] = std::move(write);
    most_ = std::max(most_, on_their_way());
    return store::DeviceStatus::ok;
}

Sector AsynchronousDisk::sector_of(const Write& write, size_t i) const {
    Sector data;
    const auto from = write.first_half.begin() + static_cast<std::ptrdiff_t>(i * half);
    std::copy(from, from + half, data.begin());
    std::copy(write.sectors[i] + half, write.sectors[i] + store::sector_bytes, data.begin() + half);
    return data;
}

void AsynchronousDisk::write_some_sectors(const Write& write) {
    for (size_t i = 0; i < write.sectors.size(); ++i)
        if (random_() % 2 == 0)
            disk_.put(write.first_sector + static_cast<uint32_t>(i), sector_of(write, i));
}

void AsynchronousDisk::write_all_sectors(const Write& write) {
    for (size_t i = 0; i < write.sectors.size(); ++i)
        disk_.put(write.first_sector + static_cast<uint32_t>(i), sector_of(write, i));
}

pager::WriteQueue::End AsynchronousDisk::wait() {
    if (on_their_way() == 0) {
        blame("a wait for nothing");
        return {};
    }
    meanwhile_();
    uint32_t place = 0;
    do
        place = static_cast<uint32_t>(random_() % places);
    while (!writes_[place]);
    for (const std::optional<Write>& write : writes_)
        if (write && !faults_.reads_after_end && random_() % 4 == 0)
            write_some_sectors(*write);
    const Write write = std::move(*writes_[place]);
    writes_[place].reset();
    if (faults_.errors && random_() % one_fails_in == 0)
        return {place, store::DeviceStatus::medium_error};
    if (faults_.reads_after_end)
        late_.push_back(write);
    else
        write_all_sectors(write);
    return {place, store::DeviceStatus::ok};
}

store::DeviceStatus AsynchronousDisk::flush() {
    write_late();
    meanwhile_();
    return disk_.flush();
}

void AsynchronousDisk::write_late() {
    for (Write& write : late_) {
        for (size_t i = 0; i < write.sectors.size(); ++i)
            std::copy(write.sectors[i], write.sectors[i] + half,
                      write.first_half.begin() + static_cast<std::ptrdiff_t>(i * half));
        write_all_sectors(write);
    }
    late_.clear();
}

} // namespace fixpoint::test
