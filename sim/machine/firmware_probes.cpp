#include "sim/machine/firmware_probes.hpp"

#include <algorithm>
#include <iterator>

namespace fixpoint::sim {
namespace {

constexpr uint32_t shadow = 0xF'0000, hpet = 0xFED0'0000, hpet_bytes = 0x400;

struct Range {
    uint16_t first, last;
};
constexpr Range ports[] = {
    {0x278, 0x27A},   // LPT2
    {0x2E8, 0x2EF},   // COM4
    {0x3E8, 0x3EF},   // COM3
    {0x402, 0x402},   // QEMU's debug port: its first line is written before it is looked for
    {0xAE0C, 0xAE0F}, // QEMU's register of removable PCI slots
};

} // namespace

void FirmwareProbes::see_steering(uint32_t address, bool reads, bool writes) {
    if (address == shadow && reads && !writes)
        lasts_ = false;
}

bool FirmwareProbes::expects_port(uint16_t port) const {
    return lasts_ && std::any_of(std::begin(ports), std::end(ports), [port](const Range& range) {
               return range.first <= port && port <= range.last;
           });
}

bool FirmwareProbes::expects_memory(uint32_t address) const {
    return lasts_ && address - hpet < hpet_bytes;
}

} // namespace fixpoint::sim
