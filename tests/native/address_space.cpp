#include "tests/native/address_space.hpp"

namespace fixpoint::native {

using models::SegmentState;

uint32_t Descriptor::low() const {
    return base << 16 | (limit & 0xFFFF);
}

// SDM vol. 3, figure 3-8; the type as Linux chooses it (fill_ldt in arch/x86/include/asm/desc.h).
uint32_t Descriptor::high() const {
    constexpr uint32_t accessed = 1, writable_or_readable = 2, expand_down = 4, code = 8, s_bit = 0x10;
    constexpr uint32_t level3 = 3u << 13, is_present = 1u << 15, big_bit = 1u << 22, granularity = 1u << 23;
    uint32_t type = accessed | s_bit | (restricted ? 0 : writable_or_readable);
    type |= kind == Kind::code ? code : kind == Kind::expand_down ? expand_down : 0;
    return (base & 0xFF00'0000u) | (base >> 16 & 0xFF) | (limit & 0xF'0000u) | type << 8 | level3 |
           (present ? is_present : 0) | (big ? big_bit : 0) | (granular ? granularity : 0);
}

SegmentState Descriptor::segment(uint16_t selector) const {
    SegmentState s;
    s.selector = selector;
    s.attributes = static_cast<uint16_t>(high() >> 8 & 0xF0FF);
    s.base = base;
    s.limit = granular ? limit << 12 | 0xFFF : limit;
    return s;
}

bool Descriptor::allows(uint32_t offset, uint32_t bytes, bool write) const {
    if (!present || (write && (kind == Kind::code || restricted)) ||
        (!write && kind == Kind::code && restricted))
        return false;
    const uint32_t last = offset + (bytes - 1), effective = granular ? limit << 12 | 0xFFF : limit;
    if (last < offset)
        return false;
    if (kind == Kind::expand_down)
        return offset > effective && (big || last <= 0xFFFF);
    return last <= effective;
}

bool LocalTable::loadable(uint16_t selector, bool stack) const {
    const Descriptor* found = find(selector);
    if (found == nullptr || !found->present)
        return false;
    if (stack)
        return found->kind != Descriptor::Kind::code && !found->restricted && (selector & 3) == 3;
    return found->kind != Descriptor::Kind::code || !found->restricted;
}

LocalTable::LocalTable(std::mt19937_64& random) {
    const auto below = [&](uint32_t limit) { return static_cast<uint32_t>(random() % limit); };
    using Kind = Descriptor::Kind;
    for (unsigned i = 0; i < code_count; ++i) {
        Descriptor& d = descriptors_[code_first + i];
        const uint32_t shift = i < 2 ? 0 : below(0x1000); // of the base, downwards
        const uint32_t beyond = i < 6 ? 0 : page_bytes;
        d = {code_area.begin - shift,
             code_area.bytes - 1 + shift + beyond,
             Kind::code,
             i % 2 == 0,
             false,
             false,
             true};
        d.restricted = i == 4 || i == 5;
    }
    descriptors_[code_absent] = descriptors_[code_first];
    descriptors_[code_absent].present = false;
    descriptors_[flat_first] =
        descriptors_[flat_first + 1] = {0, 0xF'FFFF, Kind::data, true, false, true, true};
    descriptors_[flat_first + 2] = {0, 0xF'FFFF, Kind::data, true, true, true, true};
    for (unsigned i = data_first; i < entries; ++i) {
        Descriptor& d = descriptors_[i];
        d.kind = below(4) == 0 ? Kind::expand_down : Kind::data;
        d.big = below(2) == 0;
        d.restricted = below(6) == 0;
        const uint32_t skew = below(3) == 0 ? below(page_bytes) : below(0x100) & ~3u;
        if (d.kind == Kind::expand_down) {
            // Offsets above the limit reach the areas, wrapping around 2^32 where they are 32 bits wide.
            d.granular = d.big && below(2) == 0;
            d.limit = d.granular ? below(16) : below(0x8000);
            d.base = data_begin + below(data_end - data_begin - page_bytes) -
                     (d.granular ? (d.limit + 1) << 12 : d.limit + 1) + skew % 64;
        } else {
            d.base = data_begin - skew;
            d.granular = below(4) == 0;
            d.limit = data_begin + below(data_end - data_begin) - d.base;
            if (d.granular)
                d.limit >>= 12;
            else if (below(3) == 0)
                d.limit = 0xFFFF;
        }
    }
    descriptors_[data_absent].present = false;
}

} // namespace fixpoint::native
