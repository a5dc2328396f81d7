#include "sim/machine/machine_inventory.hpp"

#include "models/chipset/ata_identify.hpp"

#include <algorithm>

namespace fixpoint::sim {
namespace {

enum : unsigned {
    floppies = 0x10,
    first_of_checksum = 0x10,
    disk_types = 0x12, // a nibble for each of the first two, 15: see the extended type
    equipment_byte = 0x14,
    base_memory = 0x15,        // KB
    extended_memory = 0x17,    // KB above 1 MB
    extended_disk_type = 0x19, // a byte for each of the first two
    disk_geometry = 0x1B,      // nine bytes for each
    end_of_checksum = 0x2E,    // and the checksum, high byte first
    found_extended_memory = 0x30,
    memory_above_16mb = 0x34, // 64 KB
    boot_order_third = 0x38,  // high nibble; bit 0: no floppy signature check
    disk_translation = 0x39,  // two bits for each IDE unit
    boot_order = 0x3D,        // low nibble first
    more_processors = 0x5F,
};
constexpr uint8_t boot_floppy = 1, boot_disk = 2, boot_cd = 3, no_signature_check = 1;
constexpr unsigned geometry_bytes = 9;

// How the BIOS presents a disk's geometry to INT 13h: as it is, or by LBA.
constexpr unsigned translation_none = 0, translation_lba = 1;
unsigned translation_of(uint64_t sectors) {
    constexpr uint64_t heads = 16, sectors_per_track = 63, most_cylinders = 1024;
    return sectors <= most_cylinders * heads * sectors_per_track ? translation_none : translation_lba;
}

// The cells, with the checksum of those that it covers.
class Cells {
public:
    explicit Cells(models::Rtc& rtc) : rtc_{rtc} {}

    void put(unsigned cell, uint64_t value) {
        const auto byte = static_cast<uint8_t>(value);
        rtc_.set_cmos(cell, byte);
        if (cell >= first_of_checksum && cell < end_of_checksum)
            sum_ += byte;
    }
    void put_word(unsigned cell, uint64_t value) {
        put(cell, value & 0xFF);
        put(cell + 1, value >> 8 & 0xFF);
    }
    void put_checksum() {
        put(end_of_checksum, sum_ >> 8);
        put(end_of_checksum + 1, sum_ & 0xFF);
    }

private:
    models::Rtc& rtc_;
    unsigned sum_ = 0;
};

void put_memory(Cells& cells, uint64_t memory_bytes) {
    constexpr unsigned base_kb = 640;
    const auto above_1mb_kb = std::min<uint64_t>((memory_bytes >> 10) - 1024, 65'535);
    const uint64_t above_16mb = memory_bytes > 16 << 20 ? (memory_bytes - (16 << 20)) >> 16 : 0;
    cells.put_word(base_memory, base_kb);
    cells.put_word(extended_memory, above_1mb_kb);
    cells.put_word(found_extended_memory, above_1mb_kb);
    cells.put_word(memory_above_16mb, above_16mb);
}

// The drives of the first channel, as disks of the user's own type, 47.
void put_disks(Cells& cells, const Inventory& machine) {
    constexpr unsigned see_extended_type = 15, own_type = 47, more_than_8_heads = 1u << 3, no_retries = 0xC0;
    constexpr unsigned no_precompensation = 0xFFFF;
    unsigned types = 0;
    for (unsigned unit = 0; unit < 2; ++unit) {
        const std::optional<uint64_t> sectors = machine.disk_sectors[unit];
        cells.put(extended_disk_type + unit, sectors ? own_type : 0);
        if (!sectors)
            continue;
        types |= see_extended_type << (unit == 0 ? 4 : 0);
        const models::AtaGeometry geometry = models::default_geometry(*sectors);
        const unsigned at = disk_geometry + unit * geometry_bytes;
        cells.put_word(at, geometry.cylinders);
        cells.put(at + 2, geometry.heads);
        cells.put_word(at + 3, no_precompensation);
        cells.put(at + 5, no_retries | (geometry.heads > 8 ? more_than_8_heads : 0));
        cells.put_word(at + 6, geometry.cylinders); // where the heads are parked
        cells.put(at + 8, geometry.sectors);
    }
    cells.put(disk_types, types);
    unsigned translations = 0;
    for (unsigned unit = 0; unit < machine.disk_sectors.size(); ++unit)
        if (machine.disk_sectors[unit])
            translations |= translation_of(*machine.disk_sectors[unit]) << 2 * unit;
    cells.put(disk_translation, translations);
}

} // namespace

void describe_machine(const Inventory& machine, models::FirmwareConfiguration& configuration,
                      models::Rtc& rtc) {
    Cells cells(rtc);
    cells.put(floppies, 0);
    cells.put(equipment_byte, equipment);
    put_memory(cells, machine.memory_bytes);
    put_disks(cells, machine);
    cells.put_checksum();
    cells.put(boot_order, boot_disk | boot_floppy << 4);
    cells.put(boot_order_third, boot_cd << 4 | no_signature_check);
    cells.put(more_processors, 0);

    using Configuration = models::FirmwareConfiguration;
    configuration.set_number(Configuration::memory_size, machine.memory_bytes, 8);
    configuration.set_number(Configuration::processors, 1, 2);
    configuration.set_number(Configuration::most_processors, 1, 2);
    configuration.set_number(Configuration::boot_menu, 0, 2);
    configuration.set_number(Configuration::timer_override, 1, 1);
}

} // namespace fixpoint::sim
