#include "models/chipset/piix_functions.hpp"

namespace fixpoint::models {
namespace {

// PAM0: the high nibble is of 960 KB to 1 MB; PAM1 to PAM6: a nibble for each 16 KB from 768 KB on.
constexpr unsigned attributes = 0x59, attribute_registers = 7;
constexpr uint32_t first_segment = 0xC'0000, last_segment = 0xF'0000, segment_bytes = 0x4000,
                   last_segment_bytes = 0x1'0000;
constexpr uint32_t nibble_reads = 1, nibble_writes = 2;

} // namespace

// As QEMU's -M pc shows it, with the subsystem by which its firmware knows where it runs.
HostBridgeFunction::HostBridgeFunction() : PciFunction{0x8086, 0x1237, 0x060000, 0x02} {
    define(0x04, 2, 0x0007, 0x0000);
    define(0x0D, 1, 0x00, 0xF8); // master latency timer
    define(0x2C, 4, 0x1100'1AF4, 0);
    for (unsigned i = 0; i < attribute_registers; ++i) {
        const uint32_t used = i == 0 ? 0x30 : 0x33;
        define(attributes + i, 1, 0, used);
        define_firmware(attributes + i, 1, used); // the shadow is plain memory
    }
    define(0x72, 1, 0x02, 0x7A); // SMRAM control
}

void HostBridgeFunction::changed() {
    if (!on_steering)
        return;
    const auto tell = [this](uint32_t begin, uint32_t bytes, uint32_t nibble) {
        on_steering(begin, bytes, (nibble & nibble_reads) != 0, (nibble & nibble_writes) != 0);
    };
    tell(last_segment, last_segment_bytes, read_config(attributes, 1) >> 4);
    for (uint32_t begin = first_segment; begin < last_segment; begin += segment_bytes) {
        const uint32_t number = (begin - first_segment) / segment_bytes;
        const uint32_t pair = read_config(attributes + 1 + number / 2, 1);
        tell(begin, segment_bytes, number % 2 == 0 ? pair & 0xF : pair >> 4);
    }
}

// 82371SB. What has no effect here still has its value after reset, and keeps what is written.
IsaBridgeFunction::IsaBridgeFunction() : PciFunction{0x8086, 0x7000, 0x060100, 0x00} {
    define(0x04, 2, 0x0007, 0x0008);
    define(0x06, 2, 0x0200, 0x0000);
    define(0x0E, 1, 0x80, 0x00); // more than one function
    constexpr uint32_t not_routed = 0x8080'8080, irq_10_10_11_11 = 0x0B0B'0A0A;
    define(0x60, 4, not_routed, 0x8F8F8F8F); // PIRQ A-D
    define_firmware(0x60, 4, irq_10_10_11_11);
    define(0x4C, 1, 0x4D, 0xFF);             // ISA recovery time
    define(0x4E, 2, 0x0003, 0x01FF);         // chip selects of the X-bus
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
