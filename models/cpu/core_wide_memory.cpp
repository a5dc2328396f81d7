// Memory operands of more than 4 bytes: those of x87 and MMX instructions and the areas that FSTENV, FSAVE and FXSAVE
// write. Either all of an operand is accessed or, with a fault, nothing of it.
#include "models/cpu/core.hpp"
#include "models/cpu/memory_access.hpp"

#include <algorithm>
#include <cstring>

namespace fixpoint::models {

namespace {

constexpr uint32_t widest_transfer = 8; // of PhysicalMap

} // namespace

bool Core::read_wide(uint32_t linear, unsigned bytes, bool as_user, void* value) {
    Piece pieces[2];
    const unsigned count = translate_pieces(linear, bytes, AccessKind::read, as_user, pieces);
    auto* to = static_cast<uint8_t*>(value);
    for (unsigned i = 0; i < count; ++i) {
        const Piece& piece = pieces[i];
        touch(piece, false);
        for (uint32_t done = 0; done < piece.bytes;) {
            const uint32_t part = std::min(piece.bytes - done, widest_transfer);
            const uint64_t got = map.read(piece.translation.physical + done, part);
            std::memcpy(to, &got, part);
            to += part;
            done += part;
        }
    }
    if (count == 1)
        remember(pieces[0], false, as_user);
    return count != 0;
}

bool Core::write_wide(uint32_t linear, unsigned bytes, bool as_user, const void* value) {
    Piece pieces[2];
    const unsigned count = translate_pieces(linear, bytes, AccessKind::write, as_user, pieces);
    const auto* from = static_cast<const uint8_t*>(value);
    for (unsigned i = 0; i < count; ++i) {
        const Piece& piece = pieces[i];
        touch(piece, true);
        blocks.written(piece.translation.physical, piece.bytes);
        for (uint32_t done = 0; done < piece.bytes;) {
            const uint32_t part = std::min(piece.bytes - done, widest_transfer);
            uint64_t put = 0;
            std::memcpy(&put, from, part);
            map.write(piece.translation.physical + done, part, put);
            from += part;
            done += part;
        }
    }
    if (count == 1)
        remember(pieces[0], true, as_user);
    return count != 0;
}

bool Core::probe_area(uint32_t linear, unsigned bytes, bool write, bool as_user) {
    constexpr uint32_t page_mask = ~uint32_t{4096 - 1};
    const uint32_t last_page = (linear + (bytes - 1)) & page_mask;
    const bool crosses = last_page != (linear & page_mask);
    for (const uint32_t address : {linear, crosses ? last_page : linear}) {
        Mmu::Translation translation;
        if (!mmu.translate(address, write ? AccessKind::write : AccessKind::read, as_user, translation))
            return raise(vector::page_fault, mmu.fault_error());
    }
    return true;
}

bool Core::read_area(const Op* op, uint32_t linear, unsigned bytes, uint8_t* area) {
    if (!probe_area(linear, bytes, false, user()))
        return false;
    unsigned done = 0;
    for (uint32_t value = 0; done + sizeof(value) <= bytes; done += sizeof(value)) {
        if (!read_linear<uint32_t>(*this, op, linear + done, value))
            return false;
        std::memcpy(area + done, &value, sizeof(value));
    }
    for (uint16_t value = 0; done < bytes; done += sizeof(value)) {
        if (!read_linear<uint16_t>(*this, op, linear + done, value))
            return false;
        std::memcpy(area + done, &value, sizeof(value));
    }
    return true;
}

bool Core::write_area(const Op* op, uint32_t linear, unsigned bytes, const uint8_t* area) {
    if (!probe_area(linear, bytes, true, user()))
        return false;
    unsigned done = 0;
    for (uint32_t value = 0; done + sizeof(value) <= bytes; done += sizeof(value)) {
        std::memcpy(&value, area + done, sizeof(value));
        if (!write_linear<uint32_t>(*this, op, linear + done, value))
            return false;
    }
    for (uint16_t value = 0; done < bytes; done += sizeof(value)) {
        std::memcpy(&value, area + done, sizeof(value));
        if (!write_linear<uint16_t>(*this, op, linear + done, value))
            return false;
    }
    return true;
}

} // namespace fixpoint::models
