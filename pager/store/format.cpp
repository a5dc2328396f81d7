// Making a disk ours, counting starts, and mending what a crash or a bad sector left behind.
#include "pager/store/sector.hpp"
#include "pager/store/store.hpp"

namespace store {

// The label comes last: a format that is cut short leaves a blank disk.
bool Store::format() {
    static constexpr uint8_t zeros[sector_bytes] = {};
    const Segment zero_sector{zeros, sector_bytes};
    for (uint32_t parity = 0; parity < 2; ++parity)
        for (uint32_t copy = 0; copy < 2; ++copy)
            if (device_->write(root_sector[parity][copy], &zero_sector, 1) != DeviceStatus::ok)
                return false;
    for (const uint32_t sector : session_sector)
        if (device_->write(sector, &zero_sector, 1) != DeviceStatus::ok)
            return false;
    if (device_->flush() != DeviceStatus::ok)
        return false;

    root_ = {};
    degraded_ = clear_other_place_ = false;
    repair_root_[0] = repair_root_[1] = false;
    LabelSector label = {};
    label.geometry = geometry_;
    for (const uint32_t sector : label_sector)
        if (!write_sector(*device_, sector, label_magic, label))
            return false;
    if (device_->flush() != DeviceStatus::ok)
        return false;
    make_free_list();
    return true;
}

bool Store::repair() {
    const uint32_t parity = root_.epoch & 1;
    bool written = false;
    for (uint32_t copy = 0; copy < 2; ++copy)
        if (repair_root_[copy]) {
            if (!write_sector(*device_, root_sector[parity][copy], root_magic, root_))
                return false;
            written = true;
        }
    if (clear_other_place_) {
        // The newer checkpoint was given up on request: it must not be found again.
        static constexpr uint8_t zeros[sector_bytes] = {};
        const Segment zero_sector{zeros, sector_bytes};
        for (const uint32_t sector : root_sector[parity ^ 1])
            if (device_->write(sector, &zero_sector, 1) != DeviceStatus::ok)
                return false;
        written = true;
    }
    if (written && device_->flush() != DeviceStatus::ok)
        return false;
    repair_root_[0] = repair_root_[1] = clear_other_place_ = false;
    return true;
}

uint32_t Store::begin_session() {
    SessionSector copies[2];
    uint32_t session = 0;
    bool any_bad = false, any_ours = false;
    for (uint32_t copy = 0; copy < 2; ++copy) {
        const SectorState state = read_sector(*device_, session_sector[copy], session_magic, copies[copy]);
        if (state == SectorState::ours) {
            any_ours = true;
            if (copies[copy].session > session)
                session = copies[copy].session;
        } else if (state != SectorState::zero) {
            any_bad = true;
        }
    }
    // Both copies lost: a number that no earlier start can have had. Only its being new matters.
    if (any_bad && !any_ours)
        session = root_.session + (1u << 16);
    ++session;
    // One after the other: a power cut tears one copy at most, and nothing has run yet with the new number.
    SessionSector sector = {};
    sector.session = session;
    for (const uint32_t place : session_sector)
        if (!write_sector(*device_, place, session_magic, sector) || device_->flush() != DeviceStatus::ok)
            return 0;
    return session;
}

} // namespace store
