// The registers of Bochs's video extension (VBE DISPI), by which drivers and the VGA BIOS know this adapter.
//
// Source: Bochs, "VBE DISPI" interface; QEMU's standard VGA (docs/specs/standard-vga). There is no linear frame
// buffer here: the capabilities name a largest picture of 0x0 and the enable bit stays 0, so that software finds
// no mode beyond the VGA's own. The virtual height is read-only: QEMU computes it when a picture is switched on. All
// else can be written and read back.
#pragma once

#include <array>
#include <cstdint>

namespace fixpoint::models {

class BochsVideo {
public:
    uint16_t index = 0;

    [[nodiscard]] uint16_t read() const;
    void write(uint16_t value);
    void clear();

private:
    static constexpr unsigned register_count = 11;
    std::array<uint16_t, register_count> values_{};
};

} // namespace fixpoint::models
