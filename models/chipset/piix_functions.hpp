// The PCI functions of a 440FX/PIIX board that have nothing but configuration space here, as SeaBIOS leaves
// them: the host bridge at 00:00.0 and the PIIX3 ISA bridge at 00:01.0. (IDE: piix_ide.hpp, 00:01.1; power
// management: power_management.hpp, 00:01.3.)
#pragma once

#include "models/chipset/pci.hpp"

namespace fixpoint::models {

class HostBridgeFunction final : public PciFunction {
public:
    HostBridgeFunction();
};

class IsaBridgeFunction final : public PciFunction {
public:
    IsaBridgeFunction();
};

} // namespace fixpoint::models
