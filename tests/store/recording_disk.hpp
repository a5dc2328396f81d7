// A disk for tests of the store: remembers every sector write and every flush, so that the checker can build
// each state in which a power cut could have left the media.
//
// Faults are overlays on the recorded writes: the recording itself stays as it was.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "pager/store/block_device.hpp"

namespace fixpoint::test {

using Sector = std::array<uint8_t, store::sector_bytes>;

// What lies on the media: an image, changed sectors over it, unreadable sectors.
class MediaDisk : public store::BlockDevice {
public:
    explicit MediaDisk(std::vector<Sector> image)
        : image_{std::make_shared<const std::vector<Sector>>(std::move(image))} {}
    // Many disks over one image, which stays as it is.
    explicit MediaDisk(std::shared_ptr<const std::vector<Sector>> image) : image_{std::move(image)} {}
    virtual ~MediaDisk() = default;

    uint32_t sector_count() const override { return static_cast<uint32_t>(image_->size()); }

    store::DeviceStatus read(uint32_t first, void* buffer, uint32_t sectors) override {
        auto* to = static_cast<uint8_t*>(buffer);
        for (uint32_t i = 0; i < sectors; ++i) {
            if (unreadable_.contains(first + i))
                return store::DeviceStatus::medium_error;
            std::memcpy(to + size_t{i} * store::sector_bytes, sector(first + i).data(), store::sector_bytes);
        }
        return store::DeviceStatus::ok;
    }

    store::DeviceStatus write(uint32_t first, const store::Segment* segments, uint32_t count) override {
        for (uint32_t i = 0; i < count; ++i) {
            const auto* from = static_cast<const uint8_t*>(segments[i].data);
            for (uint32_t offset = 0; offset < segments[i].bytes; offset += store::sector_bytes) {
                Sector data;
                std::memcpy(data.data(), from + offset, store::sector_bytes);
                put(first++, data);
            }
        }
        return store::DeviceStatus::ok;
    }

    store::DeviceStatus flush() override { return store::DeviceStatus::ok; }

    virtual void put(uint32_t lba, const Sector& data) {
        unreadable_.erase(lba); // a write makes a bad sector good again
        changed_[lba] = data;
    }
    void make_unreadable(uint32_t lba) { unreadable_.insert(lba); }
    const Sector& sector(uint32_t lba) const {
        const auto found = changed_.find(lba);
        return found != changed_.end() ? found->second : image_->at(lba);
    }
    std::vector<Sector> whole_image() const {
        std::vector<Sector> image = *image_;
        for (const auto& [lba, data] : changed_)
            image.at(lba) = data;
        return image;
    }

private:
    std::shared_ptr<const std::vector<Sector>> image_;
    std::map<uint32_t, Sector> changed_;
    std::set<uint32_t> unreadable_;
};

struct DiskEvent {
    enum class Kind { write, flush, committed } kind;
    uint32_t number = 0; // sector, or epoch
    Sector data = {};
};

// A disk in use, and the history of it. Planted faults stand for mistakes the store might make.
class RecordingDisk final : public MediaDisk {
public:
    struct Alias { // writes in place: one region is really another
        uint32_t from = 0, to = 0, sectors = 0;
    };
    struct Planted {
        int forgotten_flush = -1; // of every commit's flushes, the one that is never sent to the disk
        std::vector<Alias> aliases = {};
    };

    RecordingDisk(std::vector<Sector> image, Planted planted)
        : MediaDisk{image}, first_image_{std::move(image)}, planted_{std::move(planted)} {}
    explicit RecordingDisk(std::vector<Sector> image) : RecordingDisk{std::move(image), Planted{}} {}

    store::DeviceStatus read(uint32_t first, void* buffer, uint32_t sectors) override {
        return MediaDisk::read(really(first), buffer, sectors);
    }
    void put(uint32_t lba, const Sector& data) override {
        MediaDisk::put(really(lba), data);
        history_.push_back({DiskEvent::Kind::write, really(lba), data});
    }
    store::DeviceStatus flush() override {
        if (flushes_in_commit_++ != planted_.forgotten_flush)
            history_.push_back({DiskEvent::Kind::flush});
        return store::DeviceStatus::ok;
    }
    void begin_commit() { flushes_in_commit_ = 0; }
    void report_committed(uint32_t epoch) {
        flushes_in_commit_ = 1000;
        history_.push_back({DiskEvent::Kind::committed, epoch});
    }
    const std::vector<DiskEvent>& history() const { return history_; }
    const std::vector<Sector>& first_image() const { return first_image_; }

    // Where a sector of the planted alias really lies; the checker's disks must see the same mistake.
    uint32_t really(uint32_t lba) const {
        for (const Alias& alias : planted_.aliases)
            if (lba >= alias.from && lba < alias.from + alias.sectors)
                return lba - alias.from + alias.to;
        return lba;
    }

private:
    std::vector<Sector> first_image_;
    Planted planted_;
    int flushes_in_commit_ = 1000;
    std::vector<DiskEvent> history_;
};

} // namespace fixpoint::test
