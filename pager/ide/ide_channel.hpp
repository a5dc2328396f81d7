// The first channel of a PIIX bus-master IDE function, master drive: LBA28 commands by DMA, completion by
// interrupt 14.
//
// Sources: ATA-4 (INCITS 317) for task file and commands; Intel 82371AB (PIIX4) data sheet, section "Bus
// Master IDE I/O registers". One command at a time, which a CommandRunner begins and
// looks after.
#pragma once

#include <cstdint>

#include "kernel-model/abi/types.hpp"
#include "pager/disk_protocol.hpp"
#include "pager/ide/disk_request.hpp"

namespace pager {

class IdeChannel {
public:
    static constexpr l4::ThreadId interrupt = l4::ThreadId::interrupt(14);

    // Finds the controller and identifies the drive.
    DiskStatus initialise();

    uint32_t sectors() const { return sectors_; }
    // From the first CONNECT on: whose areas the requests name.
    void set_request_page(const DiskRequestPage& page) { page_ = &page; }

    // The channel of a CommandRunner.
    DiskStatus start(const DiskRequest& request);
    bool is_done();
    DiskStatus end();
    void reset();
    // Of an interrupt that belongs to no command.
    void lower_interrupt();

private:
    uint16_t master(uint16_t offset) const { return static_cast<uint16_t>(bus_master_ + offset); }
    DiskStatus identify();
    void start_transfer(bool write, uint32_t first_sector, uint32_t sectors);
    void start_flush();
    DiskStatus end_transfer();
    DiskStatus end_flush();
    bool fill_descriptor_table(const DiskSegment* segments, uint32_t count, uint32_t& sectors);
    void write_task_file(uint32_t first_sector, uint32_t sectors);
    bool wait_until_idle();

    uint16_t bus_master_ = 0; // I/O base of the bus master's registers
    uint32_t sectors_ = 0;
    const DiskRequestPage* page_ = nullptr;
    DiskRequest::Kind kind_ = DiskRequest::Kind::flush; // of the command under way
};

} // namespace pager
