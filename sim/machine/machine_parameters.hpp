// All a machine is made of; loaded from a file in configs/machines and one in configs/disks.
#pragma once

#include "models/chipset/chipset_parameters.hpp"
#include "models/cpu/cpu_parameters.hpp"
#include "models/disk/disk_parameters.hpp"

#include <cstdint>
#include <vector>

namespace fixpoint::sim {

struct MemoryParameters {
    uint64_t bytes; // a multiple of 4,096; 2 MiB to 3 GiB
};

struct MachineParameters {
    models::CpuParameters cpu{};         // table [cpu] of the machine file, caches and TLBs as its sub-tables
    MemoryParameters memory{};           // table [memory]
    models::ChipsetParameters chipset{}; // table [chipset]
    models::DiskParameters disk{};       // the disk file of the first disk, if there is one
    std::vector<uint8_t> video_rom{};    // the video adapter's option ROM (its BIOS); empty: none
};

} // namespace fixpoint::sim
