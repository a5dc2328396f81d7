#include "pager/checkpoint/driver_disk.hpp"

#include "kernel-model/abi/syscalls.hpp"
#include "kernel-model/abi/system_layout.hpp"
#include "kernel-model/abi/types.hpp"
#include "pager/checkpoint/assertion.hpp"

namespace pager {
namespace {

// A whole page: nothing of ours may share the one that the driver can read.
struct alignas(l4::page_size) SharedPage : DiskRequestPage {};
static_assert(sizeof(SharedPage) == l4::page_size);
SharedPage request_page;

// The driver's status word; a driver that is not there counts as a disk that does not answer.
DiskStatus call_driver(l4::Message& message, uint32_t descriptor = l4::send_registers) {
    l4::ThreadId driver = l4::disk_driver_thread;
    const l4::MessageResult result =
        l4::ipc(driver, descriptor, l4::receive_registers, l4::Timeouts::infinite(), message);
    return result.ok() ? static_cast<DiskStatus>(message.w0) : DiskStatus::timeout;
}

store::DeviceStatus device_status(DiskStatus status) {
    switch (status) {
    case DiskStatus::ok:
        return store::DeviceStatus::ok;
    case DiskStatus::medium_error:
        return store::DeviceStatus::medium_error;
    default:
        return store::DeviceStatus::failed;
    }
}

} // namespace

DiskStatus DriverDisk::connect() {
    constexpr unsigned tries_max = 5000; // one a millisecond: the root task starts the driver beside us
    for (unsigned i = 0;; ++i) {
        l4::Message message{static_cast<uint32_t>(DiskOperation::connect),
                            l4::Fpage::make(reinterpret_cast<uint32_t>(&request_page), l4::page_bits).raw, 0};
        const DiskStatus status = call_driver(message, l4::send_map);
        if (status != DiskStatus::timeout || i == tries_max)
            return status;
        l4::sleep_us(1000);
    }
}

DiskStatus DriverDisk::identify() {
    l4::Message message{static_cast<uint32_t>(DiskOperation::identify), 0, 0};
    const DiskStatus status = call_driver(message);
    if (status == DiskStatus::ok)
        sectors_ = message.w1;
    return status;
}

store::DeviceStatus DriverDisk::read(uint32_t first_sector, void* buffer, uint32_t sectors) {
    const store::Segment segment{buffer, sectors * sector_bytes};
    put_segments(area_, &segment, 1);
    return transfer(DiskOperation::read, first_sector, 1);
}

store::DeviceStatus DriverDisk::write(uint32_t first_sector, const store::Segment* segments, uint32_t count) {
    put_segments(area_, segments, count);
    return transfer(DiskOperation::write, first_sector, count);
}

void DriverDisk::put_segments(uint32_t area, const store::Segment* segments, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i)
        request_page.area[area][i] = {reinterpret_cast<uint32_t>(segments[i].data), segments[i].bytes};
}

store::DeviceStatus DriverDisk::transfer(DiskOperation operation, uint32_t first_sector, uint32_t segments) {
    ++requests_;
    busy_ = true;
    l4::Message message{static_cast<uint32_t>(operation), first_sector, disk_request_word(segments, area_)};
    const DiskStatus status = call_driver(message);
    busy_ = false;
    return device_status(status);
}

store::DeviceStatus DriverDisk::flush() {
    l4::Message message{static_cast<uint32_t>(DiskOperation::flush), 0, disk_request_word(0, area_)};
    return device_status(call_driver(message));
}

store::DeviceStatus DriverDisk::submit(uint32_t place, uint32_t first_sector, const store::Segment* segments,
                                       uint32_t count) {
    const uint32_t area = queue_area_ + place;
    put_segments(area, segments, count);
    l4::Message message{static_cast<uint32_t>(DiskOperation::submit_write), first_sector,
                        disk_request_word(count, area)};
    return device_status(call_driver(message));
}

WriteQueue::End DriverDisk::wait() {
    l4::Message message{static_cast<uint32_t>(DiskOperation::collect), 0, 0};
    const DiskStatus status = call_driver(message);
    const uint32_t place = message.w1 - queue_area_;
    check(place < places, "drain: the disk driver has lost its requests");
    return {place, device_status(status)};
}

} // namespace pager
