#include "sim/debug/debug_target.hpp"

#include <algorithm>

namespace fixpoint::sim {
namespace {

constexpr uint32_t page_bytes = 4096;

// Calls `action(physical, offset, bytes)` for the part of the range in each page, until one returns false.
template<class Action>
bool each_page(const DebugTarget& target, uint32_t linear, size_t bytes, Action action) {
    for (size_t done = 0; done < bytes;) {
        const uint32_t at = linear + static_cast<uint32_t>(done);
        const size_t part = std::min<size_t>(bytes - done, page_bytes - at % page_bytes);
        uint32_t physical = 0;
        if (!target.translate(at, physical) || !action(physical, done, part))
            return false;
        done += part;
    }
    return true;
}

} // namespace

bool read_linear(const DebugTarget& target, uint32_t linear, std::span<uint8_t> bytes) {
    return each_page(target, linear, bytes.size(), [&](uint32_t physical, size_t offset, size_t part) {
        return target.read_physical(physical, bytes.subspan(offset, part));
    });
}

bool write_linear(DebugTarget& target, uint32_t linear, std::span<const uint8_t> bytes) {
    const bool writable =
        each_page(target, linear, bytes.size(), [&](uint32_t physical, size_t /*offset*/, size_t part) {
            return target.is_writable(physical, part);
        });
    return writable &&
           each_page(target, linear, bytes.size(), [&](uint32_t physical, size_t offset, size_t part) {
               return target.write_physical(physical, bytes.subspan(offset, part));
           });
}

} // namespace fixpoint::sim
