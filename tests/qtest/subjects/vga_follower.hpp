// Follows a sequence on a VGA of its own, to see where QEMU does otherwise: what the table of known differences may name.
#pragma once

#include "models/chipset/vga.hpp"
#include "tests/qtest/subjects/vga_accesses.hpp"

#include <array>
#include <optional>

#include <fmt/format.h>

namespace fixpoint::qtest::vga {

class Follower {
public:
    Features follow(const Step& step) {
        Features here = lasting_;
        switch (step.action) {
        case Action::read:
        case Action::write:
            follow_port(step, here);
            break;
        case Action::read_memory:
        case Action::write_memory:
            for (unsigned i = 0; i < step.bytes; ++i)
                follow_memory(step.address + i, step.action == Action::write_memory,
                              static_cast<uint8_t>(step.value >> 8 * i), here);
            break;
        default:
            break;
        }
        return here;
    }

private:
    using Vga = models::Vga;
    static constexpr unsigned planes = 4;

    // True from now on to the end of the sequence.
    void from_now_on(Features& here, const char* name) {
        here.insert(name);
        lasting_.insert(name);
    }

    void follow_port(const Step& step, Features& here) {
        const bool writes = step.action == Action::write;
        if (step.address == bochs_index || step.address == bochs_data) {
            follow_bochs(step, here);
            return;
        }
        if (step.address < Vga::first_port || step.address > Vga::last_port)
            return;
        for (uint32_t i = 0; i < step.bytes; ++i)
            follow_byte(step.address + i, writes, static_cast<uint8_t>(step.value >> 8 * i), here);
    }
    void follow_byte(uint32_t port, bool writes, uint8_t value, Features& here) {
        const uint32_t on_colour = (port & ~0xFu) == Vga::first_port ? port + to_monochrome : port;
        const bool monochrome = port != on_colour,
                   colour_now = vga_.registers().miscellaneous() & bits::colour_addresses;
        const bool decoded = on_colour < 0x3D0 || monochrome != colour_now;
        if (decoded && on_colour == crt + 1)
            here.insert(fmt::format("crt:{:#x}", vga_.read(port - 1 - Vga::first_port, 1)));
        if (decoded && on_colour == sequencer + 1)
            here.insert(fmt::format("sequencer:{:#x}", vga_.read(port - 1 - Vga::first_port, 1)));
        if (port == attribute && data_next_)
            here.insert("attribute_data_next");
        if (port == attribute && writes)
            data_next_ = !data_next_;
        if (decoded && on_colour == status_1 && !writes)
            data_next_ = false;
        follow_palette(port, writes, here);
        if (!decoded)
            here.insert("not_decoded");
        if (writes)
            vga_.write(port - Vga::first_port, 1, value);
        else
            vga_.read(port - Vga::first_port, 1);
    }
    void follow_palette(uint32_t port, bool writes, Features& here) {
        if (writes && (port == palette_read || port == palette_write))
            palette_reads_ = port == palette_read;
        if (port == palette_data && writes == palette_reads_)
            from_now_on(here, "palette_mixed");
        if (palette_reads_)
            here.insert("palette_reads");
    }
    void follow_bochs(const Step& step, Features& here) {
        constexpr uint32_t enable = 4, capabilities = 2;
        const auto value = static_cast<uint32_t>(step.value);
        const bool writes = step.action == Action::write;
        if (step.address == bochs_index) {
            if (writes)
                bochs_ = value;
            return;
        }
        if (writes && bochs_ == enable)
            capabilities_ = value & capabilities;
        here.insert(fmt::format("bochs:{}", bochs_));
        if (capabilities_)
            here.insert("bochs_capabilities");
    }

