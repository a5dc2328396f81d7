// The ATA side of a drive: task file, status, commands, PIO and DMA data phases. The medium is a Disk.
//
// Source: ATA/ATAPI-5 (T13/1321D); status values as observed on real PIIX systems. The phases:
//
//   idle --command--> executing --sector there--> pio_in ---all read---> executing | idle
//                        |    \---room, writes--> pio_out --all given--> executing
//                        |     \--sectors ready-> dma (bus master, sector by sector) --> executing
//                        +---command_done(), INTRQ--> idle
//
// BSY is set while executing, DRQ in pio_in, pio_out and dma. During a transfer by ports, count and address
// registers tell what is left to move after the block at hand.
//
// What happens when something fails is in ata_errors.hpp.
//
// Registers, addresses and resets are in ata_drive.cpp, commands in ata_commands.cpp and ata_features.cpp,
// phases in ata_data_phases.cpp.
#pragma once

#include "models/chipset/ata_commands.hpp"
#include "models/chipset/ata_errors.hpp"
#include "models/chipset/ata_identify.hpp"
#include "models/chipset/ata_power.hpp"
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
    Wire interrupt; // INTRQ before selection and nIEN, which are the channel's

    // unit: 0 to 3, primary master to secondary slave; it only shows in IDENTIFY.
    AtaDrive(Disk& disk, std::string model, unsigned unit, AtaErrors errors);

    // Task file registers 1 to 6; both drives of a cable are written.
    [[nodiscard]] uint8_t read_register(unsigned index) const;
    void write_register(unsigned index, uint8_t value);
    // HOB ends with any write to the command block, which both drives see (ATA/ATAPI-6, 7.9).
    void clear_high_order_byte();
    // Whether the drive, being selected, takes register writes; else they are lost for both drives.
    [[nodiscard]] bool listens() const;
    // Register 7 of the selected drive; reading it lowers INTRQ.
    uint8_t read_status();
    void command(uint8_t code);
    // EXECUTE DEVICE DIAGNOSTIC goes to both drives, device 0 interrupts.
    void diagnose(bool interrupts);
    [[nodiscard]] uint8_t alternate_status() const { return status_; }
    void write_control(uint8_t value); // 0x3F6: SRST and HOB
    uint16_t read_data();
    void write_data(uint16_t value);

    // The bus master's side: a DMA command is in its data phase and the drive has a sector, or room for one.
    [[nodiscard]] bool dma_request() const;
    [[nodiscard]] bool dma_to_memory() const { return transfer_.direction == AtaDirection::to_host; }
    // False: the command has ended with an error instead.
    [[nodiscard]] bool dma_take(Sector data);
    [[nodiscard]] bool dma_put(ConstSector data);
    // The controller stops with a failed command.
    [[nodiscard]] bool error_stops_bus_master() const { return like_qemu(); }
    // What a DMA command has still to move.
    [[nodiscard]] uint64_t dma_bytes_left() const { return uint64_t{sectors_ - moved_} * sector_bytes; }
    // The bus master's table has ended. A real drive goes on waiting if it has more to move.
    void table_ended();

    void advance(Picoseconds now);
    [[nodiscard]] Picoseconds next_event() const { return disk_.next_event(); }
    // Power-on or the RESET- line: registers and settings as after power-on. The disk keeps its write cache
    // unless its own power_loss() took it.
    void reset(Picoseconds now);

private:
    enum class Phase { idle, executing, pio_in, pio_out, dma };

    [[nodiscard]] bool like_qemu() const { return errors_ == AtaErrors::qemu; }

    void begin_transfer(const AtaTransfer& transfer);
    void begin_verify(bool extended);
    void begin_flush();
    void seek();
    void set_multiple_mode();
    void initialise_parameters();
    void power_command(uint8_t code);
    void set_features();
    void select_transfer_mode();
    void select_transfer_mode_like_qemu();
    void smart();
    void identify();

    void enter(Phase phase); // with the phase's status
    void step();
    void step_verify();
    void step_pio_in();
    void step_pio_out();
    void request_block();
    [[nodiscard]] uint32_t block_length() const; // sectors of the next DRQ block
    [[nodiscard]] bool block_exists(uint32_t sectors) const;
    void dma_moved();
    void complete();
    void finish();
    void request_interrupt();
    void fail(uint8_t error);
    void fail_beyond_end();
    void fail_unreadable();
    void fail_unwritable(uint64_t lba);

    void forget_count_and_address();
    void signature();
    void soft_reset();
    [[nodiscard]] AtaSettings power_on_settings() const;
    [[nodiscard]] bool addresses_48_bits() const;
    [[nodiscard]] bool read_address(); // to first_lba_ and sectors_; false: no such cylinder, head, sector
    [[nodiscard]] uint32_t sectors_that_exist() const; // of the range
    void store_address(uint64_t lba);
    void store_progress(uint64_t lba); // the next sector of the transfer, and how many are left

    Disk& disk_;
    std::string model_;
    unsigned unit_;
    AtaErrors errors_;
    bool power_on_write_cache_;
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
    bool reverts_at_reset_; // settings, with a software reset
    AtaGeometry geometry_{};
    AtaPower power_;

    // The command.
    Phase phase_ = Phase::idle;
    AtaTransfer transfer_;
    bool verify_ = false;
    bool reports_write_errors_ = false; // of the media; else a later FLUSH CACHE does
    bool seek_complete_ = true;         // in the status at the end
    uint64_t first_lba_ = 0;
    uint32_t sectors_ = 0;        // of the command
    uint32_t available_ = 0;      // those of them that the disk has
    uint32_t moved_ = 0;          // over the cable, of them; PIO reads: with the block at hand
    uint32_t block_sectors_ = 1;  // moved for each DRQ of a PIO command
    std::vector<uint8_t> buffer_; // the PIO block
    size_t buffer_position_ = 0;
    uint32_t buffer_sectors_ = 0; // how many of the block have moved between buffer and disk
};

} // namespace fixpoint::models
