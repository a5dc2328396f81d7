// Whose habits a drive has when something fails.
//
// A real drive (ATA/ATAPI-5, 8): UNC or IDNF with the address of the sector that is unreadable or not there,
// after the sectors before it have moved. A sector that the media refuses to write is a device fault (DF and
// ABRT with the sector's address) of the FLUSH CACHE that follows, or of the write itself without a write cache.
//
// QEMU 7.2 (observed): always ABRT, status 41, and the address of the block that failed; of a DMA transfer that
// of the command, and the bus master stops. A write by ports takes a block's data before it fails; a DMA transfer
// that reaches over the end, or whose table of regions is too short for it, moves nothing, and the latter is given
// up without a word. VERIFY and SEEK always succeed. CHS addresses are not held against the geometry, 48-bit commands
// without the LBA bit have them too, and IDENTIFY tells the default geometry. In a data phase neither commands nor
// registers are listened to; the data register is 0 outside of one. SET MULTIPLE MODE is 16 from the start and after
// a soft reset, which changes no other setting, but for the geometry after SET FEATURES CCh, once. Power commands end
// without DSC; the drive is always active and never sleeps. SET FEATURES accepts any mode of a known kind, a PIO mode
// ending the DMA mode, and subcommands of power and acoustic management, without effect; SECURITY FREEZE LOCK
// succeeds and clears the count. EXECUTE DEVICE DIAGNOSTIC is the selected drive's alone, and neither it nor SRST
// selects device 0. A channel's two drives share one interrupt request (ide_channel.hpp).
//
// Not taken over from QEMU: the drive that answers in an absent master's place, and the registers of an absent slave.
//
// Both: a write to a write-protected drive (an image opened read-only) is aborted before any data.
#pragma once

#include <cstdint>

namespace fixpoint::models {

enum class AtaErrors : uint8_t {
    drive, // "drive"
    qemu,  // "qemu"
};

} // namespace fixpoint::models
