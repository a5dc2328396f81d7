#include "sim/machine/mp_tables.hpp"

#include "models/chipset/io_apic.hpp"
#include "models/chipset/local_apic.hpp"
#include "models/chipset/pc_wiring.hpp"
#include "models/cpu/cpuid.hpp"

#include <cstddef>
#include <span>

namespace fixpoint::sim {
namespace {

// Where SeaBIOS has them, too; between 0xF0000 and 0xFFFFF.
constexpr uint32_t tables_address = 0xF'5BA0;

constexpr uint8_t revision_1_4 = 4, paragraph_bytes = 16;
constexpr uint8_t processor_id = 0, io_apic_id = 0, every_apic = 0xFF, bus_pci = 0, bus_isa = 1;

// All little-endian, as the host is.
struct FloatingPointer { // 4.1
    char signature[4] = {'_', 'M', 'P', '_'};
    uint32_t table;
    uint8_t paragraphs = 1, revision = revision_1_4, checksum = 0;
    uint8_t default_configuration = 0; // there is a table
    uint8_t features = 0;              // virtual wire mode, no IMCR
    uint8_t reserved[3] = {};
};
static_assert(sizeof(FloatingPointer) == paragraph_bytes);

struct Header { // 4.2
    char signature[4] = {'P', 'C', 'M', 'P'};
    uint16_t bytes;
    uint8_t revision = revision_1_4, checksum = 0;
    char manufacturer[8] = {'F', 'I', 'X', 'P', 'O', 'I', 'N', 'T'};
    char product[12] = {'P', 'C', ' ', '2', '0', '0', '0', ' ', ' ', ' ', ' ', ' '};
    uint32_t oem_table = 0;
    uint16_t oem_bytes = 0, entries;
    uint32_t local_apic = models::LocalApic::base;
    uint16_t extended_bytes = 0;
    uint8_t extended_checksum = 0, reserved = 0;
};
static_assert(sizeof(Header) == 44);

struct Processor { // 4.3.1
    uint8_t type = 0, id = processor_id, apic_version = models::LocalApic::version;
    uint8_t flags = 0b11; // usable, the bootstrap processor
    uint32_t signature, features;
    uint32_t reserved[2] = {};
};
static_assert(sizeof(Processor) == 20);

struct Bus { // 4.3.2
    uint8_t type = 1, id;
    char name[6];
};
static_assert(sizeof(Bus) == 8);

struct IoApicEntry { // 4.3.3
    uint8_t type = 2, id = io_apic_id, version = models::IoApic::version;
    uint8_t flags = 1; // usable
    uint32_t address = models::IoApic::base;
};
static_assert(sizeof(IoApicEntry) == 8);

enum class EntryType : uint8_t { io_interrupt = 3, local_interrupt = 4 };
enum class Kind : uint8_t { vectored = 0, nmi = 1, external = 3 };
constexpr uint16_t as_the_bus = 0, active_high = 1;

struct Interrupt { // 4.3.4 and 4.3.5
    EntryType type;
    Kind kind;
    uint16_t flags;
    uint8_t bus, source, apic, pin;
};
static_assert(sizeof(Interrupt) == 8);

template<typename Layout>
void append(std::vector<uint8_t>& bytes, const Layout& layout) {
    for (const std::byte byte : std::as_bytes(std::span{&layout, 1}))
        bytes.push_back(std::to_integer<uint8_t>(byte));
}

class Table {
public:
    template<typename Entry>
    void add(const Entry& entry) {
        append(entries_, entry);
        ++header_.entries;
    }
    // Header and entries, complete.
    [[nodiscard]] std::vector<uint8_t> finish();

private:
    Header header_{.bytes = 0, .entries = 0};
    std::vector<uint8_t> entries_;
};

// What makes all bytes add up to 0.
uint8_t checksum(std::span<const uint8_t> bytes) {
    uint8_t sum = 0;
    for (const uint8_t byte : bytes)
        sum = static_cast<uint8_t>(sum + byte);
    return static_cast<uint8_t>(-sum);
}

std::vector<uint8_t> Table::finish() {
    header_.bytes = static_cast<uint16_t>(sizeof header_ + entries_.size());
    std::vector<uint8_t> bytes;
    append(bytes, header_);
    bytes.insert(bytes.end(), entries_.begin(), entries_.end());
    bytes[offsetof(Header, checksum)] = checksum(bytes);
    return bytes;
}

void add_interrupts(Table& table) {
    constexpr uint8_t isa_lines = 16, cascade_line = 2;
    // The power management function: device 1, INTA.
    constexpr uint8_t power_management_source = 1 << 2 | 0;

    table.add(Interrupt{EntryType::io_interrupt, Kind::vectored, active_high, bus_pci,
                        power_management_source, io_apic_id, models::pc::irq_power});
    for (uint8_t line = 0; line < isa_lines; ++line) {
        if (line == cascade_line || line == models::pc::irq_power)
            continue;
        const auto pin = static_cast<uint8_t>(models::pc::io_apic_pin(line));
        table.add(
            Interrupt{EntryType::io_interrupt, Kind::vectored, as_the_bus, bus_isa, line, io_apic_id, pin});
    }
    table.add(Interrupt{EntryType::local_interrupt, Kind::external, as_the_bus, bus_isa, 0, processor_id,
                        models::LocalApic::lint0});
    table.add(Interrupt{EntryType::local_interrupt, Kind::nmi, as_the_bus, bus_isa, 0, every_apic,
                        models::LocalApic::lint1});
}

} // namespace

MpTables mp_tables(const models::CpuParameters& cpu) {
    Table table;
    table.add(Processor{.signature = cpu.cpuid_signature, .features = models::cpu_features(cpu)});
    table.add(Bus{.id = bus_pci, .name = {'P', 'C', 'I', ' ', ' ', ' '}});
    table.add(Bus{.id = bus_isa, .name = {'I', 'S', 'A', ' ', ' ', ' '}});
    table.add(IoApicEntry{});
    add_interrupts(table);

    MpTables result{tables_address, {}};
    append(result.bytes, FloatingPointer{.table = tables_address + paragraph_bytes});
    result.bytes[offsetof(FloatingPointer, checksum)] = checksum(result.bytes);
    const std::vector<uint8_t> configuration = table.finish();
    result.bytes.insert(result.bytes.end(), configuration.begin(), configuration.end());
    return result;
}

} // namespace fixpoint::sim
