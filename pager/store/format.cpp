// Making a disk ours, counting starts, and mending what a crash or a bad sector left behind.
#include "pager/store/sector.hpp"
#include "pager/store/store.hpp"

namespace store {

// The label comes last: a format that is cut short leaves a blank disk.
bool Store::format() {
    for (const auto& place : root_sector)
        for (const uint32_t sector : place)
            if (!clear_sector(*device_, sector))
                return false;
    for (const uint32_t sector : session_sector)
        if (!clear_sector(*device_, sector))
            return false;
    if (device_->flush() != DeviceStatus::ok)
        return false;

    root_ = {};
    last_session_ = {};
    degraded_ = clear_other_place_ = clean_ = false;
    repair_root_[0] = repair_root_[1] = false;
    directory_.initialise(kind_, geometry_, staging_ + transfer_bytes_max, staging_);
    make_known();
    repair_label_[0] = repair_label_[1] = true;
    return repair();
}

bool Store::repair() {
    bool written = false;
    for (uint32_t copy = 0; copy < 2; ++copy)
        if (repair_label_[copy]) {
            LabelSector label = {};
            label.geometry = geometry_;
            if (!write_sector(*device_, label_sector[copy], label_magic, kind_, label))
                return false;
            written = true;
        }
    const uint32_t parity = root_.generation & 1;
    for (uint32_t copy = 0; copy < 2; ++copy)
        if (repair_root_[copy]) {
            if (!write_sector(*device_, root_sector[parity][copy], root_magic, kind_, root_))
                return false;
            written = true;
        }
    if (clear_other_place_) {
        // The newer checkpoint was given up on request: it must not be found again.
        for (const uint32_t sector : root_sector[parity ^ 1])
            if (!clear_sector(*device_, sector))
                return false;
        written = true;
    }
    if (written && device_->flush() != DeviceStatus::ok)
        return false;
    for (uint32_t copy = 0; copy < 2; ++copy)
        repair_label_[copy] = repair_root_[copy] = false;
    clear_other_place_ = false;
    return true;
}

Store::LastSession Store::read_session() {
    LastSession last;
    bool any_bad = false;
    for (const uint32_t place : session_sector) {
        SessionSector sector;
        const SectorState state = read_sector(*device_, place, session_magic, sector);
        if (state == SectorState::ours && sector.session > last.number)
            last.number = sector.session;
        any_bad = any_bad || (state != SectorState::ours && state != SectorState::zero);
    }
    last.lost = any_bad && last.number == 0;
    return last;
}

// A copy that a power cut tore in begin_session() may have had the next number: but nothing has run with that.
bool Store::is_clean_after(const LastSession& last) const {
    return (root_.flags & RootSector::last_of_session) != 0 && !last.lost && last.number == root_.session;
}

bool Store::find_clean() {
    clean_ = is_clean_after(last_session_);
    return clean_;
}

uint32_t Store::begin_session() {
    const LastSession last = last_session_;
    clean_ = is_clean_after(last);
    // Both copies lost: a number that no earlier start can have had. Only its being new matters.
    const uint32_t session = (last.lost ? root_.session + (1u << 16) : last.number) + 1;
    // One after the other: a power cut tears one copy at most, and nothing has run yet with the new number.
    SessionSector sector = {};
    sector.session = session;
    for (const uint32_t place : session_sector)
        if (!write_sector(*device_, place, session_magic, kind_, sector) ||
            device_->flush() != DeviceStatus::ok)
            return 0;
    last_session_ = {session, false};
    return session;
}

} // namespace store
