// The working set on the disk: whose pages were in use at a checkpoint. Only a hint about what to read ahead after a
// restart, in one copy and ordered by nothing: what does not verify is as if it were not there.
#include "pager/store/crc32c.hpp"
#include "pager/store/store.hpp"

namespace store {
namespace {

uint32_t checksum_of(WorkingSetHeader header, const void* slots) {
    header.checksum = 0;
    return crc32c(slots, header.count * uint32_t{sizeof(uint32_t)}, crc32c(&header, sizeof header));
}

uint32_t blocks_for_slots(uint32_t count) {
    uint32_t blocks = 1;
    while (working_set_capacity(blocks) < count)
        ++blocks;
    return blocks;
}

} // namespace

bool Store::write_working_set(const uint32_t* slots, uint32_t count) {
    const uint32_t capacity = working_set_capacity(geometry_.working_set_blocks());
    WorkingSetHeader header{working_set_magic, 0, epoch() + 1, count < capacity ? count : capacity};
    header.checksum = checksum_of(header, slots);
    const uint32_t bytes = blocks_for_slots(header.count) * block_bytes;
    __builtin_memset(staging_, 0, bytes);
    __builtin_memcpy(staging_, &header, sizeof header);
    __builtin_memcpy(staging_ + sizeof header, slots, header.count * sizeof(uint32_t));
    const Segment segment{staging_, bytes};
    return device_->write(geometry_.working_set_sector(), &segment, 1) == DeviceStatus::ok;
}

uint32_t Store::read_working_set(uint32_t* slots, uint32_t capacity) {
    const uint32_t blocks = geometry_.working_set_blocks();
    if (device_->read(geometry_.working_set_sector(), staging_, blocks * sectors_per_block) !=
        DeviceStatus::ok)
        return 0;
    WorkingSetHeader header;
    __builtin_memcpy(&header, staging_, sizeof header);
    const uint8_t* const listed = staging_ + sizeof header;
    if (header.magic != working_set_magic || header.count > working_set_capacity(blocks) ||
        header.checksum != checksum_of(header, listed))
        return 0;
    const uint32_t count = header.count < capacity ? header.count : capacity;
    __builtin_memcpy(slots, listed, count * sizeof(uint32_t));
    return count;
}

} // namespace store
