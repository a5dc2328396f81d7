// The disk as the drain sees it: takes several writes at once, ends them in any order, some with an error, and reads memory
// at different moments between.
//
// What a power cut in the middle would leave is recorded: any sectors of the writes on their way may be on the disk.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "pager/checkpoint/write_queue.hpp"
#include "tests/store/recording_disk.hpp"

namespace fixpoint::test {

class AsynchronousDisk final : public pager::WriteQueue {
public:
    struct Faults {
        bool errors = false; // some writes fail, in part done
        bool reads_after_end =
            false; // planted: memory is read only when the write has long been said to be over
    };

    // `meanwhile` runs whenever the drain waits.
    AsynchronousDisk(RecordingDisk& disk, std::mt19937_64& random, Faults faults,
                     std::function<void()> meanwhile)
        : disk_{disk}, random_{random}, faults_{faults}, meanwhile_{std::move(meanwhile)} {}
    virtual ~AsynchronousDisk() = default;

    store::DeviceStatus submit(uint32_t place, uint32_t first_sector, const store::Segment* segments,
                               uint32_t count) override;
    End wait() override;
    store::DeviceStatus flush() override;

    // With reads_after_end: now it reads it.
    void write_late();

    uint32_t on_their_way() const;
    uint32_t most_on_their_way() const { return most_; }
    // What the drain did that it must not.
    const std::optional<std::string>& misuse() const { return misuse_; }

private:
    struct Write {
        uint32_t first_sector = 0;
        std::vector<const uint8_t*> sectors; // in memory
        std::vector<uint8_t> first_half;     // of each sector, as it was at the submission
    };

    Sector sector_of(const Write& write, size_t i) const;
    void write_some_sectors(const Write& write);
    void write_all_sectors(const Write& write);
    bool overlaps_one_on_its_way(const Write& write) const;
    void blame(const char* what) {
        if (!misuse_)
            misuse_ = what;
    }

    RecordingDisk& disk_;
    std::mt19937_64& random_;
    Faults faults_;
    std::function<void()> meanwhile_;
    std::array<std::optional<Write>, places> writes_; // on their way
    std::vector<Write> late_;
    uint32_t most_ = 0;
    std::optional<std::string> misuse_;
};

} // namespace fixpoint::test
