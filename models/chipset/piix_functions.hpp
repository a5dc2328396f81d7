// The PCI functions of a 440FX/PIIX board that have nothing but configuration space here: the host bridge at 00:00.0,
// whose attribute registers steer the memory below 1 MB, and the PIIX3 ISA bridge at 00:01.0. (IDE: piix_ide.hpp,
// 00:01.1; power management: power_management.hpp, 00:01.3.)
//
// Sources: 82441FX (290549) and 82371SB (290550) data sheets.
#pragma once

#include "models/chipset/pci.hpp"

#include <functional>

namespace fixpoint::models {

class HostBridgeFunction final : public PciFunction {
public:
    // Whether reads and writes of this range reach main memory, or the ROM behind the ISA bridge. After every change
    // of the configuration, for all ranges.
    std::function<void(uint32_t begin, uint32_t bytes, bool reads, bool writes)> on_steering;

    HostBridgeFunction();

private:
    void changed() override;
};

class IsaBridgeFunction final : public PciFunction {
public:
    IsaBridgeFunction();
};

} // namespace fixpoint::models
