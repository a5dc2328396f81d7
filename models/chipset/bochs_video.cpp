#include "models/chipset/bochs_video.hpp"

namespace fixpoint::models {
namespace {

enum : uint16_t {
    id = 0,
    width = 1,
    height = 2,
    depth = 3,
    enable = 4,
    virtual_height = 7,
    memory_blocks = 10
};
constexpr uint16_t first_id = 0xB0C0, last_id = 0xB0C5;
constexpr uint16_t show_capabilities = 0x02; // enable: sizes read as the largest
constexpr uint16_t memory_in_64_kb = 4;

} // namespace

void BochsVideo::clear() {
    index = 0;
    values_ = {};
    values_[id] = last_id;
}

uint16_t BochsVideo::read() const {
    if (index >= register_count)
        return 0;
    if (index == memory_blocks)
        return memory_in_64_kb;
    const bool is_capability = index >= width && index <= depth;
    return is_capability && values_[enable] & show_capabilities ? uint16_t{0} : values_[index];
}

void BochsVideo::write(uint16_t value) {
    if (index == id && (value < first_id || value > last_id))
        return;
    if (index == enable)
        value &= show_capabilities;
    if (index < memory_blocks && index != virtual_height)
        values_[index] = value;
}

} // namespace fixpoint::models
