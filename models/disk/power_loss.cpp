#include "models/disk/power_loss.hpp"

#include "models/disk/seeded_random.hpp"
#include "models/disk/unflushed_writes.hpp"

#include <algorithm>

namespace fixpoint::models {
namespace {

// The sector under the head: vendors promise old, new, or unreadable until rewritten.
void cut_sector(DiskImage& image, uint64_t lba, const SectorData& data, SeededRandom& random) {
    switch (random.below(3)) {
    case 0:
        break;
    case 1:
        image.write(lba, data);
        break;
    default:
        image.mark_unreadable(lba);
        break;
    }
}

// The run of sectors that the write would have covered, up to a random cut.
void tear(DiskImage& image, const UnflushedWrites& writes, SeededRandom& random) {
    const std::optional<uint64_t> first = writes.in_flight ? writes.in_flight : writes.next;
    if (!first)
        return;
    uint64_t length = 0;
    while (writes.sectors.contains(*first + length))
        ++length;
    const uint64_t cut = *first + random.below(length);
    for (uint64_t lba = *first; lba < cut; ++lba)
        image.write(lba, writes.sectors.at(lba));
    SectorData mixed{};
    image.read(cut, mixed);
    const SectorData& fresh = writes.sectors.at(cut);
    std::copy_n(fresh.begin(), 1 + random.below(sector_bytes - 1), mixed.begin());
    image.write(cut, mixed);
}

} // namespace

void apply_power_loss(DiskImage& image, const UnflushedWrites& writes, PowerLoss mode, uint64_t seed) {
    SeededRandom random{seed};
    switch (mode) {
    case PowerLoss::lose_cache:
        if (writes.in_flight)
            cut_sector(image, *writes.in_flight, writes.sectors.at(*writes.in_flight), random);
        break;
    case PowerLoss::torn:
        tear(image, writes, random);
        break;
    case PowerLoss::reordered:
        for (const auto& [lba, data] : writes.sectors)
            if (lba == writes.in_flight)
                cut_sector(image, lba, data, random);
            else if (random.below(2) == 1)
                image.write(lba, data);
        break;
    case PowerLoss::keep:
        for (const auto& [lba, data] : writes.sectors)
            image.write(lba, data);
        break;
    case PowerLoss::bad_sector:
        if (writes.in_flight)
            image.mark_unreadable(*writes.in_flight);
        else if (writes.next)
            image.mark_unreadable(*writes.next);
        break;
    }
}

} // namespace fixpoint::models