    void follow_memory(uint32_t address, bool writes, uint8_t value, Features& here) {
        if (address < windows_begin || address >= windows_end)
            return;
        const models::VgaRegisters& registers = vga_.registers();
        const Window& window = windows[registers.graphics(bits::graphics_miscellaneous) >> 2 & 3];
        if (address >= window.begin && address < window.end) {
            follow_access(address - window.begin, writes, here);
            if (writes)
                vga_.write(Vga::window + address - windows_begin, 1, value);
        } else {
            here.insert("outside_window");
        }
    }
    void follow_access(uint32_t offset, bool writes, Features& here) {
        const models::VgaRegisters& registers = vga_.registers();
        const Addressing addressing = addressing_of(registers);
        const bool planar = addressing == Addressing::planar;
        if (!(registers.miscellaneous() & bits::memory_on))
            from_now_on(here, "memory_off");
        if (planar && offset >= models::VgaPlanes::plane_bytes)
            from_now_on(here, "beyond_planes");
        if (writes)
            follow_write(addressing, offset, here);
        else if (is_elsewhere(addressing, planes_read(addressing, offset)))
            here.insert("addressing_changed");
        if (!planar && !writes && registers.graphics(bits::graphics_mode) & bits::read_compares)
            here.insert("compares");
        if (!writes)
            latches_stale_ = !planar;
    }
    void follow_write(Addressing addressing, uint32_t offset, Features& here) {
        const models::VgaRegisters& registers = vga_.registers();
        const uint32_t written = planes_written(addressing, offset);
        if (addressing == Addressing::other || is_elsewhere(addressing, written))
            from_now_on(here, "addressing_changed");
        for (unsigned plane = 0; plane < planes; ++plane)
            if (written >> plane & 1)
                addressings_[plane] = addressing;
        const bool planar = addressing == Addressing::planar;
        if (planar ? latches_stale_ && uses_latches(registers) : !data_is_as_written(registers))
            from_now_on(here, "data_path");
        if (addressing == Addressing::odd_even && !one_plane(registers, offset & 1))
            from_now_on(here, "odd_even_planes");
    }
    // Whether one of the planes has been written in another addressing.
    bool is_elsewhere(Addressing addressing, uint32_t among) const {
        for (unsigned plane = 0; plane < planes; ++plane)
            if (among >> plane & 1 && addressings_[plane].value_or(addressing) != addressing)
                return true;
        return false;
    }
    uint32_t planes_written(Addressing addressing, uint32_t offset) const {
        const uint32_t enabled = vga_.registers().sequencer(bits::map_mask);
        switch (addressing) {
        case Addressing::chain_4:
            return enabled & 1u << (offset & 3);
        case Addressing::odd_even:
            return enabled & 0b0101u << (offset & 1);
        default:
            return enabled;
        }
    }
    uint32_t planes_read(Addressing addressing, uint32_t offset) const {
        const models::VgaRegisters& registers = vga_.registers();
        const uint32_t map = registers.graphics(bits::read_map);
        switch (addressing) {
        case Addressing::chain_4:
            return 1u << (offset & 3);
        case Addressing::odd_even:
            return 1u << ((map & 2) | (offset & 1));
        default:
            return registers.graphics(bits::graphics_mode) & bits::read_compares
                       ? registers.graphics(bits::colour_care)
                       : 1u << map;
        }
    }
    static bool uses_latches(const models::VgaRegisters& registers) {
        return (registers.graphics(bits::graphics_mode) & 1) != 0 || // write modes 1 and 3
               registers.graphics(bits::rotate_and_function) >> 3 != 0 ||
               registers.graphics(bits::bit_mask) != 0xFF;
    }
    static bool data_is_as_written(const models::VgaRegisters& registers) {
        return (registers.graphics(bits::graphics_mode) & 3) == 0 &&
               registers.graphics(bits::enable_set_reset) == 0 &&
               registers.graphics(bits::rotate_and_function) == 0 &&
               registers.graphics(bits::bit_mask) == 0xFF;
    }
    // Of the two even or odd planes those that the map mask enables are the one that reads come from.
    static bool one_plane(const models::VgaRegisters& registers, uint32_t odd) {
        const uint32_t enabled = registers.sequencer(bits::map_mask) & 0b0101u << odd;
        const uint32_t read = 1u << ((registers.graphics(bits::read_map) & 2) | odd);
        return enabled == (enabled & read);
    }

    Vga vga_;
    Features lasting_;
    std::array<std::optional<Addressing>, planes> addressings_{}; // of what has been written
    bool latches_stale_ = false;                                  // QEMU's
    bool data_next_ = false, palette_reads_ = false, capabilities_ = false;
    uint32_t bochs_ = 0;
};

} // namespace fixpoint::qtest::vga
