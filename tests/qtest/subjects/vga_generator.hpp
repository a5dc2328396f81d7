// One sequence for the VGA: a mode's memory, then registers and memory as drivers and torture tests use them, then a look
// at all places that have been written. Most sequences are careful: they keep to one addressing of the memory, and use
// the graphics controller's data path in planar modes only.
#pragma once

#include "tests/qtest/subject.hpp"
#include "tests/qtest/subjects/vga_accesses.hpp"

#include <algorithm>
#include <array>

namespace fixpoint::qtest::vga {

class Generator {
public:
    explicit Generator(Random& random) : random_{random}, careful_{!random.one_in(6)} {}

    Steps run() {
        set_addressing(static_cast<Addressing>(random_.below(3)));
        const unsigned count = 8 + random_.below(50);
        for (unsigned i = 0; i < count; ++i)
            act();
        look_at_memory();
        return steps_;
    }

private:
    bool planar() const { return addressing_ == Addressing::planar; }

    void act() {
        switch (random_.below(20)) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
        case 5:
            access_memory();
            break;
        case 6:
        case 7:
            set_data_path();
            break;
        case 8:
            if (!careful_ && random_.one_in(4))
                set_addressing(static_cast<Addressing>(random_.below(3)));
            else
                select_window(random_.below(4));
            break;
        case 9:
        case 10:
            use_crt();
            break;
        case 11:
        case 12:
            use_attributes();
            break;
        case 13:
        case 14:
        case 15:
            use_palette();
            break;
        case 16:
            use_sequencer();
            break;
        case 17:
            set_miscellaneous();
            break;
        case 18:
            use_bochs();
            break;
        default:
            read_something();
            break;
        }
    }

    void put(uint32_t group, uint32_t index, uint32_t value) {
        if (random_.one_in(2)) {
            steps_.push_back(out(group, value << 8 | index, 2));
        } else {
            steps_.push_back(out(group, index));
            steps_.push_back(out(group + 1, value));
        }
    }
    void get(uint32_t group, uint32_t index) {
        steps_.push_back(out(group, index));
        steps_.push_back(in(group, group != crt_now() && random_.one_in(4) ? 2 : 1));
        steps_.push_back(in(group + 1));
    }
    uint32_t crt_now() const { return colour_ ? crt : crt - to_monochrome; }
    uint32_t status_now() const { return colour_ ? status_1 : status_1 - to_monochrome; }

