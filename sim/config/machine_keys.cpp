#include "sim/config/machine_keys.hpp"

#include "models/cpu/cpuid.hpp"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

namespace fixpoint::sim {
namespace {

void read_cache(Section& parent, std::string_view key, models::CacheParameters& cache) {
    Section section = parent.section(key, "a cache", true);
    section.bind("size_bytes", cache.size_bytes, {.meaning = "capacity in bytes", .minimum = 64});
    section.bind("ways", cache.ways, {.meaning = "associativity", .minimum = 1, .maximum = 16});
    section.bind("line_bytes", cache.line_bytes,
                 {.meaning = "bytes of a line", .minimum = 16, .maximum = 256, .power_of_two = true});
    section.bind("latency_cycles", cache.latency_cycles,
                 {.meaning = "cycles added to an access that misses the level above", .maximum = 10'000});
    const uint64_t set_bytes = uint64_t{cache.ways} * cache.line_bytes;
    if (cache.size_bytes % set_bytes != 0 || !std::has_single_bit(cache.size_bytes / set_bytes))
        section.fail("size_bytes", "ways times line_bytes times a power of two",
                     describe(*section.table().find("size_bytes")));
    section.finish();
}

void read_tlb(Section& parent, std::string_view key, models::TlbParameters& tlb) {
    Section section = parent.section(key, "a TLB", true);
    section.bind("entries", tlb.entries, {.meaning = "entries", .minimum = 1, .maximum = 65'536});
    section.bind("ways", tlb.ways, {.meaning = "associativity", .minimum = 1, .maximum = 64});
    if (tlb.entries % tlb.ways != 0 || !std::has_single_bit(tlb.entries / tlb.ways))
        section.fail("entries", "ways times a power of two", describe(*section.table().find("entries")));
    section.finish();
}

struct CycleKey {
    std::string_view key, meaning;
    uint32_t models::CpuParameters::*field;
};

constexpr CycleKey cycle_keys[] = {
    {"memory_latency_cycles", "cycles of an L2 miss", &models::CpuParameters::memory_latency_cycles},
    {"memory_stream_cycles", "cycles of an L2 miss on the line after the last one",
     &models::CpuParameters::memory_stream_cycles},
    {"writeback_cycles", "cycles of writing a dirty line back", &models::CpuParameters::writeback_cycles},
    {"page_walk_cycles", "fixed cycles of a page walk", &models::CpuParameters::page_walk_cycles},
    {"multiply_cycles", "cycles of a multiplication", &models::CpuParameters::multiply_cycles},
    {"divide_cycles", "cycles of a division", &models::CpuParameters::divide_cycles},
    {"branch_mispredict_cycles", "cycles of a mispredicted branch",
     &models::CpuParameters::branch_mispredict_cycles},
    {"interrupt_cycles", "cycles of an exception, interrupt or INT n",
     &models::CpuParameters::interrupt_cycles},
    {"iret_cycles", "cycles of IRET", &models::CpuParameters::iret_cycles},
    {"privilege_change_cycles", "cycles added when the privilege level changes",
     &models::CpuParameters::privilege_change_cycles},
    {"sysenter_cycles", "cycles of SYSENTER", &models::CpuParameters::sysenter_cycles},
    {"sysexit_cycles", "cycles of SYSEXIT", &models::CpuParameters::sysexit_cycles},
    {"cr3_load_cycles", "cycles of loading CR3", &models::CpuParameters::cr3_load_cycles},
    {"invlpg_cycles", "cycles of INVLPG", &models::CpuParameters::invlpg_cycles},
    {"rdtsc_cycles", "cycles of RDTSC", &models::CpuParameters::rdtsc_cycles},
    {"cpuid_cycles", "cycles of CPUID", &models::CpuParameters::cpuid_cycles},
    {"segment_load_cycles", "cycles of loading a segment register",
     &models::CpuParameters::segment_load_cycles},
    {"other_system_cycles", "cycles of any other system instruction",
     &models::CpuParameters::other_system_cycles},
    {"string_iteration_cycles", "cycles of an iteration of a string instruction",
     &models::CpuParameters::string_iteration_cycles},
    {"locked_cycles", "cycles of a locked instruction", &models::CpuParameters::locked_cycles},
    {"x87_divide_cycles", "cycles of an x87 division", &models::CpuParameters::x87_divide_cycles},
    {"x87_square_root_cycles", "cycles of an x87 square root",
     &models::CpuParameters::x87_square_root_cycles},
    {"x87_transcendental_cycles", "cycles of an x87 sine, logarithm and the like beside its micro-operations",
     &models::CpuParameters::x87_transcendental_cycles},
};

// Names of CPUID features.
void read_disabled_features(Section& section, models::CpuParameters& cpu) {
    constexpr std::string_view key = "disabled_features";
    constexpr const auto& names = models::feature_names;
    cpu.disabled_features = 0;
    const Value* list = section.any(key);
    if (list == nullptr)
        return;
    if (list->kind != Value::Kind::array)
        section.fail(key, "an array of names of CPUID features", describe(*list));
    for (const Value& element : list->elements) {
        const auto* known = std::find_if(names.begin(), names.end(), [&](const models::FeatureName& feature) {
            return element.kind == Value::Kind::text && feature.name == element.text;
        });
        if (known == names.end()) {
            std::vector<std::string> valid;
            valid.reserve(names.size());
            for (const models::FeatureName& feature : names)
                valid.push_back(fmt::format("\"{}\"", feature.name));
            const std::string found = describe(element);
            section.fail(key, "names of CPUID features", found, suggestion(found, valid));
        }
        cpu.disabled_features |= known->bit;
    }
}

void read_cpu(Section& section, models::CpuParameters& cpu) {
    section.bind("frequency_hz", cpu.frequency_hz,
                 {.meaning = "clock rate in Hz", .minimum = 1'000'000, .maximum = 10'000'000'000});
    section.bind("retire_width", cpu.retire_width,
                 {.meaning = "micro-operations retired a cycle", .minimum = 1, .maximum = 16});
    section.bind("memory_streams", cpu.memory_streams,
                 {.meaning = "sequences of misses under way at once", .minimum = 1, .maximum = 16});
    for (const CycleKey& entry : cycle_keys)
        section.bind(entry.key, cpu.*entry.field, {.meaning = entry.meaning, .maximum = 1'000'000});
    section.bind("branch_history_entries", cpu.branch_history_entries,
                 {.meaning = "entries of the branch target buffer",
                  .minimum = 1,
                  .maximum = 1 << 20,
                  .power_of_two = true});
    section.bind("branch_history_bits", cpu.branch_history_bits,
                 {.meaning = "bits of a branch's own history", .maximum = 16});
    section.bind("cpuid_signature", cpu.cpuid_signature,
                 {.meaning = "EAX of CPUID leaf 1: family, model, stepping"});
    read_disabled_features(section, cpu);
    read_cache(section, "l1_instruction", cpu.l1_instruction);
    read_cache(section, "l1_data", cpu.l1_data);
    read_cache(section, "l2", cpu.l2);
    for (const std::string_view key : {"l1_instruction", "l2"})
        if ((key == "l2" ? cpu.l2 : cpu.l1_instruction).line_bytes != cpu.l1_data.line_bytes)
            section.fail(key, fmt::format("line_bytes as in l1_data, {}", cpu.l1_data.line_bytes),
                         "other line_bytes");
    read_tlb(section, "instruction_tlb_4k", cpu.instruction_tlb_4k);
    read_tlb(section, "instruction_tlb_4m", cpu.instruction_tlb_4m);
    read_tlb(section, "data_tlb_4k", cpu.data_tlb_4k);
    read_tlb(section, "data_tlb_4m", cpu.data_tlb_4m);
    section.finish();
}

void read_mechanical(Section& section, models::MechanicalDiskParameters& disk) {
    section.bind("rotation_rpm", disk.rotation_rpm,
                 {.meaning = "revolutions a minute", .minimum = 1'000, .maximum = 20'000});
    section.bind("cylinders", disk.cylinders, {.meaning = "cylinders", .minimum = 1, .maximum = 1 << 24});
    section.bind("heads", disk.heads, {.meaning = "heads", .minimum = 1, .maximum = 256});
    disk.zones.clear();
    section.sections("zones", "the zones from the outer edge inwards", [&](Section& zone) {
        models::DiskZone& added = disk.zones.emplace_back();
        zone.bind("first_cylinder", added.first_cylinder, {.meaning = "first cylinder of the zone"});
        zone.bind("sectors_per_track", added.sectors_per_track,
                  {.meaning = "sectors on each track", .minimum = 1, .maximum = 65'535});
        zone.bind("track_skew_sectors", added.track_skew_sectors,
                  {.meaning = "skew to the cylinder's next track in sectors", .maximum = 65'535});
        zone.bind("cylinder_skew_sectors", added.cylinder_skew_sectors,
                  {.meaning = "skew to the next cylinder in sectors", .maximum = 65'535});
    });
    disk.seek.clear();
    section.sections("seek", "points of the seek curve", [&](Section& point) {
        models::SeekPoint& added = disk.seek.emplace_back();
        point.bind("cylinders", added.cylinders, {.meaning = "distance in cylinders", .minimum = 1});
        point.bind("us", added.us, {.meaning = "time in us, settling for a read included"});
    });
    if (disk.zones.empty())
        section.fail("zones", "at least one zone", "none");
    if (disk.seek.empty())
        section.fail("seek", "at least one point", "none");
    section.bind("head_switch_us", disk.head_switch_us, {.meaning = "head switch in us"});
    section.bind("write_settle_us", disk.write_settle_us, {.meaning = "more settling before a write in us"});
    section.bind("read_segments", disk.read_segments,
                 {.meaning = "streams that the read buffer can hold", .minimum = 1, .maximum = 1024});
    section.bind("read_segment_sectors", disk.read_segment_sectors,
                 {.meaning = "sectors of a segment of the read buffer"});
    section.bind("read_ahead_sectors", disk.read_ahead_sectors,
                 {.meaning = "sectors of read-ahead, 0: none"});
    section.bind("write_cache_sectors", disk.write_cache_sectors,
                 {.meaning = "sectors of the write cache", .minimum = 1});
    disk.write_cache_enabled =
        section.boolean("write_cache_enabled", {.meaning = "write cache after power-on"});
    section.bind("destage_delay_us", disk.destage_delay_us,
                 {.meaning = "us from the last write to the first background write"});
    section.finish();
}

void read_ideal(Section& section, models::IdealDiskParameters& disk) {
    section.bind("read_latency_ns", disk.read_latency_ns, {.meaning = "latency of a read in ns"});
    section.bind("write_latency_ns", disk.write_latency_ns, {.meaning = "latency of a write in ns"});
    section.bind("flush_latency_ns", disk.flush_latency_ns, {.meaning = "latency of a flush in ns"});
    section.bind("sector_ns", disk.sector_ns, {.meaning = "ns of each sector"});
    section.finish();
}

} // namespace

void read_machine_keys(Section& machine, MachineParameters& parameters) {
    Section cpu = machine.section("cpu", "the processor", true);
    read_cpu(cpu, parameters.cpu);

    Section memory = machine.section("memory", "main memory", true);
    constexpr int64_t page_bytes = 4096, mib = 1 << 20;
    memory.bind(
        "bytes", parameters.memory.bytes,
        {.meaning = "main memory in bytes, a multiple of 4096", .minimum = 2 * mib, .maximum = 3072 * mib});
    if (parameters.memory.bytes % page_bytes != 0)
        memory.fail("bytes", "a multiple of 4096", describe(*memory.table().find("bytes")));
    memory.finish();

    Section chipset = machine.section("chipset", "the devices' timing and habits", true);
    models::ChipsetParameters& devices = parameters.chipset;
    chipset.bind("isa_access_ns", devices.isa_access_ns,
                 {.meaning = "processor time of an ISA register access in ns", .maximum = 1'000'000});
    chipset.bind("pci_access_ns", devices.pci_access_ns,
                 {.meaning = "processor time of a PCI register access in ns", .maximum = 1'000'000});
    chipset.bind("ide_bytes_per_second", devices.ide_bytes_per_second,
                 {.meaning = "the IDE controller's limit in bytes/s", .minimum = 1'000'000});
    devices.ide_errors =
        chipset.choice("ide_errors", "whose errors the IDE drives report", {"drive", "qemu"}, 0) == 0
            ? models::AtaErrors::drive
            : models::AtaErrors::qemu;
    chipset.bind("apic_bus_hz", devices.apic_bus_hz,
                 {.meaning = "clock of the local APIC's timer in Hz",
                  .minimum = 1'000'000,
                  .maximum = 1'000'000'000,
                  .otherwise = 100'000'000});
    chipset.bind("post_port", devices.post_port,
                 {.meaning = "a port that takes POST codes beside 0x80",
                  .minimum = 1,
                  .maximum = 0xFFFF,
                  .otherwise = 0x80});
    devices.uart_instant =
        chipset.boolean("uart_instant", {.meaning = "no byte times for what is sent and what is polled for"});
    devices.uart_out2_gates_interrupt =
        chipset.boolean("uart_out2_gates_interrupt",
                        {.meaning = "OUT2 of the serial port gates its interrupt", .otherwise = false});
    constexpr int64_t end_of_2099 = 4'102'444'799;
    chipset.bind("rtc_start_unix_seconds", devices.rtc_start_unix_seconds,
                 {.meaning = "time of day at power-on in s since 1970, UTC", .maximum = end_of_2099});
    chipset.finish();
    machine.finish();
}

void read_disk_keys(Section& disk, models::DiskParameters& parameters) {
    parameters.kind = disk.choice("kind", "the kind of drive", {"mechanical", "ideal"}) == 0
                          ? models::DiskKind::mechanical
                          : models::DiskKind::ideal;
    parameters.model = disk.text("model", {.meaning = "the drive's name, at most 40 characters"});
    if (parameters.model.size() > 40)
        disk.fail("model", "at most 40 characters", std::to_string(parameters.model.size()));
    disk.bind("command_overhead_us", parameters.command_overhead_us, {.meaning = "command overhead in us"});
    disk.bind("interface_bytes_per_second", parameters.interface_bytes_per_second,
              {.meaning = "burst rate of the drive's interface in bytes/s", .minimum = 100'000});
    if (parameters.kind == models::DiskKind::mechanical) {
        Section mechanical = disk.section("mechanical", "the drive's mechanics", true);
        read_mechanical(mechanical, parameters.mechanical);
    } else {
        Section ideal = disk.section("ideal", "the drive's latencies", true);
        read_ideal(ideal, parameters.ideal);
    }
    disk.finish();
}

} // namespace fixpoint::sim
