// What a user-level test case sees: linear memory and a local descriptor table, alike in the host process and in
// the model.
//
// Linear addresses below 4 GB, away from everything a host process maps:
//
//     code      2 pages, executable, then nothing
//     data      2 pages, then 1 page read-only, then nothing
//     island    1 page between nothing and nothing
//     stack     2 pages between nothing and nothing
//
// The descriptors are of level 3, some with limits that cut these areas, so that the same few pages are reached
// through segments of every kind. What a random number decides of them comes from the seed.
#pragma once

#include "models/cpu/cpu_state.hpp"

#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace fixpoint::native {

inline constexpr uint32_t page_bytes = 4096;

struct Area {
    uint32_t begin, bytes;
    bool writable;
    [[nodiscard]] constexpr uint32_t end() const { return begin + bytes; }
};
inline constexpr Area code_area{0x0100'0000, 2 * page_bytes, false};
inline constexpr std::array<Area, 4> data_areas{{
    {0x0101'0000, 2 * page_bytes, true},
    {0x0101'2000, page_bytes, false},
    {0x0101'4000, page_bytes, true},
    {0x0101'8000, 2 * page_bytes, true},
}};
inline constexpr const Area& stack_area = data_areas[3];
inline constexpr uint32_t data_begin = data_areas.front().begin, data_end = data_areas.back().end();
inline constexpr uint32_t image_bytes = 6 * page_bytes; // of all data areas, one after the other
static_assert(data_areas[0].bytes + data_areas[1].bytes + data_areas[2].bytes + data_areas[3].bytes ==
              image_bytes);

using MemoryImage = std::vector<uint8_t>; // image_bytes of them

// An entry of the local descriptor table, in the terms of modify_ldt(2): Linux adds that segments are of level
// 3 and already accessed.
struct Descriptor {
    enum class Kind : uint8_t { data, expand_down, code };
    uint32_t base = 0;
    uint32_t limit = 0; // as encoded: in pages if `granular`
    Kind kind = Kind::data;
    bool big = true;         // D/B
    bool restricted = false; // data: read-only; code: execute-only
    bool granular = false;
    bool present = true;

    [[nodiscard]] uint32_t low() const;
    [[nodiscard]] uint32_t high() const;
    [[nodiscard]] models::SegmentState segment(uint16_t selector) const;
    // Whether an access of `bytes` at `offset` passes the type and limit checks.
    [[nodiscard]] bool allows(uint32_t offset, uint32_t bytes, bool write) const;
};

class LocalTable {
public:
    static constexpr unsigned entries = 40;
    // The code segments that sequences run in: 32- and 16-bit, at different bases, one of each kind
    // execute-only. All cover the whole code area; the last two also what follows it.
    static constexpr unsigned code_first = 0, code_count = 8;
    static constexpr unsigned code_absent = 8;  // not present
    static constexpr unsigned flat_first = 9;   // read-write 32-bit twice, read-only
    static constexpr unsigned data_first = 12;  // random ones from here on
    static constexpr unsigned data_absent = 39; // not present

    explicit LocalTable(std::mt19937_64& random);

    [[nodiscard]] const Descriptor& operator[](unsigned index) const { return descriptors_[index]; }
    [[nodiscard]] static uint16_t selector(unsigned index, unsigned rpl = 3) {
        constexpr unsigned local = 4;
        return static_cast<uint16_t>(index << 3 | local | rpl);
    }
    [[nodiscard]] static unsigned index(uint16_t selector) { return selector >> 3; }
    // nullptr for null selectors and those beyond the table.
    [[nodiscard]] const Descriptor* find(uint16_t selector) const {
        return (selector & 4) != 0 && index(selector) < entries ? &descriptors_[index(selector)] : nullptr;
    }
    // May be loaded into DS (and the like) or SS at level 3.
    [[nodiscard]] bool loadable(uint16_t selector, bool stack) const;

private:
    std::array<Descriptor, entries> descriptors_;
};

} // namespace fixpoint::native
