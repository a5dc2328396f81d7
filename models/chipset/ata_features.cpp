// What the host asks the drive about itself and switches: IDENTIFY DEVICE, SET FEATURES, SMART.
#include "models/chipset/ata_drive.hpp"

#include <algorithm>
#include <array>

namespace fixpoint::models {
namespace {

// Subcommands of SET FEATURES (ATA/ATAPI-5, 8.37).
enum : uint8_t {
    enable_write_cache = 0x02,
    set_transfer_mode = 0x03,
    disable_read_ahead = 0x55,
    keep_settings_over_reset = 0x66,
    disable_write_cache = 0x82,
    enable_read_ahead = 0xAA,
    revert_settings_at_reset = 0xCC,
};

// Kinds of transfer mode, the count register's upper five bits; the mode itself is in the lower three.
enum : unsigned {
    pio_default = 0,
    pio_flow_control = 1,
    single_word_dma = 2,
    multiword_dma = 4,
    ultra_dma = 8
};

// Power and acoustic management, and others that QEMU accepts without offering them.
bool has_no_effect_in_qemu(uint8_t feature) {
    constexpr std::array<uint8_t, 8> accepted{0x05, 0x85, 0x42, 0xC2, 0x67, 0x69, 0x96, 0x9A};
    return std::find(accepted.begin(), accepted.end(), feature) != accepted.end();
}

// Subcommands of SMART (ATA/ATAPI-5, 8.41) that a drive with it must have, and the key that goes with them.
enum : uint8_t {
    smart_autosave = 0xD2,
    smart_enable = 0xD8,
    smart_disable = 0xD9,
    smart_return_status = 0xDA,
};
constexpr uint8_t autosave_off = 0x00, autosave_on = 0xF1;
constexpr uint8_t smart_key_mid = 0x4F, smart_key_high = 0xC2;

} // namespace

void AtaDrive::set_features() {
    switch (features_.current) {
    case enable_write_cache:
        disk_.enable_write_cache(true, now_);
        return finish();
    case disable_write_cache: // what is in the cache goes to the media first
        disk_.enable_write_cache(false, now_);
        reports_write_errors_ = true;
        return begin_flush();
    case disable_read_ahead:
    case enable_read_ahead:
        disk_.enable_read_ahead(features_.current == enable_read_ahead);
        return finish();
    case keep_settings_over_reset:
    case revert_settings_at_reset:
        reverts_at_reset_ = features_.current == revert_settings_at_reset;
        return finish();
    case set_transfer_mode:
        return select_transfer_mode();
    default:
        return like_qemu() && has_no_effect_in_qemu(features_.current) ? finish() : fail(ata_error::aborted);
    }
}

// Any mode of a kind, single-word DMA (2) among the kinds; one that is not DMA ends the DMA mode.
void AtaDrive::select_transfer_mode_like_qemu() {
    const auto kind = static_cast<unsigned>(count_.current >> 3);
    if (kind > single_word_dma && kind != multiword_dma && kind != ultra_dma)
        return fail(ata_error::aborted);
    const auto mode = static_cast<int8_t>(count_.current & 7);
    settings_.multiword_dma_mode = kind == multiword_dma ? mode : int8_t{-1};
    settings_.ultra_dma_mode = kind == ultra_dma ? mode : int8_t{-1};
    finish();
}

void AtaDrive::select_transfer_mode() {
    if (like_qemu())
        return select_transfer_mode_like_qemu();
    const unsigned mode = count_.current & 7;
    switch (count_.current >> 3) {
    case pio_default: // 1: the same without IORDY
        return mode <= 1 ? finish() : fail(ata_error::aborted);
    case pio_flow_control:
        return mode <= ata_modes::pio ? finish() : fail(ata_error::aborted);
    case multiword_dma:
        if (mode > ata_modes::multiword_dma)
            break;
        settings_.multiword_dma_mode = static_cast<int8_t>(mode);
        settings_.ultra_dma_mode = -1;
        return finish();
    case ultra_dma:
        if (mode > ata_modes::ultra_dma)
            break;
        settings_.ultra_dma_mode = static_cast<int8_t>(mode);
        settings_.multiword_dma_mode = -1;
        return finish();
    default:
        break;
    }
    fail(ata_error::aborted);
}

// A drive that never fails its own prediction.
void AtaDrive::smart() {
    const uint8_t subcommand = features_.current;
    if (lba_mid_.current != smart_key_mid || lba_high_.current != smart_key_high ||
        (!settings_.smart && subcommand != smart_enable))
        return fail(ata_error::aborted);
    switch (subcommand) {
    case smart_enable:
    case smart_disable:
        settings_.smart = subcommand == smart_enable;
        return finish();
    case smart_autosave: { // QEMU looks for the choice in another register
        const uint8_t choice = like_qemu() ? lba_low_.current : count_.current;
        return choice == autosave_on || choice == autosave_off ? finish() : fail(ata_error::aborted);
    }
    case smart_return_status: // the key unchanged: no threshold exceeded
        return finish();
    default:
        return fail(ata_error::aborted);
    }
}

void AtaDrive::identify() {
    const uint64_t sectors = disk_.sector_count();
    const AtaIdentity identity{
        .model = model_,
        .unit = unit_,
        .sectors = sectors,
        .current_geometry = like_qemu() ? default_geometry(sectors) : geometry_,
        .write_cache = disk_.write_cache_enabled(),
        .names_device_1 = !like_qemu(),
    };
    buffer_.clear();
    for (const uint16_t word : identify_drive(identity, settings_)) {
        buffer_.push_back(static_cast<uint8_t>(word));
        buffer_.push_back(static_cast<uint8_t>(word >> 8));
    }
    buffer_position_ = 0;
    enter(Phase::pio_in);
    request_interrupt();
}

} // namespace fixpoint::models
