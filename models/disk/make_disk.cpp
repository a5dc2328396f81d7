#include "models/disk/disk.hpp"
#include "models/disk/ideal_disk.hpp"
#include "models/disk/mechanical_disk.hpp"

#include <stdexcept>

namespace fixpoint::models {

std::unique_ptr<Disk> make_disk(const DiskParameters& parameters, DiskImage& image) {
    if (parameters.interface_bytes_per_second == 0)
        throw std::invalid_argument("interface_bytes_per_second must not be 0");
    if (parameters.model.size() > 40)
        throw std::invalid_argument("model must have at most 40 characters");
    switch (parameters.kind) {
    case DiskKind::mechanical:
        return std::make_unique<MechanicalDisk>(parameters, image);
    case DiskKind::ideal:
        return std::make_unique<IdealDisk>(parameters, image);
    }
    throw std::invalid_argument("kind must be mechanical or ideal");
}

} // namespace fixpoint::models
