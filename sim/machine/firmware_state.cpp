#include "sim/machine/firmware_state.hpp"

#include "models/cpu/msr.hpp"
#include "sim/machine/firmware_vectors.hpp"
#include "sim/machine/machine_inventory.hpp"

#include <algorithm>
#include <array>

namespace fixpoint::sim {
namespace {

void initialise_pic(models::Pic& pic) {
    struct Chip {
        uint32_t offset;
        uint8_t base, cascade, mask, level;
    };
    // Vectors 08 and 70; timer, keyboard, cascade and floppy open, RTC, mouse and the disks.
    for (const Chip& chip :
         {Chip{0, 0x08, 0x04, 0xB8, 0x00}, Chip{models::Pic::slave_offset, 0x70, 0x02, 0x8E, 0x0C}}) {
        pic.write(chip.offset, 1, 0x11);
        pic.write(chip.offset + 1, 1, chip.base);
        pic.write(chip.offset + 1, 1, chip.cascade);
        pic.write(chip.offset + 1, 1, 0x01);
        pic.write(chip.offset + 1, 1, chip.mask);
        pic.write(models::Pic::elcr_offset + chip.offset / models::Pic::slave_offset, 1, chip.level);
    }
}

// Channel 0 ticks at 18.2 Hz: mode 2, count 65,536.
void initialise_pit(models::Pit& pit) {
    pit.write(3, 1, 0x34);
    pit.write(0, 1, 0);
    pit.write(0, 1, 0);
}

// Channel 4 lets the first controller's requests through.
void initialise_dma(models::DmaControllers& dma) {
    constexpr uint32_t single_mask = models::DmaControllers::second + 2 * 10, mode = single_mask + 2;
    dma.write(mode, 1, 0xC0); // cascade
    dma.write(single_mask, 1, 0x00);
}

// The BIOS data area (IBM PC/AT Technical Reference, section 5; for the fields since the EGA, Brown's memory list).
enum : uint32_t {
    bios_data = 0x400,
    serial_bases = 0x400, // four words
    parallel_bases = 0x408,
    extended_data_segment = 0x40E,
    equipment_word = 0x410,
    base_memory_kb = 0x413,
    key_buffer_head = 0x41A,
    key_buffer_tail = 0x41C,
    video_mode = 0x449,
    video_columns = 0x44A,
    video_page_bytes = 0x44C,
    cursor_of_page_0 = 0x450, // column, row
    cursor_shape = 0x460,     // end, start
    crtc_port = 0x463,
    disk_count = 0x475,
    disk_control = 0x476,
    printer_timeout = 0x478,
    serial_timeouts = 0x47C, // four bytes
    key_buffer_begin = 0x480,
    key_buffer_end = 0x482,
    video_last_row = 0x484,
    character_height = 0x485,
    video_control = 0x487,
    video_switches = 0x488,
    video_options = 0x489,
    display_combination = 0x48A,
    keyboard_status_3 = 0x496,
    bios_data_end = 0x500,
    extended_data = 0x9FC00,
};

void write_bios_data(models::PhysicalMemory& memory, const FirmwareDevices& devices) {
    const auto put8 = [&](uint32_t address, unsigned value) {
        memory.data()[address] = static_cast<uint8_t>(value);
    };
    const auto put16 = [&](uint32_t address, unsigned value) {
        put8(address, value & 0xFF);
        put8(address + 1, value >> 8);
    };
    std::ranges::fill(memory.span(bios_data, bios_data_end - bios_data), uint8_t{0});

    constexpr std::array<uint16_t, 4> ports{0x3F8, 0x2F8, 0x3E8, 0x2E8};
    const unsigned serial_ports = std::min<unsigned>(devices.serial_ports, ports.size());
    for (unsigned i = 0; i < serial_ports; ++i) {
        put16(serial_bases + 2 * i, ports[i]);
        put8(serial_timeouts + i, 10);
    }
    put16(parallel_bases, 0x378);
    put8(printer_timeout, 20);
    constexpr unsigned colour_80_columns = 2 << 4, one_parallel_port = 1 << 14;
    put16(equipment_word, equipment | colour_80_columns | serial_ports << 9 | one_parallel_port);
    put16(base_memory_kb, extended_data / 1024);
    put16(extended_data_segment, extended_data / 16);
    put8(extended_data, 1); // its size in KB

    constexpr unsigned keys_begin = 0x1E, keys_end = 0x3E; // from 0x400
    put16(key_buffer_begin, keys_begin);
    put16(key_buffer_end, keys_end);
    put16(key_buffer_head, keys_begin);
    put16(key_buffer_tail, keys_begin);
    put8(keyboard_status_3, 0x10); // 101 or 102 keys

    put8(video_mode, 3); // text, 80x25, colour
    put16(video_columns, 80);
    put16(video_page_bytes, 0x1000);
    put16(cursor_of_page_0, 0x0200); // third line: SeaBIOS has written its banner
    put16(cursor_shape, 0x0607);
    put16(crtc_port, 0x3D4);
    put8(video_last_row, 24);
    put16(character_height, 16);
    put8(video_control, 0x60);  // 256 KB of video memory
    put8(video_switches, 0xF9); // a colour VGA
    put8(video_options, 0x51);  // VGA, 400 lines
    put8(display_combination, 8);

    put8(disk_count, devices.disks);
    put8(disk_control, 0xC0); // no retries, as SeaBIOS sets it
}

} // namespace

void leave_memory_types(models::Cpu& cpu) {
    namespace msr = models::msr;
    constexpr uint64_t write_back = 6, eight_write_back = 0x0606'0606'0606'0606,
                       eight_write_protected = 0x0505'0505'0505'0505;
    constexpr uint64_t devices_begin = 0x8000'0000, devices_mask = 0xF'8000'0000, mask_valid = 1u << 11;
    constexpr uint64_t enable = 1u << 11, enable_fixed = 1u << 10;
    struct Setting {
        uint32_t number;
        uint64_t value;
    };
    constexpr Setting settings[] = {{msr::mtrr_fixed_64k, eight_write_back}, // 0 to 512 KB, 512 to 640 KB
                                    {msr::mtrr_fixed_16k, eight_write_back},
                                    {msr::mtrr_variable, devices_begin}, // uncacheable
                                    {msr::mtrr_variable + 1, devices_mask | mask_valid},
                                    {msr::mtrr_default, enable | enable_fixed | write_back}};
    for (const Setting& setting : settings)
        if (!cpu.write_msr(setting.number, setting.value))
            return;                       // a processor without memory type ranges
    constexpr uint32_t rom_registers = 8; // 768 KB to 1 MB
    for (uint32_t i = 0; i < rom_registers; ++i)
        if (!cpu.write_msr(msr::mtrr_fixed_4k + i, eight_write_protected))
            return;
}

void leave_firmware_state(const ProgrammedChips& chips, models::PhysicalMemory& memory,
                          const FirmwareDevices& devices) {
    initialise_pic(chips.pic);
    initialise_pit(chips.pit);
    initialise_dma(chips.dma);
    chips.keyboard.leave_firmware_state();
    chips.vga.set_text_mode();
    write_firmware_vectors(memory);
    write_bios_data(memory, devices);
}

} // namespace fixpoint::sim
