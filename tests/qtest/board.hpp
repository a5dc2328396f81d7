// The models' side: the chipset without processor and SystemC, wired as the machine is
// (models/chipset/pc_wiring.hpp).
#pragma once

#include "models/chipset/bus_master.hpp"
#include "models/chipset/fw_cfg.hpp"
#include "models/chipset/pc_wiring.hpp"
#include "tests/qtest/message_memory.hpp"
#include "tests/qtest/subject.hpp"

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace fixpoint::qtest {

inline constexpr size_t main_memory_bytes = 1 << 20; // as much of it as sequences use

class MainMemory final : public models::BusMasterMemory {
public:
    bool read(uint32_t address, std::span<uint8_t> data) override;
    bool write(uint32_t address, std::span<const uint8_t> data) override;
    void fill(uint32_t address, size_t bytes, uint8_t value);
    [[nodiscard]] uint32_t checksum(uint32_t address, size_t bytes) const;

private:
    std::vector<uint8_t> bytes_ = std::vector<uint8_t>(main_memory_bytes);
};

class Board {
public:
    // `images`: of the IDE units; null where there is no drive.
    using Images = std::array<std::unique_ptr<models::DiskImage>, models::ide_units>;
    Board(Watch watch, models::Picoseconds start, const Images& images);

    Observations run(const Steps& steps, const std::vector<Instant>& instants);

private:
    struct Range {
        models::AddressRange where;
        models::Device* device;
        bool enabled = true;
    };
    using Ranges = std::vector<Range>;

    // As in QEMU, where an answer is there at once.
    static constexpr bool keyboard_takes_no_time = true;

    void connect_lines(Watch watch);
    void connect_addresses();
    [[nodiscard]] models::pc::Devices wired_devices();
    // Returns the number of the first range.
    static size_t attach(Ranges& ranges, models::Device& device, std::span<const models::AddressRange> where);
    // Moves the ports of a base address register; nullopt: they are not decoded.
    void move_ports(size_t range, std::optional<uint16_t> base);
    [[nodiscard]] static const Range* find(const Ranges& ranges, uint32_t address);
    // Of a range's device.
    [[nodiscard]] static uint32_t offset_in(const Range& range, uint32_t address);
    uint32_t read(uint32_t port, unsigned bytes);
    void write(uint32_t port, unsigned bytes, uint32_t value);
    uint32_t read_memory(uint32_t address, unsigned bytes);
    void write_memory(uint32_t address, unsigned bytes, uint32_t value);
    void advance(models::Picoseconds now);
    void change(unsigned line, bool level);
    void move_key(models::Key key, bool down);
    uint32_t perform(const Step& step);

    models::Picoseconds start_, now_;
    std::vector<Observation::Change> changes_;
    uint32_t levels_ = 0;

    std::array<std::unique_ptr<models::Disk>, models::ide_units> disks_;
    MainMemory memory_;
    models::Pic pic_;
    models::Pit pit_;
    models::Rtc rtc_;
    models::Uart uart_;
    models::KeyboardController keyboard_{keyboard_takes_no_time};
    models::SystemPorts ports_;
    models::DmaControllers dma_;
    models::PciHost pci_;
    models::PowerManagement power_;
    models::PiixIde ide_;
    models::HostBridgeFunction host_bridge_;
    models::IsaBridgeFunction isa_bridge_;
    models::FirmwareConfiguration firmware_;
    models::IoApic io_apic_;
    MessageMemory messages_;
    models::Vga vga_;
    std::vector<models::Device*> devices_;
    Ranges ports_map_, memory_map_;
};

} // namespace fixpoint::qtest
