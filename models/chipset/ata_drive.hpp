// The ATA side of a drive: task file, status, commands, PIO and DMA data phases. The medium is a Disk.
//
// Source: ATA/ATAPI-5 (T13/1321D); status values as observed on real PIIX systems. The phases:
//
//   idle --command--> executing --sector there--> pio_in ---all read---> executing | idle
//                        |    \---room, writes--> pio_out --all given--> executing
//                        |     \--sectors ready-> dma (bus master, sector by sector) --> executing
//                        +---command_done(), INTRQ--> idle
//
// BSY is set while executing, DRQ in pio_in, pio_out and dma.
//
// Registers and addresses are in ata_drive.cpp, commands in ata_commands.cpp, phases in ata_data_phases.cpp.
#pragma once

#include "models/chipset/ata_identify.hpp"
#include "models/disk/disk.hpp"
#include "models/time.hpp"
#include "models/wire.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fixpoint::models {

// Status register.
namespace ata_status {
inline constexpr uint8_t busy = 0x80, ready = 0x40, device_fault = 0x20, seek_complete = 0x10,
                         data_request = 0x08, error = 0x01;
}
// Error register.
namespace ata_error {
inline constexpr uint8_t uncorrectable = 0x40, id_not_found = 0x10, aborted = 0x04;
}

class AtaDrive {
public:
    Wire interrupt; // INTRQ, before nIEN

    AtaDrive(Disk& disk, std::string model);

    // Task file registers 1 to 7, as addressed by the host. Reading 7 lowers INTRQ.
    uint8_t read_register(unsigned index);
    void write_register(unsigned index, uint8_t value);
    [[nodiscard]] uint8_t alternate_status() const { return status_; }
    void write_control(uint8_t value);                                // 0x3F6: SRST, nIEN is the channel's
    [[nodiscard]] bool selected() const { return !(device_ & 0x10); } // this is device 0
    uint16_t read_data();
    void write_data(uint16_t value);

    // The bus master's side: a DMA command is in its data phase and the drive has a sector, or room for one.
    [[nodiscard]] bool dma_request() const;
    [[nodiscard]] bool dma_to_memory() const { return direction_ == Direction::to_host; }
    // False: the sector is unreadable and the command has ended.
    [[nodiscard]] bool dma_take(Sector data);
    void dma_put(ConstSector data);

    void advance(Picoseconds now);
    [[nodiscard]] Picoseconds next_event() const { return disk_.next_event(); }
    // Power-on or the RESET- line: registers and settings as after power-on. The disk keeps its write cache
    // unless its own power_loss() took it.
    void reset(Picoseconds now);

private:
    enum class Phase { idle, executing, pio_in, pio_out, dma };
    enum class Direction { none, to_host, from_host };

    void command(uint8_t code);
    void begin_transfer(Direction direction, bool dma, bool extended, bool multiple);
    void begin_verify(bool extended);
    void begin_flush();
    void set_features();
    void identify();
    void enter(Phase phase); // with the phase's status
    void step();
    void step_pio_in();
    void step_pio_out();
    void finish();
    void fail(uint8_t error);
    void fail_unreadable();
    void signature();
    void soft_reset();
    [[nodiscard]] bool address(bool extended, uint64_t& lba, uint32_t& sectors) const;
    void store_address(uint64_t lba);

    Disk& disk_;
    std::string model_;
    Picoseconds now_ = 0;

    // Task file; each register keeps its previous value for the 48-bit commands.
    struct Register {
        uint8_t current = 0, previous = 0;
        void write(uint8_t value) {
            previous = current;
            current = value;
        }
    };
    Register features_, count_, lba_low_, lba_mid_, lba_high_;
    uint8_t device_ = 0, status_ = 0, error_ = 0, control_ = 0;
    AtaSettings settings_;
    AtaGeometry geometry_{};

    Phase phase_ = Phase::idle;
    Direction direction_ = Direction::none;
    bool dma_ = false, extended_ = false, verify_ = false;
    uint64_t first_lba_ = 0;
    uint32_t sectors_ = 0;        // of the command
    uint32_t moved_ = 0;          // over the cable, of them
    uint32_t block_sectors_ = 1;  // moved for each DRQ of a PIO command
    std::vector<uint8_t> buffer_; // the PIO block
    size_t buffer_position_ = 0;
    uint32_t buffer_sectors_ = 0; // pio_out: how many of the block the drive has taken
};

} // namespace fixpoint::models
