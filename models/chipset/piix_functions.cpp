#include "models/chipset/piix_functions.hpp"

namespace fixpoint::models {

// 82441FX (290549), as QEMU's -M pc shows it.
HostBridgeFunction::HostBridgeFunction() : PciFunction{0x8086, 0x1237, 0x060000, 0x02} {
    define(0x04, 2, 0x0007, 0x0000);
    define(0x59, 4, 0x33333330, 0xFFFFFFF0); // programmable attributes: firmware shadow is plain memory
    define(0x5D, 2, 0x3333, 0xFFFF);
    define(0x72, 1, 0x02, 0x7A); // SMRAM control
}

// 82371SB (290550).
IsaBridgeFunction::IsaBridgeFunction() : PciFunction{0x8086, 0x7000, 0x060100, 0x00} {
    define(0x04, 2, 0x0007, 0x0008);
    define(0x06, 2, 0x0200, 0x0000);
    define(0x0E, 1, 0x80, 0x00);             // more than one function
    define(0x60, 4, 0x0B0B0A0A, 0x8F8F8F8F); // PIRQ A-D routed to IRQ 10, 10, 11, 11
}

} // namespace fixpoint::models
