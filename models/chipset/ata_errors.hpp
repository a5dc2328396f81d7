// Whose habits a drive has when something fails.
//
// A real drive (ATA/ATAPI-5, 8): UNC or IDNF with the address of the sector that is unreadable or not there,
// after the sectors before it have moved. A sector that the media refuses to write is a device fault (DF and
// ABRT with the sector's address) of the FLUSH CACHE that follows, or of the write itself without a write cache.
//
// QEMU 7.2 (observed): always ABRT, status 41, and the address of the block that failed; of a DMA transfer that
// of the command, and the bus master stops. A write by ports takes a block's data before it fails; a DMA transfer
// that reaches over the end moves nothing. One whose table of regions is too short is given up without a word
// (QEMU moves nothing of it, this model what the table has room for). VERIFY and SEEK always succeed. CHS
// addresses are not held against the geometry, 48-bit commands without the LBA bit have them too, and IDENTIFY
// tells the default geometry. In a data phase neither commands nor registers are listened to. SET MULTIPLE MODE
// is 16 from the start and after a soft reset, which changes no other setting. Power commands end without DSC;
// the drive is always active and never sleeps.
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
