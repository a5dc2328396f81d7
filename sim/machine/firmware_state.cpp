#include "sim/machine/firmware_state.hpp"

#include "models/cpu/msr.hpp"

#include <algorithm>
#include <cstring>

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

void write_bios_data(models::PhysicalMemory& memory) {
    const auto put = [&](uint32_t address, uint16_t value) {
        std::memcpy(memory.span(address, sizeof value).data(), &value, sizeof value);
    };
    put(0x400, 0x3F8);  // COM1
    put(0x40E, 0x9FC0); // segment of the extended BIOS data area
    put(0x413, 639);    // base memory in KB
    // The screen: mode 3, 80 columns, 32 KB of memory a page 4 KB, a cursor of two lines in an 8-line cell.
    put(0x449, 80 << 8 | 3);
    put(0x44C, 4096);
    put(0x460, 0x0607);
    put(0x463, 0x3D4);
    put(0x484, 16 << 8 | 24); // the last row's number, lines a character
}

} // namespace

// 16-bit fields of kilobytes and of 64 KB blocks.
void write_memory_sizes(models::Rtc& rtc, uint64_t memory_bytes) {
    constexpr unsigned base_kb = 640;
    const auto above_1mb_kb = std::min<uint64_t>((memory_bytes >> 10) - 1024, 65'535);
    const uint64_t above_16mb = memory_bytes > 16 << 20 ? (memory_bytes - (16 << 20)) >> 16 : 0;
    const auto put = [&](unsigned low, unsigned high, uint64_t value) {
        rtc.set_cmos(low, static_cast<uint8_t>(value));
        rtc.set_cmos(high, static_cast<uint8_t>(value >> 8));
    };
    put(0x15, 0x16, base_kb);
    put(0x17, 0x18, above_1mb_kb);
    put(0x30, 0x31, above_1mb_kb);
    put(0x34, 0x35, above_16mb);
    rtc.set_cmos(0x14, 0x06); // equipment: a video adapter, a coprocessor bit as every PC has it
}

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

void leave_firmware_state(models::Pic& pic, models::Pit& pit, models::Rtc& rtc,
                          models::KeyboardController& keyboard, models::Vga& vga,
                          models::PhysicalMemory& memory) {
    initialise_pic(pic);
    initialise_pit(pit);
    keyboard.leave_firmware_state();
    write_memory_sizes(rtc, memory.size());
    vga.set_text_mode();
    write_bios_data(memory);
}

} // namespace fixpoint::sim
