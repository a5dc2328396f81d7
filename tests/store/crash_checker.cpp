#include "tests/store/crash_checker.hpp"

#include <memory>

#include "tests/store/opened_store.hpp"

namespace fixpoint::test {
namespace {

// A disk whose reads go through the run's planted mistake.
class AliasedDisk final : public MediaDisk {
public:
    AliasedDisk(std::shared_ptr<const std::vector<Sector>> image, const RecordingDisk& recording)
        : MediaDisk{std::move(image)}, recording_{recording} {}
    store::DeviceStatus read(uint32_t first, void* buffer, uint32_t sectors) override {
        return MediaDisk::read(recording_.really(first), buffer, sectors);
    }

private:
    const RecordingDisk& recording_;
};

enum class InFlight { arrived, unreadable, torn };

// Puts the subset `chosen` of the window on a disk that holds all that is durable; its last write in an odd
// state.
void crash(MediaDisk& disk, const std::vector<const DiskEvent*>& window, const std::vector<bool>& chosen,
           InFlight last) {
    const DiskEvent* last_write = nullptr;
    Sector before = {};
    for (size_t i = 0; i < window.size(); ++i)
        if (chosen[i]) {
            last_write = window[i];
            before = disk.sector(last_write->number);
            disk.put(last_write->number, last_write->data);
        }
    if (last_write != nullptr && last == InFlight::unreadable)
        disk.make_unreadable(last_write->number);
    if (last_write != nullptr && last == InFlight::torn) {
        // The head lost power within the sector: new bytes first, old ones behind, and no error from the
        // drive.
        Sector data = last_write->data;
        std::copy(before.begin() + 200, before.end(), data.begin() + 200);
        disk.put(last_write->number, data);
    }
}

} // namespace

std::vector<uint8_t> page_content(uint64_t seed) {
    std::vector<uint8_t> content(store::block_bytes);
    if (seed == zero_page)
        return content;
    std::mt19937_64 random{seed};
    for (size_t i = 0; i < content.size(); i += 8) {
        const uint64_t word = random();
        std::memcpy(&content[i], &word, 8);
    }
    return content;
}

std::optional<std::string> check_disk(MediaDisk& disk, const History& worlds, uint32_t oldest_allowed,
                                      uint32_t newest_allowed) {
    store::StoreKind kind = store::StoreKind::ab;
    if (!store::find_kind(disk, kind))
        return oldest_allowed == 0 ? std::nullopt : std::optional{std::string{"no store is found"}};
    const OpenedStore on_disk{disk, kind};
    const store::Store& opened = on_disk.opened;
    const store::OpenStatus status = on_disk.status;
    if (status != store::OpenStatus::checkpoint) {
        const bool nothing = status == store::OpenStatus::empty || status == store::OpenStatus::blank;
        if (nothing && oldest_allowed == 0)
            return std::nullopt;
        return "open says " + std::to_string(static_cast<int>(status));
    }
    const uint32_t epoch = opened.epoch();
    if (epoch < oldest_allowed || epoch > newest_allowed)
        return "epoch " + std::to_string(epoch) + ", reported " + std::to_string(oldest_allowed);
    World expected = worlds.at(epoch);
    for (uint32_t slot = 0; slot < opened.slots(); ++slot) {
        if (!opened.entry(slot).is_used())
            continue;
        const auto page = expected.find(opened.entry(slot).key());
        if (page == expected.end())
            return "a page too many in epoch " + std::to_string(epoch);
        std::vector<uint8_t> content(store::block_bytes);
        if (opened.load(slot, content.data()) != store::LoadStatus::ok)
            return "slot " + std::to_string(slot) + " of epoch " + std::to_string(epoch) + " does not verify";
        if (content != page_content(page->second))
            return "slot " + std::to_string(slot) + " of epoch " + std::to_string(epoch) +
                   " has other content";
        expected.erase(page);
    }
    if (!expected.empty())
        return "pages missing in epoch " + std::to_string(epoch);
    return std::nullopt;
}

CrashCheck check_all_crashes(const RecordingDisk& disk, const History& worlds, uint32_t first_epoch,
                             uint64_t seed, unsigned exhaustive_window, unsigned random_subsets,
                             const StateCheck& also) {
    std::mt19937_64 random{seed};
    CrashCheck result;
    auto durable = std::make_shared<std::vector<Sector>>(disk.first_image());
    std::vector<const DiskEvent*> window;
    uint32_t reported = first_epoch;

    const auto try_state = [&](const std::vector<bool>& chosen, InFlight last) {
        AliasedDisk state{durable, disk};
        crash(state, window, chosen, last);
        ++result.states;
        if (!result.violation) {
            auto found = check_disk(state, worlds, reported, reported + 1);
            if (!found && also)
                found = also(state);
            if (found)
                result.violation = *found + " (" + std::to_string(window.size()) +
                                   " writes in the window, state " + std::to_string(result.states) + ")";
        }
    };
    const auto try_window = [&] {
        const size_t writes = window.size();
        for (const InFlight last : {InFlight::arrived, InFlight::unreadable, InFlight::torn})
            try_state(std::vector<bool>(writes, true), last);
        if (writes <= exhaustive_window) {
            // The newest write takes part or not in turn: older subsets were tried when it was not yet there.
            for (uint64_t subset = 0; subset < uint64_t{1} << (writes - 1); ++subset) {
                std::vector<bool> chosen(writes, true);
                for (size_t i = 0; i + 1 < writes; ++i)
                    chosen[i] = (subset >> i & 1) != 0;
                try_state(chosen, InFlight::arrived);
            }
            return;
        }
        for (unsigned i = 0; i < random_subsets; ++i) {
            std::vector<bool> chosen(writes);
            for (size_t bit = 0; bit < writes; ++bit)
                chosen[bit] = (random() & 1) != 0;
            try_state(chosen, static_cast<InFlight>(random() % 3));
        }
        std::vector<bool> only_newest(writes, false);
        only_newest.back() = true;
        try_state(only_newest, InFlight::arrived);
    };

    for (const DiskEvent& event : disk.history()) {
        switch (event.kind) {
        case DiskEvent::Kind::write:
            window.push_back(&event);
            try_window();
            break;
        case DiskEvent::Kind::flush:
            for (const DiskEvent* write : window)
                durable->at(write->number) = write->data;
            window.clear();
            break;
        case DiskEvent::Kind::committed:
            reported = event.number;
            if (window.empty())
                try_state({}, InFlight::arrived);
            else
                try_window(); // reported, but still in the disk's cache: a forgotten flush
            break;
        }
        if (result.violation)
            break;
    }
    return result;
}

MediaDisk random_crash(const RecordingDisk& disk, std::mt19937_64& random, uint32_t& reported,
                       size_t& events) {
    events = random() % (disk.history().size() + 1);
    auto durable = std::make_shared<std::vector<Sector>>(disk.first_image());
    std::vector<const DiskEvent*> window;
    for (size_t i = 0; i < events; ++i) {
        const DiskEvent& event = disk.history()[i];
        if (event.kind == DiskEvent::Kind::write)
            window.push_back(&event);
        if (event.kind == DiskEvent::Kind::committed)
            reported = event.number;
        if (event.kind == DiskEvent::Kind::flush) {
            for (const DiskEvent* write : window)
                durable->at(write->number) = write->data;
            window.clear();
        }
    }
    std::vector<bool> chosen(window.size());
    for (size_t i = 0; i < chosen.size(); ++i)
        chosen[i] = (random() & 1) != 0;
    MediaDisk crashed{std::shared_ptr<const std::vector<Sector>>{durable}};
    crash(crashed, window, chosen, static_cast<InFlight>(random() % 3));
    return crashed;
}

} // namespace fixpoint::test
