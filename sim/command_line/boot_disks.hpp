// The disks that `fixpoint boot` is given: `--disk IMG[,key=value...]`, up to four times.
//
// Keys: `unit` 0 to 3, primary master to secondary slave (otherwise the first place that is free); `model`, the
// drive's file; `access` read-write, overlay (writes stay in memory) or read-only (a write-protected drive);
// `overlay` true for access=overlay; any other is a key of the drive's file.
#pragma once

#include "models/disk/disk_image.hpp"
#include "sim/machine/machine.hpp"

#include <array>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace fixpoint::sim {

class BootDisks {
public:
    // Throws ConfigurationError and DiskImageError.
    explicit BootDisks(const std::vector<std::string>& descriptions);

    [[nodiscard]] MachineDisks attached() const;

private:
    struct Disk {
        models::DiskParameters parameters{};
        std::unique_ptr<models::DiskImage> image;
    };
    std::array<Disk, std::tuple_size_v<MachineDisks>> disks_;
};

} // namespace fixpoint::sim
