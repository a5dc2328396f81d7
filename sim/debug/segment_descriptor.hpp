// Segment descriptors in the guest's tables, read for a debugger (SDM vol. 3, 3.4.5).
#pragma once

#include "sim/debug/debug_target.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace fixpoint::sim {

struct DescriptorWords {
    uint32_t low = 0, high = 0;

    [[nodiscard]] bool present() const { return (high & 1u << 15) != 0; }
    [[nodiscard]] bool is_code_or_data() const { return (high & 1u << 12) != 0; }
    [[nodiscard]] unsigned type() const { return high >> 8 & 0xF; }
    [[nodiscard]] unsigned privilege() const { return high >> 13 & 3; }
    // What a segment register would hold.
    [[nodiscard]] models::SegmentState segment(uint16_t selector) const;
    [[nodiscard]] std::string description() const;
};

// The entry number `index` of a table; nothing if it is beyond the limit or not mapped.
[[nodiscard]] std::optional<DescriptorWords> descriptor_at(const DebugTarget& target, uint32_t table_base,
                                                           uint32_t table_limit, unsigned index);
// By selector, from the GDT or the LDT.
[[nodiscard]] std::optional<DescriptorWords>
find_descriptor(const DebugTarget& target, const models::CpuState& state, uint16_t selector);
// Type, privilege and size of a segment register's hidden part.
[[nodiscard]] std::string describe_attributes(uint16_t attributes);

} // namespace fixpoint::sim
