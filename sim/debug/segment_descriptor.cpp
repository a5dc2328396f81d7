#include "sim/debug/segment_descriptor.hpp"

#include <array>
#include <cstring>
#include <fmt/format.h>

namespace fixpoint::sim {
namespace {

using models::SegmentState;

constexpr uint32_t entry_bytes = 8;
constexpr uint16_t table_indicator = 4; // of a selector: LDT

// SDM vol. 3, table 3-2.
constexpr std::array<const char*, 16> system_types = {"reserved",
                                                      "16-bit TSS",
                                                      "LDT",
                                                      "16-bit TSS, busy",
                                                      "16-bit call gate",
                                                      "task gate",
                                                      "16-bit interrupt gate",
                                                      "16-bit trap gate",
                                                      "reserved",
                                                      "32-bit TSS",
                                                      "reserved",
                                                      "32-bit TSS, busy",
                                                      "32-bit call gate",
                                                      "reserved",
                                                      "32-bit interrupt gate",
                                                      "32-bit trap gate"};

constexpr bool is_gate(unsigned type) {
    return type >= 4 && type <= 7 ? true : type == 12 || type == 14 || type == 15;
}

std::string code_or_data(unsigned type) {
    const bool is_code = (type & 8) != 0, direction_or_conforming = (type & 4) != 0, right = (type & 2) != 0;
    std::string text = is_code ? "code" : "data";
    text += is_code ? (right ? ", readable" : ", execute-only") : (right ? ", writable" : ", read-only");
    if (direction_or_conforming)
        text += is_code ? ", conforming" : ", expand-down";
    if ((type & 1) != 0)
        text += ", accessed";
    return text;
}

} // namespace

SegmentState DescriptorWords::segment(uint16_t selector) const {
    constexpr uint32_t attribute_mask = 0xF0FF;
    const auto attributes = static_cast<uint16_t>(high >> 8 & attribute_mask);
    const uint32_t raw_limit = (low & 0xFFFF) | (high & 0x000F'0000);
    const bool granular = (attributes & SegmentState::granular) != 0;
    return {selector, attributes, low >> 16 | (high & 0xFF) << 16 | (high & 0xFF00'0000),
            granular ? raw_limit << 12 | 0xFFF : raw_limit};
}

std::string DescriptorWords::description() const {
    if (!is_code_or_data() && is_gate(type()))
        return fmt::format("{}{}, DPL {}, to {:04x}:{:08x}", system_types[type()],
                           present() ? "" : ", not present", privilege(), low >> 16,
                           (low & 0xFFFF) | (high & 0xFFFF'0000));
    const SegmentState hidden = segment(0);
    return fmt::format("base {:08x} limit {:08x} {}", hidden.base, hidden.limit,
                       describe_attributes(hidden.attributes));
}

std::optional<DescriptorWords> descriptor_at(const DebugTarget& target, uint32_t table_base,
                                             uint32_t table_limit, unsigned index) {
    std::array<uint8_t, entry_bytes> bytes{};
    if (index * entry_bytes + (entry_bytes - 1) > table_limit ||
        !read_linear(target, table_base + index * entry_bytes, bytes))
        return std::nullopt;
    DescriptorWords words;
    std::memcpy(&words.low, bytes.data(), 4);
    std::memcpy(&words.high, bytes.data() + 4, 4);
    return words;
}

std::optional<DescriptorWords> find_descriptor(const DebugTarget& target, const models::CpuState& state,
                                               uint16_t selector) {
    const unsigned index = selector >> 3;
    if ((selector & table_indicator) != 0)
        return state.ldtr.attributes == 0 ? std::nullopt
                                          : descriptor_at(target, state.ldtr.base, state.ldtr.limit, index);
    return descriptor_at(target, state.gdtr.base, state.gdtr.limit, index);
}

std::string describe_attributes(uint16_t attributes) {
    if (attributes == 0)
        return "unusable";
    const unsigned type = attributes & SegmentState::type_mask;
    const bool is_segment = (attributes & SegmentState::s_bit) != 0;
    return fmt::format("DPL {}{}{}, {}", attributes >> 5 & 3,
                       (attributes & SegmentState::present) != 0 ? "" : ", not present",
                       is_segment ? ((attributes & SegmentState::big) != 0 ? ", 32-bit" : ", 16-bit") : "",
                       is_segment ? code_or_data(type) : system_types[type]);
}

} // namespace fixpoint::sim
