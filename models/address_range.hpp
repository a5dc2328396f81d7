// A piece of an address space (I/O ports or physical memory) and the registers that a device has there.
#pragma once

#include <cstdint>

namespace fixpoint::models {

struct AddressRange {
    uint64_t first = 0, last = 0; // inclusive
    uint64_t offset = 0;          // of `first` at the device, which may have several ranges
    // Wider accesses are split into bytes, each decoded for itself, as the ISA bridge does.
    bool byte_wide = false;
};

} // namespace fixpoint::models
