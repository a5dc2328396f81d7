// One run of an experiment on the simulated machine: boot, power cuts and shutdowns, observation, to its end.
#pragma once

#include "sim/config/experiment.hpp"
#include "sim/machine/boot_image.hpp"
#include "sim/run/instruments.hpp"
#include "sim/run/outcome.hpp"
#include "sim/run/progress.hpp"

#include <filesystem>

namespace fixpoint::sim {

// Kernel and modules for the experiment, out of `folder`. Throws BootError naming a file that is missing.
[[nodiscard]] BootImage boot_image(const Experiment& experiment, const std::filesystem::path& folder);

// Once a process, inside sc_main. The disk's final content is saved to `disk_file` unless that is empty.
// Throws BootError, models::DiskImageError.
[[nodiscard]] Outcome simulate(const Experiment& experiment, const BootImage& image,
                               const std::filesystem::path& disk_file, const Instruments& instruments,
                               Progress& progress);

} // namespace fixpoint::sim
