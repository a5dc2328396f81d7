// Memory accesses that the short cut does not cover: translation, faults, cache misses, line and page
// crossings, device memory, code that is written.
#include "models/cpu/memory_access.hpp"

#include <cstring>

namespace fixpoint::models {

unsigned Core::translate_pieces(uint32_t linear, unsigned bytes, AccessKind kind, bool as_user,
                                Piece (&pieces)[2]) {
    const uint32_t left_in_line = caches.line_bytes() - (linear & (caches.line_bytes() - 1));
    const uint32_t first = bytes < left_in_line ? bytes : left_in_line;
    const unsigned count = first == bytes ? 1 : 2;
    pieces[0] = {linear, first, {}};
    pieces[1] = {linear + first, bytes - first, {}};
    for (unsigned i = 0; i < count; ++i)
        if (!mmu.translate(pieces[i].linear, kind, as_user, pieces[i].translation)) {
            raise(vector::page_fault, mmu.fault_error());
            return 0;
        }
    return count;
}

void Core::touch(const Piece& piece, bool write) {
    if (breakpoints.watches_data())
        note_access(piece.linear, piece.bytes, write);
    if ((write ? map.writable(piece.translation.physical) : map.readable(piece.translation.physical)) !=
        nullptr)
        caches.data_access(piece.translation.physical, write);
    else
        caches.uncached_access();
}

namespace {

// Constant sizes, so that each is one move.
uint32_t load_bytes(const uint8_t* place, unsigned bytes) {
    uint32_t value = 0;
    if (bytes == 4)
        std::memcpy(&value, place, 4);
    else if (bytes == 2)
        std::memcpy(&value, place, 2);
    else
        std::memcpy(&value, place, bytes);
    return value;
}
void store_bytes(uint8_t* place, unsigned bytes, uint32_t value) {
    if (bytes == 4)
        std::memcpy(place, &value, 4);
    else if (bytes == 2)
        std::memcpy(place, &value, 2);
    else
        std::memcpy(place, &value, bytes);
}

} // namespace

// The common case of all accesses here: one line of main memory. No place and no fault: it is something else.
template<bool Write>
[[gnu::always_inline]] inline Core::LineAccess Core::access_line(uint32_t linear, unsigned bytes,
                                                                 bool as_user) {
    if ((((linear + (bytes - 1)) ^ linear) & line_mask) != 0)
        return {nullptr, false};
    Piece piece{linear, bytes, {}};
    if (!mmu.translate(linear, Write ? AccessKind::write : AccessKind::read, as_user, piece.translation)) {
        raise(vector::page_fault, mmu.fault_error());
        return {nullptr, true};
    }
    // What was found for reading is only read.
    auto* place = Write ? map.memory(piece.translation.physical)
                        : const_cast<uint8_t*>(map.readable(piece.translation.physical));
    if (place == nullptr)
        return {nullptr, false};
    if (breakpoints.watches_data())
        note_access(linear, bytes, Write);
    caches.data_access(piece.translation.physical, Write);
    if (Write)
        blocks.written(piece.translation.physical, bytes);
    remember(piece, Write, as_user);
    return {place, false};
}

uint64_t Core::read_slow(uint32_t linear, unsigned bytes, bool as_user) {
    const LineAccess line = access_line<false>(linear, bytes, as_user);
    if (line.place != nullptr) [[likely]]
        return load_bytes(line.place, bytes);
    return line.faulted ? failed : read_pieces(linear, bytes, as_user);
}

[[gnu::noinline]] uint64_t Core::read_pieces(uint32_t linear, unsigned bytes, bool as_user) {
    Piece pieces[2];
    const unsigned count = translate_pieces(linear, bytes, AccessKind::read, as_user, pieces);
    if (count == 0)
        return failed;
    uint64_t value = 0;
    for (unsigned i = 0, shift = 0; i < count; shift += pieces[i].bytes * 8, ++i) {
        touch(pieces[i], false);
        value |= map.read(pieces[i].translation.physical, pieces[i].bytes) << shift;
    }
    return value;
}

bool Core::write_slow(uint32_t linear, unsigned bytes, uint32_t value, bool as_user) {
    const LineAccess line = access_line<true>(linear, bytes, as_user);
    if (line.place != nullptr) [[likely]] {
        store_bytes(line.place, bytes, value);
        return true;
    }
    return !line.faulted && write_pieces(linear, bytes, value, as_user);
}

[[gnu::noinline]] bool Core::write_pieces(uint32_t linear, unsigned bytes, uint32_t value, bool as_user) {
    Piece pieces[2];
    const unsigned count = translate_pieces(linear, bytes, AccessKind::write, as_user, pieces);
    if (count == 0)
        return false;
    for (unsigned i = 0, shift = 0; i < count; shift += pieces[i].bytes * 8, ++i) {
        touch(pieces[i], true);
        blocks.written(pieces[i].translation.physical, pieces[i].bytes);
        map.write(pieces[i].translation.physical, pieces[i].bytes, uint64_t{value} >> shift);
    }
    return true;
}

uint64_t Core::read_implicit(uint32_t linear, unsigned bytes, bool as_user) {
    const FastPath::Entry& entry = data_path.table(as_user)[data_path.index_of(linear)];
    if (((linear + (bytes - 1)) & line_mask) == entry.read_tag)
        return load_bytes(reinterpret_cast<const uint8_t*>(entry.target + linear), bytes);
    return read_slow(linear, bytes, as_user);
}

bool Core::write_implicit(uint32_t linear, unsigned bytes, uint32_t value, bool as_user) {
    const FastPath::Entry& entry = data_path.table(as_user)[data_path.index_of(linear)];
    if (((linear + (bytes - 1)) & line_mask) != entry.write_tag)
        return write_slow(linear, bytes, value, as_user);
    store_bytes(reinterpret_cast<uint8_t*>(entry.target + linear), bytes, value);
    return true;
}

uint8_t* Core::modify_slow(uint32_t linear, unsigned bytes) {
    const LineAccess line = access_line<true>(linear, bytes, user());
    if (line.place != nullptr || line.faulted)
        return line.place;
    Piece pieces[2];
    const unsigned count = translate_pieces(linear, bytes, AccessKind::write, user(), pieces);
    if (count == 0)
        return nullptr;
    modify_buffer = 0;
    modify_address = linear;
    for (unsigned i = 0, shift = 0; i < count; shift += pieces[i].bytes * 8, ++i) {
        touch(pieces[i], false);
        modify_buffer |= map.read(pieces[i].translation.physical, pieces[i].bytes) << shift;
    }
    return reinterpret_cast<uint8_t*>(&modify_buffer);
}

void Core::finish_buffered_modify(unsigned bytes) {
    // Write access was established by modify_slow() in the same instruction: this cannot fault.
    if (!write_slow(modify_address, bytes, static_cast<uint32_t>(modify_buffer), user()))
        __builtin_unreachable();
}

bool Core::probe_write(uint32_t linear, unsigned bytes, bool as_user) {
    Piece pieces[2];
    return translate_pieces(linear, bytes, AccessKind::write, as_user, pieces) != 0;
}

// SDM vol. 3, 5.3-5.5: presence, type and limit; alignment last.
bool Core::segment_address(unsigned index, uint32_t offset, unsigned bytes, bool write, uint32_t& linear,
                           unsigned alignment) {
    const SegmentState& s = segment[index];
    const uint8_t fault_vector = index == seg_ss ? vector::stack_fault : vector::general_protection;
    const unsigned type = s.attributes & SegmentState::type_mask;
    const bool code = (type & 8) != 0;
    if ((s.attributes & SegmentState::present) == 0 ||
        (write ? code || (type & 2) == 0 : code && (type & 2) == 0))
        return raise(fault_vector, 0u);
    const uint32_t last = offset + (bytes - 1);
    const bool expand_down = !code && (type & 4) != 0;
    const uint32_t top = expand_down ? ((s.attributes & SegmentState::big) != 0 ? ~0u : 0xFFFFu) : s.limit;
    if (last < offset || last > top || (expand_down && offset <= s.limit))
        return raise(fault_vector, 0u);
    linear = s.base + offset;
    if ((flags.system & eflags::ac) != 0 && user() && (mmu.cr0 & Mmu::cr0_am) != 0 &&
        (linear & (alignment - 1)) != 0)
        return raise(vector::alignment_check, 0u);
    return true;
}

} // namespace fixpoint::models
