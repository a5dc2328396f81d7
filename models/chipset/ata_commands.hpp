// Command codes of an ATA drive (ATA/ATAPI-5, clause 8; the EXT ones ATA/ATAPI-6, the old ones ATA-3).
#pragma once

#include <cstdint>
#include <optional>

namespace fixpoint::models {

namespace ata_command {

inline constexpr uint8_t recalibrate = 0x10;
inline constexpr uint8_t read_sectors = 0x20, read_sectors_no_retry = 0x21;
inline constexpr uint8_t read_sectors_ext = 0x24;
inline constexpr uint8_t read_dma_ext = 0x25;
inline constexpr uint8_t read_native_maximum_ext = 0x27;
inline constexpr uint8_t read_multiple_ext = 0x29;
inline constexpr uint8_t write_sectors = 0x30, write_sectors_no_retry = 0x31;
inline constexpr uint8_t write_sectors_ext = 0x34;
inline constexpr uint8_t write_dma_ext = 0x35;
inline constexpr uint8_t write_multiple_ext = 0x39;
inline constexpr uint8_t verify_sectors = 0x40, verify_sectors_no_retry = 0x41;
inline constexpr uint8_t verify_sectors_ext = 0x42;
inline constexpr uint8_t seek = 0x70;
inline constexpr uint8_t diagnostic = 0x90;
inline constexpr uint8_t initialise_parameters = 0x91;
inline constexpr uint8_t smart = 0xB0;
inline constexpr uint8_t read_multiple = 0xC4;
inline constexpr uint8_t write_multiple = 0xC5;
inline constexpr uint8_t set_multiple_mode = 0xC6;
inline constexpr uint8_t read_dma = 0xC8, read_dma_no_retry = 0xC9;
inline constexpr uint8_t write_dma = 0xCA, write_dma_no_retry = 0xCB;
inline constexpr uint8_t standby_immediate = 0xE0, standby_immediate_old = 0x94;
inline constexpr uint8_t idle_immediate = 0xE1, idle_immediate_old = 0x95;
inline constexpr uint8_t standby = 0xE2, standby_old = 0x96;
inline constexpr uint8_t idle = 0xE3, idle_old = 0x97;
inline constexpr uint8_t check_power_mode = 0xE5, check_power_mode_old = 0x98;
inline constexpr uint8_t sleep = 0xE6, sleep_old = 0x99;
inline constexpr uint8_t flush_cache = 0xE7;
inline constexpr uint8_t flush_cache_ext = 0xEA;
inline constexpr uint8_t identify_device = 0xEC;
inline constexpr uint8_t set_features = 0xEF;
inline constexpr uint8_t security_freeze_lock = 0xF5;
inline constexpr uint8_t read_native_maximum = 0xF8;

} // namespace ata_command

enum class AtaDirection { none, to_host, from_host };

// A command that moves sectors over the cable.
struct AtaTransfer {
    AtaDirection direction = AtaDirection::none;
    bool dma = false;      // by the bus master, else through the data port
    bool extended = false; // 48-bit address
    bool multiple = false; // in blocks of SET MULTIPLE MODE
};
[[nodiscard]] std::optional<AtaTransfer> ata_transfer(uint8_t code);

} // namespace fixpoint::models