    // ---- Memory
    void set_addressing(Addressing addressing) {
        addressing_ = addressing;
        const bool upper_planes = addressing == Addressing::odd_even && random_.one_in(6);
        put(sequencer, bits::map_mask,
            upper_planes                         ? 0x0C
            : addressing == Addressing::odd_even ? 0x03
                                                 : 0x0F);
        put(graphics, bits::read_map, upper_planes ? 2 : 0);
        mode_ = addressing == Addressing::odd_even ? bits::read_odd_even : 0;
        put(sequencer, bits::memory_mode, memory_mode());
        set_plain_data_path();
        select_window(addressing == Addressing::odd_even ? 3 : 1);
    }
    uint32_t memory_mode() const {
        return addressing_ == Addressing::odd_even ? 0x02 : planar() ? 0x06 : 0x0E;
    }
    void set_plain_data_path() {
        put(graphics, bits::enable_set_reset, 0);
        put(graphics, bits::rotate_and_function, 0);
        put(graphics, bits::graphics_mode, mode_);
        put(graphics, bits::bit_mask, 0xFF);
    }
    void select_window(uint32_t map) {
        map_ = map;
        const uint32_t low = addressing_ == Addressing::odd_even ? bits::chain_odd_even : bits::no_text;
        put(graphics, bits::graphics_miscellaneous, map << 2 | low);
    }
    // As a BIOS does it in a text mode: plane 2 is where the font is, beside characters and attributes.
    void load_font() {
        const uint32_t map = map_;
        addressing_ = Addressing::planar;
        mode_ = 0;
        put(sequencer, bits::map_mask, 0x04);
        put(sequencer, bits::memory_mode, 0x06);
        put(graphics, bits::read_map, 2);
        put(graphics, bits::graphics_mode, 0);
        select_window(1);
        const uint32_t glyph = windows_begin + 32 * random_.below(256);
        const unsigned lines = 1 + random_.below(16);
        for (uint32_t line = 0; line < lines; ++line)
            steps_.push_back(poke(glyph + line, random_.below(256)));
        for (unsigned i = 0; i < random_.below(4); ++i)
            steps_.push_back(peek(glyph + random_.below(lines)));
        set_addressing(Addressing::odd_even);
        select_window(map);
    }
    void set_data_path() {
        if (careful_ && !planar()) {
            if (addressing_ == Addressing::odd_even)
                load_font();
            else
                put(sequencer, bits::map_mask, random_.one_in(2) ? 0x0F : random_.below(16));
            return;
        }
        switch (random_.below(8)) {
        case 0:
            put(graphics, bits::set_reset, random_.below(16));
            put(graphics, bits::enable_set_reset, random_.one_in(2) ? 0 : random_.below(16));
            break;
        case 1:
            put(graphics, bits::rotate_and_function, random_.below(32));
            break;
        case 2:
            put(graphics, bits::read_map, random_.below(4));
            break;
        case 3:
        case 4: // write mode and read mode
            put(graphics, bits::graphics_mode,
                mode_ | random_.below(4) | (random_.one_in(4) ? uint32_t{bits::read_compares} : 0));
            break;
        case 5:
            put(graphics, bits::bit_mask, random_.one_in(2) ? 0xFF : random_.below(256));
            break;
        case 6:
            put(graphics, bits::colour_compare, random_.below(16));
            put(graphics, bits::colour_care, random_.below(16));
            break;
        default:
            put(sequencer, bits::map_mask, random_.below(16));
            break;
        }
    }
    uint32_t choose_address() {
        if (!touched_.empty() && random_.one_in(2))
            return random_.pick_from(touched_);
        if (random_.one_in(8)) // anywhere, perhaps outside the window
            return windows_begin + random_.below(windows_end - windows_begin);
        const Window& window = windows[map_];
        const uint32_t places =
            planar() && careful_ ? std::min(window.end - window.begin, 0x1'0000u) : window.end - window.begin;
        return window.begin + (random_.one_in(3) ? places - 1 - random_.below(8) : random_.below(32));
    }
    void access_memory() {
        do
            access_place();
        while (!random_.one_in(3));
    }
    void access_place() {
        const uint32_t address = choose_address();
        const auto wanted = random_.pick<uint8_t>({1, 1, 1, 2, 4});
        const uint8_t bytes = address + wanted <= limit() ? wanted : 1;
        if (address >= limit())
            return;
        if (random_.one_in(3)) {
            steps_.push_back(peek(address, bytes));
            return;
        }
        if (planar() && random_.one_in(2)) // what is there takes part
            steps_.push_back(peek(address));
        steps_.push_back(poke(address, bytes == 4 ? random_.word() : random_.below(1u << 8 * bytes), bytes));
        for (uint32_t i = 0; i < bytes; ++i)
            touched_.push_back(address + i);
    }
    // In planar modes the first window is twice as long as the planes.
    uint32_t limit() const { return planar() && careful_ && map_ == 0 ? 0xB0000 : windows_end; }
    void look_at_memory() {
        set_plain_data_path();
        std::sort(touched_.begin(), touched_.end());
        touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
        for (const uint32_t plane : {0u, 1u, 2u, 3u}) {
            if (addressing_ == Addressing::chain_4 ? plane != 0 : !planar() && plane % 2 != 0)
                continue; // the address selects it
            put(graphics, bits::read_map, plane);
            for (const uint32_t address : touched_)
                if (address < limit())
                    steps_.push_back(peek(address));
        }
    }

    // ---- Registers
    void use_crt() {
        const uint32_t index = random_.one_in(3)    ? uint32_t{bits::vertical_retrace_end}
                               : random_.one_in(16) ? random_.below(32)
                                                    : random_.below(bits::crt_count);
        if (random_.one_in(3))
            get(crt_now(), index);
        else // the write protect now and then
            put(crt_now(), index, random_.below(256) & (random_.one_in(2) ? 0xFF : 0x7F));
        if (random_.one_in(2))
            get(crt_now(), index);
    }
    void use_attributes() {
        if (!random_.one_in(4))
            steps_.push_back(in(status_now()));
        const uint32_t index =
            random_.below(bits::attribute_count) | (random_.one_in(2) ? bits::palette_on : 0);
        steps_.push_back(out(attribute, index));
        if (random_.one_in(3)) {
            steps_.push_back(in(attribute_read));
            return;
        }
        steps_.push_back(out(attribute, random_.below(256)));
        if (random_.one_in(2)) {
            steps_.push_back(in(status_now()));
            steps_.push_back(out(attribute, index));
        }
        steps_.push_back(in(attribute_read));
        if (random_.one_in(2))
            steps_.push_back(in(attribute));
    }
    void use_palette() {
        const uint32_t colour = random_.one_in(6) ? 0xFE + random_.below(2) : random_.below(6);
        const bool reads = random_.one_in(2);
        steps_.push_back(out(reads ? palette_read : palette_write, colour));
        const uint32_t components = random_.one_in(3) ? 1 + random_.below(8) : 3;
        for (uint32_t i = 0; i < components; ++i)
            if (reads != (!careful_ && random_.one_in(20)))
                steps_.push_back(in(palette_data));
            else
                steps_.push_back(out(palette_data, random_.below(random_.one_in(8) ? 256 : 64)));
        if (random_.one_in(3))
            steps_.push_back(in(random_.one_in(2) ? palette_read : palette_write));
    }
    void use_sequencer() {
        const uint32_t index = random_.pick<uint32_t>(
            {bits::sequencer_reset, bits::clocking_mode, bits::character_maps, bits::memory_mode, 7});
        if (index == bits::memory_mode)
            put(sequencer, index, memory_mode() | (random_.below(256) & 0xF1));
        else
            put(sequencer, index, random_.below(256));
        get(sequencer, index);
    }
    void set_miscellaneous() {
        colour_ = !random_.one_in(4);
        const bool memory_on = careful_ || !random_.one_in(6);
        steps_.push_back(
            out(miscellaneous_write, (random_.below(256) & ~3u) | (memory_on ? 2 : 0) | colour_));
        if (random_.one_in(3)) // at the addresses of the other one
            steps_.push_back(in((colour_ ? crt - to_monochrome : crt) + random_.below(2)));
        if (random_.one_in(3))
            steps_.push_back(out(status_now(), random_.below(16))); // feature control
    }
    void use_bochs() {
        constexpr uint32_t id = 0, enable = 4, bank = 5, registers = 11;
        const uint32_t index = random_.below(registers + 2);
        steps_.push_back(out(bochs_index, index, 2));
        if (random_.one_in(3)) {
            uint32_t value = random_.below(0x800);
            if (index == id)
                value = 0xB0C0 + random_.below(7);
            else if (index == enable)
                value = random_.one_in(2) ? 0x02 : random_.pick({0x00u, 0x40u, 0x80u});
            else if (index == bank)
                value = 0;
            steps_.push_back(out(bochs_data, value, 2));
        }
        steps_.push_back(in(random_.one_in(6) ? bochs_index : bochs_data, 2));
    }
    void read_something() {
        switch (random_.below(4)) {
        case 0:
            steps_.push_back(in(random_.pick({miscellaneous_read, miscellaneous_write, feature_read,
                                              attribute, palette_read, palette_write, status_now()})));
            break;
        case 1:
            if (random_.one_in(2))
                steps_.push_back(out(pixel_mask, random_.below(256)));
            steps_.push_back(in(pixel_mask));
            break;
        case 2:
            get(graphics, random_.below(16));
            break;
        default:
            get(sequencer, random_.below(8));
            break;
        }
    }

    Random& random_;
    Steps steps_;
    std::vector<uint32_t> touched_;
    Addressing addressing_ = Addressing::planar;
    uint32_t mode_ = 0, map_ = 0;
    bool careful_, colour_ = true;
};

} // namespace fixpoint::qtest::vga
