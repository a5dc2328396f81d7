#include "models/chipset/piix_functions.hpp"

namespace fixpoint::models {

// 82441FX (290549), as QEMU's -M pc shows it.
HostBridgeFunction::HostBridgeFunction() : PciFunction{0x8086, 0x1237, 0x060000, 0x02} {
    define(0x04, 2, 0x0007, 0x0000);
    define(0x0D, 1, 0x00, 0xF8); // master latency timer
    define(0x59, 4, 0x33333330,
           0xFFFFFFF0); // programmable attributes 0 to 6: firmware shadow is plain memory
    define(0x5D, 2, 0x3333, 0xFFFF);
    define(0x5F, 1, 0x33, 0xFF);
    define(0x72, 1, 0x02, 0x7A); // SMRAM control
}

// 82371SB (290550). What has no effect here still has its value after reset, and keeps what is written.
IsaBridgeFunction::IsaBridgeFunction() : PciFunction{0x8086, 0x7000, 0x060100, 0x00} {
    define(0x04, 2, 0x0007, 0x0008);
    define(0x06, 2, 0x0200, 0x0000);
    define(0x0E, 1, 0x80, 0x00);             // more than one function
    define(0x4C, 1, 0x4D, 0xFF);             // ISA recovery time
    define(0x4E, 2, 0x0003, 0x01FF);         // chip selects of the X-bus
    define(0x60, 4, 0x0B0B0A0A, 0x8F8F8F8F); // PIRQ A-D routed to IRQ 10, 10, 11, 11
    define(0x69, 1, 0x02, 0xFE);             // top of memory
    define(0x70, 1, 0x80, 0xCF);             // motherboard device's IRQ
    define(0x76, 2, 0x0C0C, 0x8F8F);         // motherboard devices' DMA channels
    define(0x78, 2, 0x0002, 0xFFFF);         // programmable chip select
    define(0xA0, 1, 0x08, 0x1F);             // SMI control
    define(0xA2, 2, 0x0000, 0x01FF);         // SMI enable
    define(0xA4, 4, 0x00000000, 0xA000FFFB); // system event enable
    define(0xA8, 1, 0x0F, 0xFF);             // fast-off timer
}

} // namespace fixpoint::models
