#include "pager/ide/ide_channel.hpp"

#include "kernel-model/abi/syscalls.hpp"
#include "pager/ide/pci.hpp"
#include "pager/ide/ports.hpp"

namespace pager {
namespace {

// The task file of the primary channel in compatibility mode.
constexpr uint16_t data_port = 0x1F0, sector_count_port = 0x1F2, lba_low_port = 0x1F3, lba_mid_port = 0x1F4,
                   lba_high_port = 0x1F5, device_port = 0x1F6, status_port = 0x1F7, command_port = 0x1F7,
                   control_port = 0x3F6, alternate_status_port = 0x3F6;
constexpr uint8_t status_busy = 0x80, status_device_fault = 0x20, status_data_request = 0x08,
                  status_error = 0x01;
constexpr uint8_t control_soft_reset = 0x04, device_lba = 0xE0;
constexpr uint8_t command_read_dma = 0xC8, command_write_dma = 0xCA, command_flush_cache = 0xE7,
                  command_identify = 0xEC;

// Bus master registers.
constexpr uint16_t bm_command = 0, bm_status = 2, bm_descriptors = 4;
constexpr uint8_t bm_start = 0x01, bm_to_memory = 0x08;
constexpr uint8_t bm_active = 0x01, bm_error = 0x02, bm_interrupt = 0x04;

constexpr uint32_t ide_class = 0x0101, programming_interface_native = 1u << 8,
                   programming_interface_bus_master = 1u << 15;
constexpr uint32_t boundary = 0x10000; // no region of a descriptor crosses 64 KB

struct Descriptor { // physical region descriptor
    uint32_t address;
    uint32_t bytes_and_end; // 0 bytes: 64 KB; bit 31: last
};
constexpr uint32_t descriptors_max = 256;
alignas(sizeof(Descriptor) * descriptors_max) Descriptor descriptors[descriptors_max];

} // namespace

DiskStatus IdeChannel::initialise() {
    const PciFunction function = find_pci_class(ide_class);
    if (!function.exists())
        return DiskStatus::no_disk;
    const uint32_t class_register = function.read(PciFunction::class_offset);
    const uint32_t bar4 = function.read(PciFunction::bar4_offset);
    if ((class_register & programming_interface_bus_master) == 0 ||
        (class_register & programming_interface_native) != 0 || (bar4 & 1) == 0)
        return DiskStatus::no_disk;
    bus_master_ = static_cast<uint16_t>(bar4 & 0xFFF0u);
    function.write(PciFunction::command_offset, (function.read(PciFunction::command_offset) & 0xFFFFu) |
                                                    PciFunction::command_io_space |
                                                    PciFunction::command_bus_master);

    // A receive without waiting makes this thread the interrupt's (it ends by timeout: associated).
    l4::Message message;
    l4::receive(interrupt, message, l4::Timeouts::zero());
    out_byte(control_port, 0); // interrupts on
    return identify();
}

DiskStatus IdeChannel::identify() {
    out_byte(device_port, device_lba);
    if (in_byte(status_port) == 0) // nobody drives the bus
        return DiskStatus::no_disk;
    if (!wait_until_idle())
        return DiskStatus::timeout;
    out_byte(command_port, command_identify);
    if (!wait_until_idle())
        return DiskStatus::timeout;
    const uint8_t status = in_byte(status_port);
    if ((status & (status_error | status_device_fault)) != 0 || (status & status_data_request) == 0)
        return DiskStatus::no_disk; // an ATAPI drive aborts IDENTIFY DEVICE
    uint16_t words[256];
    for (uint16_t& word : words)
        word = in_word(data_port);
    sectors_ = words[60] | static_cast<uint32_t>(words[61]) << 16; // user addressable sectors, LBA28
    return sectors_ == 0 ? DiskStatus::no_disk : DiskStatus::ok;
}

DiskStatus IdeChannel::start(const DiskRequest& request) {
    uint32_t sectors = 0;
    if (request.kind != DiskRequest::Kind::flush &&
        (!fill_descriptor_table(page_->area[request.area], request.segments, sectors) ||
         request.first_sector >= sectors_ || sectors > sectors_ - request.first_sector))
        return DiskStatus::bad_request;
    if (!wait_until_idle())
        return DiskStatus::timeout;
    kind_ = request.kind;
    if (kind_ == DiskRequest::Kind::flush)
        start_flush();
    else
        start_transfer(kind_ == DiskRequest::Kind::write, request.first_sector, sectors);
    return DiskStatus::ok;
}

bool IdeChannel::fill_descriptor_table(const DiskSegment* segments, uint32_t count, uint32_t& sectors) {
    uint32_t used = 0;
    sectors = 0;
    for (uint32_t i = 0; i < count; ++i) {
        uint32_t address = segments[i].physical_address, left = segments[i].bytes;
        if (left == 0 || left % sector_bytes != 0 || (address & 1) != 0 ||
            left / sector_bytes > disk_request_sectors_max - sectors)
            return false;
        sectors += left / sector_bytes;
        while (left > 0) {
            const uint32_t to_boundary = boundary - address % boundary;
            const uint32_t bytes = left < to_boundary ? left : to_boundary;
            if (used == descriptors_max)
                return false;
            descriptors[used++] = {address, bytes % boundary};
            address += bytes;
            left -= bytes;
        }
    }
    if (used == 0)
        return false;
    descriptors[used - 1].bytes_and_end |= 1u << 31;
    return true;
}

// The order is the data sheet's: table, direction, status cleared; then the drive's command; then start.
void IdeChannel::start_transfer(bool write, uint32_t first_sector, uint32_t sectors) {
    const uint8_t direction = write ? 0 : bm_to_memory;
    out_byte(master(bm_command), direction);
    out_dword(master(bm_descriptors), reinterpret_cast<uint32_t>(descriptors));
    out_byte(master(bm_status), bm_error | bm_interrupt);
    write_task_file(first_sector, sectors);
    out_byte(command_port, write ? command_write_dma : command_read_dma);
    out_byte(master(bm_command), direction | bm_start);
}

void IdeChannel::start_flush() {
    out_byte(device_port, device_lba);
    out_byte(command_port, command_flush_cache);
}

// An interrupt message may be an old one (a command that was polled), and an interrupt may get lost: what counts is the
// registers' word.
bool IdeChannel::is_done() {
    const bool done = kind_ == DiskRequest::Kind::flush ? (in_byte(alternate_status_port) & status_busy) == 0
                                                        : (in_byte(master(bm_status)) & bm_interrupt) != 0;
    if (!done)
        lower_interrupt();
    return done;
}

DiskStatus IdeChannel::end() {
    return kind_ == DiskRequest::Kind::flush ? end_flush() : end_transfer();
}

DiskStatus IdeChannel::end_transfer() {
    const uint8_t master_status = in_byte(master(bm_status));
    const uint8_t status = in_byte(status_port); // lowers the interrupt
    out_byte(master(bm_command), kind_ == DiskRequest::Kind::write ? 0 : bm_to_memory); // stop
    out_byte(master(bm_status), bm_error | bm_interrupt);
    const bool failed =
        (status & (status_busy | status_data_request | status_device_fault | status_error)) != 0 ||
        (master_status & (bm_error | bm_active)) != 0;
    return failed ? DiskStatus::medium_error : DiskStatus::ok;
}

DiskStatus IdeChannel::end_flush() {
    const uint8_t status = in_byte(status_port);
    return (status & (status_device_fault | status_error)) != 0 ? DiskStatus::medium_error : DiskStatus::ok;
}

void IdeChannel::lower_interrupt() {
    (void)in_byte(status_port);
}

void IdeChannel::write_task_file(uint32_t first_sector, uint32_t sectors) {
    out_byte(device_port, static_cast<uint8_t>(device_lba | (first_sector >> 24 & 0x0Fu)));
    out_byte(sector_count_port, static_cast<uint8_t>(sectors)); // 0: 256
    out_byte(lba_low_port, static_cast<uint8_t>(first_sector));
    out_byte(lba_mid_port, static_cast<uint8_t>(first_sector >> 8));
    out_byte(lba_high_port, static_cast<uint8_t>(first_sector >> 16));
}

bool IdeChannel::wait_until_idle() {
    constexpr unsigned polls_max = 10'000, polls_without_sleep = 100;
    for (unsigned poll = 0; poll < polls_max; ++poll) {
        if ((in_byte(alternate_status_port) & status_busy) == 0)
            return true;
        if (poll >= polls_without_sleep)
            l4::sleep_us(1000);
    }
    return false;
}

void IdeChannel::reset() {
    out_byte(bus_master_, 0); // stop
    out_byte(control_port, control_soft_reset);
    l4::sleep_us(1000); // at least 5 us (ATA-4, 9.16.1)
    out_byte(control_port, 0);
    l4::sleep_us(2000); // 2 ms before the status counts
    wait_until_idle();
    (void)in_byte(status_port);
    out_byte(device_port, device_lba);
}

} // namespace pager
