// Finding the newest valid checkpoint. Nothing here writes to the disk.
//
// Which root counts: of each place (generations of one parity) the newer of its two copies; of the two places the
// newer generation. A place whose copies are *both* bad cannot come from a power cut (store.hpp): it may have held
// a committed epoch newer than the other place's, so open() stops there (I9).
#include "pager/store/sector.hpp"
#include "pager/store/store.hpp"

namespace store {

struct Store::RootPlace {
    RootSector root[2] = {};
    SectorState state[2] = {SectorState::zero, SectorState::zero};

    bool has_root() const { return state[0] == SectorState::ours || state[1] == SectorState::ours; }
    bool is_lost() const { return is_bad(state[0]) && is_bad(state[1]); }
    // Copy 0 is written first: of two copies of one generation they are equal, of two the newer counts.
    uint32_t newest_copy() const {
        if (state[0] != SectorState::ours)
            return 1;
        return state[1] == SectorState::ours && root[1].generation > root[0].generation ? 1 : 0;
    }
    const RootSector& newest() const { return root[newest_copy()]; }

    static bool is_bad(SectorState state) { return state != SectorState::ours && state != SectorState::zero; }
};

bool find_kind(BlockDevice& device, StoreKind& kind) {
    LabelSector label;
    for (const uint32_t sector : label_sector)
        if (read_sector(device, sector, label_magic, label) == SectorState::ours) {
            kind = label.header.kind;
            return true;
        }
    RootSector root;
    for (const auto& place : root_sector)
        for (const uint32_t sector : place)
            if (read_sector(device, sector, root_magic, root) == SectorState::ours) {
                kind = root.header.kind;
                return true;
            }
    return false;
}

uint32_t Store::memory_bytes(uint32_t disk_sectors) const {
    const Geometry geometry = geometry_for(kind_, disk_sectors);
    return geometry.slots == 0 ? 0 : transfer_bytes_max + Directory::memory_bytes(geometry);
}

OpenStatus Store::divide_memory(void* memory, uint32_t bytes, uint32_t disk_sectors) {
    geometry_ = geometry_for(kind_, disk_sectors);
    if (geometry_.slots == 0)
        return OpenStatus::too_small;
    if (bytes < memory_bytes(disk_sectors))
        return OpenStatus::no_memory;
    staging_ = static_cast<uint8_t*>(memory);
    uint8_t* const directory = staging_ + transfer_bytes_max;
    directory_.initialise(kind_, geometry_, directory, staging_);
    take_memory(directory + Directory::memory_bytes(geometry_));
    return OpenStatus::empty;
}

OpenStatus Store::open(BlockDevice& device, void* memory, uint32_t bytes, bool older_allowed,
                       Reading reading) {
    device_ = &device;
    root_ = {};
    damage_ = {};
    labelled_ = foreign_ = degraded_ = clear_other_place_ = clean_ = false;
    repair_label_[0] = repair_label_[1] = repair_root_[0] = repair_root_[1] = false;
    OpenStatus status = divide_memory(memory, bytes, device.sector_count());
    if (status != OpenStatus::empty)
        return status;
    RootPlace place[2];
    status = read_labels();
    if (status == OpenStatus::empty)
        status = read_roots(place);
    last_session_ = read_session(); // here, where the disk's head is
    if (status == OpenStatus::empty)
        status = place[0].has_root() || place[1].has_root()
                     ? choose_checkpoint(place, older_allowed, older_allowed ? Reading::whole : reading)
                     : open_without_checkpoint(place);
    if (status == OpenStatus::checkpoint || status == OpenStatus::empty)
        make_known();
    return status;
}

// What is known of the directory, to the kind of store.
void Store::make_known() {
    opened();
    for (SlotRange range = known_slots(0); range.first < range.end; range = known_slots(range.end))
        learned(range);
    if (is_complete())
        completed();
    else
        for (uint32_t i = recent().tcb_count(); i < recent().count(); ++i)
            learned({recent().slot(i), recent().slot(i) + 1});
}

OpenStatus Store::read_more(SlotRange& range) {
    uint32_t bad = 0;
    const Directory::ReadStatus status = directory_.read_more(*device_, range, bad);
    if (status == Directory::ReadStatus::ok) {
        learned(range);
        if (is_complete())
            completed();
    }
    return directory_status(status, root_, bad);
}

// empty: nothing speaks against going on. Of two valid labels the first counts: a formatting over another kind may
// have been cut short between them.
OpenStatus Store::read_labels() {
    for (uint32_t copy = 0; copy < 2; ++copy) {
        LabelSector label;
        const SectorState state = read_sector(*device_, label_sector[copy], label_magic, label);
        const bool ours = state == SectorState::ours && label.header.kind == kind_;
        if (!labelled_ && state == SectorState::other_version) {
            damage_.number = label.header.version;
            return OpenStatus::wrong_version;
        }
        if (!labelled_ && state == SectorState::ours && !ours) {
            damage_.number = static_cast<uint32_t>(label.header.kind);
            return OpenStatus::other_kind;
        }
        labelled_ = labelled_ || (ours && label.geometry == geometry_);
        foreign_ = foreign_ || state == SectorState::foreign;
        repair_label_[copy] = !ours;
    }
    return OpenStatus::empty;
}

OpenStatus Store::read_roots(RootPlace (&place)[2]) {
    for (uint32_t parity = 0; parity < 2; ++parity)
        for (uint32_t copy = 0; copy < 2; ++copy) {
            RootSector& root = place[parity].root[copy];
            SectorState& state = place[parity].state[copy];
            state = read_sector(*device_, root_sector[parity][copy], root_magic, root);
            if (state == SectorState::other_version) {
                damage_.number = root.header.version;
                return OpenStatus::wrong_version;
            }
            if (state == SectorState::ours && root.header.kind != kind_) {
                damage_.number = static_cast<uint32_t>(root.header.kind);
                return OpenStatus::other_kind;
            }
            if (state == SectorState::ours &&
                (root.generation == 0 || (root.generation & 1) != parity || root.geometry != geometry_ ||
                 root.directory_blocks > geometry_.directory_blocks()))
                state = SectorState::torn;
        }
    return OpenStatus::empty;
}

// No valid root: was anything ever here?
OpenStatus Store::open_without_checkpoint(const RootPlace (&place)[2]) {
    if (!labelled_ && foreign_)
        return OpenStatus::foreign;
    if (place[0].is_lost() || place[1].is_lost()) {
        damage_.epoch = place[1].is_lost() ? 1 : 2;
        return OpenStatus::damaged_roots;
    }
    return labelled_ ? OpenStatus::empty : OpenStatus::blank;
}

OpenStatus Store::choose_checkpoint(const RootPlace (&place)[2], bool older_allowed, Reading reading) {
    uint32_t parity = 0;
    if (!place[0].has_root() ||
        (place[1].has_root() && place[1].newest().generation > place[0].newest().generation))
        parity = 1;
    OpenStatus newest = OpenStatus::checkpoint;
    if (place[parity ^ 1].is_lost()) {
        // Its generation was the one before, or the one after and then perhaps reported committed.
        damage_.epoch = place[parity].newest().epoch + 1;
        newest = OpenStatus::damaged_roots;
        if (!older_allowed)
            return newest;
    } else {
        newest = read_directory(place[parity].newest(), reading);
        if (newest != OpenStatus::checkpoint) {
            parity ^= 1;
            if (!older_allowed || !place[parity].has_root())
                return newest;
        }
    }
    if (newest != OpenStatus::checkpoint) {
        degraded_ = clear_other_place_ = true;
        const Damage lost = damage_;
        if (read_directory(place[parity].newest(), reading) != OpenStatus::checkpoint || !verify_all_pages())
            return OpenStatus::damaged_page;
        damage_ = lost;
    }
    for (uint32_t copy = 0; copy < 2; ++copy)
        repair_root_[copy] = place[parity].state[copy] != SectorState::ours ||
                             place[parity].root[copy].generation != root_.generation;
    return OpenStatus::checkpoint;
}

OpenStatus Store::read_directory(const RootSector& root, Reading reading) {
    uint32_t bad = 0;
    Directory::ReadStatus status = directory_.open(*device_, root, bad);
    SlotRange range;
    while (status == Directory::ReadStatus::ok && reading == Reading::whole && !directory_.is_complete())
        status = directory_.read_more(*device_, range, bad);
    if (status == Directory::ReadStatus::ok)
        root_ = root;
    return directory_status(status, root, bad);
}

OpenStatus Store::directory_status(Directory::ReadStatus status, const RootSector& root, uint32_t bad) {
    if (status == Directory::ReadStatus::ok)
        return OpenStatus::checkpoint;
    damage_ = {root.epoch, bad};
    return status == Directory::ReadStatus::damaged_index ? OpenStatus::damaged_index
                                                          : OpenStatus::damaged_directory;
}

bool Store::verify_all_pages() {
    for (uint32_t slot = 0; slot < slots(); ++slot)
        if (entry(slot).is_used() && load(slot, staging_) != LoadStatus::ok) {
            damage_ = {root_.epoch, slot};
            return false;
        }
    return true;
}

} // namespace store
