// One channel of an IDE controller: task file ports, up to two drives on a cable, and its bus master.
//
// Task file writes reach both drives; commands, data and reads concern the selected one, but EXECUTE DEVICE
// DIAGNOSTIC, SRST and nIEN both. The interrupt line is the selected drive's INTRQ: a drive that is deselected
// keeps its request until it is selected again. QEMU (AtaErrors::qemu) has one request for both, whoever is selected:
// raised when a drive asks, or after SRST, unless nIEN is set just then; lowered by a command or a look at the status.
//
// Absent drives (ATA/ATAPI-5, 9.16): for an absent device 1 device 0 answers with its registers, with status 0
// and without data; an absent device 0, and a channel without drives, read as 0 everywhere. (So does QEMU's -M pc
// a channel without drives. Real cables float: 7Fh or FFh, by the board's resistors.)
//
// Source of the bus master: Programming Interface for Bus Master IDE Controller, rev. 1.0. A DMA transfer moves
// sector by sector at the cable's speed; each sector's memory access happens when it has passed. Bus master
// status at the end: 04 when table and transfer end together, 05 when the table is longer, 00 and no interrupt
// when it is shorter (the drive goes on waiting; QEMU looks at the table first and moves nothing).
//
// The ports are in ide_channel.cpp, the bus master in ide_bus_master.cpp.
#pragma once

#include "models/chipset/ata_drive.hpp"
#include "models/chipset/bus_master.hpp"
#include "models/time.hpp"
#include "models/wire.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace fixpoint::models {

// A drive at its place on the cable.
struct CabledDrive {
    AtaDrive* drive = nullptr;   // null: nothing there
    Picoseconds sector_time = 0; // of a DMA transfer on the cable
};
using CabledDrives = std::array<CabledDrive, 2>; // device 0, device 1

class IdeChannel {
public:
    static constexpr unsigned data_port = 0; // of the task file: the only one that is wider than a byte

    Wire interrupt; // IRQ 14 or 15

    IdeChannel(const CabledDrives& drives, AtaErrors errors, BusMasterMemory& memory);

    uint32_t read_task_file(unsigned index, unsigned bytes);
    void write_task_file(unsigned index, unsigned bytes, uint32_t value);
    [[nodiscard]] uint8_t alternate_status() const;
    void write_control(uint8_t value);

    [[nodiscard]] uint32_t read_bus_master(unsigned offset, unsigned bytes) const;
    void write_bus_master(unsigned offset, unsigned bytes, uint32_t value);
    void enable_bus_master(bool enabled);

    void advance(Picoseconds now);
    [[nodiscard]] Picoseconds next_event() const;
    void reset(Picoseconds now);

private:
    [[nodiscard]] AtaDrive* selected() const { return drives_[selected_].drive; }
    // Calls `action` for each drive that is there.
    template<typename Action>
    void each_drive(Action action) {
        for (const CabledDrive& cabled : drives_)
            if (cabled.drive != nullptr)
                action(*cabled.drive);
    }
    uint32_t read_data(unsigned bytes);
    void write_data(unsigned bytes, uint32_t value);
    void command(uint8_t code);
    void diagnose();
    [[nodiscard]] bool like_qemu() const { return errors_ == AtaErrors::qemu; }
    void update_interrupt();
    void raise_interrupt();

    [[nodiscard]] bool drive_wants_sector() const; // in the direction of the engine
    void write_command_register(uint8_t value);
    void start_sector(Picoseconds now);
    void finish_sector();
    bool next_region();
    void end_of_table();
    void stop_engine(bool error);
    struct Region {
        uint32_t address, bytes;
    };
    bool next_sector_regions(std::vector<Region>& regions);
    [[nodiscard]] bool table_suffices(const AtaDrive& drive) const;
    bool move_sector(AtaDrive& drive, const std::vector<Region>& regions);

    CabledDrives drives_;
    AtaErrors errors_;
    BusMasterMemory& memory_;
    Picoseconds now_ = 0;
    unsigned selected_ = 0;            // DEV
    bool interrupts_disabled_ = false; // nIEN
    bool soft_reset_ = false;          // SRST

    uint8_t bm_command_ = 0, bm_status_ = 0;
    uint32_t table_ = 0;
    bool bus_master_enabled_ = false;
    // The engine's place in the table.
    uint32_t next_entry_ = 0, region_ = 0, region_bytes_ = 0;
    bool last_region_ = false;
    Picoseconds sector_done_ = never; // the sector on the cable has passed
};

// Bus master registers.
namespace ide_bus_master {
enum : unsigned { command_register = 0, status_register = 2, table_register = 4 };
inline constexpr uint8_t start = 0x01, to_memory = 0x08;                   // command
inline constexpr uint8_t active = 0x01, error = 0x02, interrupt = 0x04;    // status
inline constexpr uint8_t device_0_capable = 0x20, device_1_capable = 0x40; // of DMA, says firmware
} // namespace ide_bus_master

} // namespace fixpoint::models
