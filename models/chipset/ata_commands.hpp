// Command codes of an ATA drive (ATA/ATAPI-5, clause 8; the EXT ones ATA/ATAPI-6).
#pragma once

#include <cstdint>

namespace fixpoint::models::ata_command {

inline constexpr uint8_t recalibrate = 0x10;
inline constexpr uint8_t read_sectors = 0x20;
inline constexpr uint8_t read_sectors_ext = 0x24;
inline constexpr uint8_t read_dma_ext = 0x25;
inline constexpr uint8_t read_multiple_ext = 0x29;
inline constexpr uint8_t write_sectors = 0x30;
inline constexpr uint8_t write_sectors_ext = 0x34;
inline constexpr uint8_t write_dma_ext = 0x35;
inline constexpr uint8_t write_multiple_ext = 0x39;
inline constexpr uint8_t verify_sectors = 0x40;
inline constexpr uint8_t verify_sectors_ext = 0x42;
inline constexpr uint8_t seek = 0x70;
inline constexpr uint8_t diagnostic = 0x90;
inline constexpr uint8_t initialise_parameters = 0x91;
inline constexpr uint8_t standby_immediate = 0xE0;
inline constexpr uint8_t idle_immediate = 0xE1;
inline constexpr uint8_t standby = 0xE2;
inline constexpr uint8_t idle = 0xE3;
inline constexpr uint8_t check_power_mode = 0xE5;
inline constexpr uint8_t sleep = 0xE6;
inline constexpr uint8_t read_multiple = 0xC4;
inline constexpr uint8_t write_multiple = 0xC5;
inline constexpr uint8_t set_multiple_mode = 0xC6;
inline constexpr uint8_t read_dma = 0xC8;
inline constexpr uint8_t write_dma = 0xCA;
inline constexpr uint8_t flush_cache = 0xE7;
inline constexpr uint8_t flush_cache_ext = 0xEA;
inline constexpr uint8_t identify_device = 0xEC;
inline constexpr uint8_t set_features = 0xEF;
inline constexpr uint8_t read_native_maximum = 0xF8;

} // namespace fixpoint::models::ata_command
