// The video adapter's PCI function, as QEMU's standard VGA has it, and its option ROM.
//
// Source: PCI Local Bus Specification 2.1, section 6.2.5 (base addresses, expansion ROM); QEMU 7.2, docs/specs/
// standard-vga. The VGA's own ports and memory window are decoded at all times. Behind the base address of the
// linear frame buffer nothing answers: there are no modes that have one.
#pragma once

#include "models/chipset/pci.hpp"
#include "models/device.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace fixpoint::models {

class VgaFunction final : public Device, public PciFunction {
public:
    std::function<void()> on_change; // the command register or a base address

    // `rom`: what firmware copies and calls; empty: there is none, and no base address for it. It appears with
    // a power of two of bytes, 2 KB at least; all ones follow the image.
    explicit VgaFunction(std::vector<uint8_t> rom);

    [[nodiscard]] uint32_t rom_size() const { return static_cast<uint32_t>(rom_.size()); }
    // Where the ROM is decoded; null: nowhere.
    [[nodiscard]] std::optional<uint32_t> rom_base() const;

    // The ROM.
    uint32_t read(uint32_t offset, unsigned bytes) override;
    void write(uint32_t, unsigned, uint32_t) override {}
    void advance(Picoseconds) override {}
    [[nodiscard]] Picoseconds next_event() const override { return never; }
    void power_cycle(Picoseconds) override {} // the PCI host's restores the configuration

private:
    void changed() override {
        if (on_change)
            on_change();
    }

    std::vector<uint8_t> rom_;
};

} // namespace fixpoint::models
