// The first channel of a PIIX bus-master IDE function, master drive: LBA28 commands by DMA, completion by
// interrupt 14.
//
// Sources: ATA-4 (INCITS 317) for task file and commands; Intel 82371AB (PIIX4) data sheet, section "Bus
// Master IDE I/O registers". One command at a time; a command that fails or does not answer is tried once
// more after a reset.
#pragma once

#include <cstdint>

#include "pager/disk_protocol.hpp"

namespace pager {

class IdeChannel {
public:
    // Finds the controller and identifies the drive.
    DiskStatus initialise();

    uint32_t sectors() const { return sectors_; }
    DiskStatus transfer(bool write, uint32_t first_sector, const DiskSegment* segments, uint32_t count);
    DiskStatus flush();

private:
    enum class Completion { dma, no_data };

    DiskStatus identify();
    DiskStatus transfer_once(bool write, uint32_t first_sector, uint32_t sectors);
    DiskStatus flush_once();
    bool fill_descriptor_table(const DiskSegment* segments, uint32_t count, uint32_t& sectors);
    void write_task_file(uint32_t first_sector, uint32_t sectors);
    bool wait_for_interrupt(Completion completion);
    bool wait_until_idle();
    void reset();

    uint16_t bus_master_ = 0; // I/O base of the bus master's registers
    uint32_t sectors_ = 0;
};

} // namespace pager
