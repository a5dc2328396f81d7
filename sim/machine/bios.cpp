#include "sim/machine/bios.hpp"

#include "sim/machine/boot_image.hpp"
#include "sim/machine/firmware_state.hpp"

#include <fmt/format.h>
#include <fstream>
#include <iterator>

namespace fixpoint::sim {
namespace {

constexpr std::array seabios_places{"/usr/share/seabios/bios-256k.bin", "/usr/share/seabios/bios.bin",
                                    "/usr/share/qemu/bios-256k.bin"};
constexpr std::array video_bios_places{"/usr/share/seabios/vgabios-stdvga.bin",
                                       "/usr/share/qemu/vgabios-stdvga.bin"};

// CMOS cells beside the memory sizes.
enum : unsigned {
    cmos_floppies = 0x10,
    cmos_boot_order_third = 0x38, // high nibble; bit 0: no floppy signature check
    cmos_translation = 0x39,      // two bits for each IDE unit
    cmos_boot_order = 0x3D,       // low nibble first
    cmos_more_processors = 0x5F,
};
constexpr uint8_t boot_floppy = 1, boot_disk = 2, boot_cd = 3, no_signature_check = 1;

// How the BIOS presents a disk's geometry to INT 13h: as it is, or by LBA.
constexpr unsigned translation_none = 0, translation_lba = 1;
unsigned translation_of(uint64_t sectors) {
    constexpr uint64_t heads = 16, sectors_per_track = 63, most_cylinders = 1024;
    return sectors <= most_cylinders * heads * sectors_per_track ? translation_none : translation_lba;
}

std::vector<uint8_t> read_file(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in || !std::filesystem::is_regular_file(file))
        throw BootError(fmt::format("{}: cannot be read: expected a ROM image", file.string()));
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

template<size_t Count>
std::filesystem::path first_existing(const std::array<const char*, Count>& places) {
    for (const char* place : places)
        if (std::filesystem::is_regular_file(place))
            return place;
    return {};
}

} // namespace

Bios::Bios(const std::filesystem::path& file) : rom_{read_file(file)} {
    if (rom_.empty() || rom_.size() % unit_bytes != 0 || rom_.size() > largest_bytes)
        throw BootError(fmt::format("{}: a BIOS ROM has a multiple of 64 KiB, 8 MiB at most, this file {} "
                                    "bytes; pad it at its beginning",
                                    file.string(), rom_.size()));
}

void Bios::describe(const Surroundings& machine, models::FirmwareConfiguration& configuration,
                    models::Rtc& rtc) {
    using Configuration = models::FirmwareConfiguration;
    write_memory_sizes(rtc, machine.memory_bytes);
    unsigned translations = 0;
    for (unsigned unit = 0; unit < machine.disk_sectors.size(); ++unit)
        if (machine.disk_sectors[unit])
            translations |= translation_of(*machine.disk_sectors[unit]) << 2 * unit;
    rtc.set_cmos(cmos_floppies, 0);
    rtc.set_cmos(cmos_translation, static_cast<uint8_t>(translations));
    rtc.set_cmos(cmos_boot_order, boot_disk | boot_floppy << 4);
    rtc.set_cmos(cmos_boot_order_third, boot_cd << 4 | no_signature_check);
    rtc.set_cmos(cmos_more_processors, 0);
    configuration.set_number(Configuration::memory_size, machine.memory_bytes, 8);
    configuration.set_number(Configuration::processors, 1, 2);
    configuration.set_number(Configuration::most_processors, 1, 2);
    configuration.set_number(Configuration::boot_menu, 0, 2);
    configuration.set_number(Configuration::timer_override, 1, 1);
}

std::filesystem::path find_bios(const std::string& name) {
    if (name != "seabios")
        return name;
    std::filesystem::path found = first_existing(seabios_places);
    if (found.empty())
        throw BootError(
            fmt::format("--bios: seabios is not installed: expected one of {}; install the package seabios",
                        fmt::join(seabios_places, ", ")));
    return found;
}

std::vector<uint8_t> read_video_bios() {
    const std::filesystem::path found = first_existing(video_bios_places);
    return found.empty() ? std::vector<uint8_t>{} : read_file(found);
}

} // namespace fixpoint::sim
