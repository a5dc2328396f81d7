// The drives of a machine, each with its own parameters and image.
#pragma once

#include "models/disk/disk.hpp"

#include <array>

namespace fixpoint::sim {

// A drive at one of the four places of the IDE controller.
struct MachineDisk {
    models::DiskParameters parameters{};
    models::DiskImage* image = nullptr; // null: nothing there
};
// Primary master and slave, secondary master and slave.
using MachineDisks = std::array<MachineDisk, 4>;

} // namespace fixpoint::sim
