// Keys of a machine file and of a disk file: one for each field of the models' parameters, all required.
#pragma once

#include "sim/config/section.hpp"
#include "sim/machine/machine_parameters.hpp"

namespace fixpoint::sim {

// Everything but the disk.
void read_machine_keys(Section& machine, MachineParameters& parameters);
void read_disk_keys(Section& disk, models::DiskParameters& parameters);

} // namespace fixpoint::sim
