// What a message does, written from docs/abi.md without regard for pages, budgets and restarts.
#pragma once

#include "kernel-model/ipc/message_transfer.hpp"
#include "tests/kernel/message_world.hpp"

#include <algorithm>
#include <bitset>

namespace message_test {

class Reference {
public:
    // The sender's dopes are those that it had when it made its call.
    Reference(World& world, const kernel::MessageEnds& ends, l4::MessageDope sending,
              l4::MessageDope sender_size)
        : world_(world), ends_(ends), sending_(sending), sender_size_(sender_size) {}

    // Dope and condition code as the receiver gets them.
    std::uint32_t run() {
        try {
            transfer();
        } catch (const Outside&) {
            cut_ = true;
        }
        const auto error = map_failed_ ? l4::IpcError::receive_map_failed
                           : cut_      ? l4::IpcError::receive_cut
                                       : l4::IpcError::none;
        return l4::MessageDope::make(words_, to_).raw | static_cast<std::uint32_t>(error) << 4 |
               (mapped_ ? l4::MessageResult::mapped_bit : 0);
    }

    // Something that the message overwrote was also read: then the order of both decides, which nobody promises.
    bool overwrites_what_it_reads() const {
        for (const auto& [page, bytes] : marks_)
            if ((bytes.read & bytes.written).any())
                return true;
        return false;
    }

    std::uint64_t bytes_copied() const { return bytes_copied_; } // beyond string_bytes_limit: given up

private:
    struct Outside {};
    struct Marks {
        std::bitset<l4::page_size> read, written;
    };
    struct Part {
        std::uint32_t size, address;
    };

    void transfer() {
        const std::uint32_t to = ends_.receive_descriptor & ~3u;
        const l4::Fpage window{word(Side::receiver, to)};
        const l4::MessageDope room{word(Side::receiver, to + 4)};
        if ((ends_.send_descriptor & l4::send_map) && !ends_.same_space)
            map_items(window);
        if (map_failed_ || (sending_.words() <= 3 && sending_.strings() == 0))
            return;
        words_ = sending_.words();
        if (words_ > 3 && words_ > room.words()) {
            words_ = room.words();
            cut_ = true;
        }
        for (unsigned number = 3; number < words_; ++number)
            copy(to + 12 + 4 * number, from() + 12 + 4 * number, 4);
        strings(to + 12 + 4 * room.words(), room.strings());
    }

    void map_items(l4::Fpage window) {
        if (window.log2_size() == 0) {
            cut_ = true;
            return;
        }
        MapCall item{ends_.w0, ends_.w1, window.raw};
        for (unsigned number = 3;; number += 2) {
            mapped_ = true;
            map_failed_ = !world_.map(item);
            if (map_failed_ || number + 2 > sending_.words())
                return;
            item.send_base = word(Side::sender, from() + 12 + 4 * number);
            item.fpage = word(Side::sender, from() + 12 + 4 * number + 4);
            if (item.fpage == 0)
                return;
        }
    }

    void strings(std::uint32_t dopes, unsigned dope_count) {
        std::uint32_t filled = 0;
        const auto goes_on = [&] {
            return to_ + 1 < dope_count && continues(Side::receiver, dopes + 16 * (to_ + 1) + 8);
        };
        const auto close = [&] {
            const std::uint32_t address = receive_part(dopes, to_).address;
            set_word(dopes + 16 * to_, filled);
            set_word(dopes + 16 * to_ + 4, address);
            filled = 0;
            ++to_;
        };
        for (unsigned number = 0; number < sending_.strings(); ++number) {
            if (to_ == dope_count) {
                cut_ = true;
                return;
            }
            const Part part = send_part(number);
            receive_part(dopes, to_);
            for (std::uint32_t sent = 0; sent < part.size;) {
                const Part room = receive_part(dopes, to_);
                const std::uint32_t bytes = std::min(part.size - sent, room.size - filled);
                copy(room.address + filled, part.address + sent, bytes);
                sent += bytes;
                filled += bytes;
                if (sent == part.size)
                    break;
                const bool more_room = goes_on();
                close();
                if (!more_room) {
                    cut_ = true;
                    return;
                }
            }
            const bool last = number + 1 == sending_.strings();
            if (!last && continues(Side::sender, sender_dope(number + 1)))
                continue;
            for (bool more_room = true; more_room;) {
                more_room = !last && goes_on();
                close();
            }
        }
    }

    std::uint32_t from() const { return ends_.send_descriptor & ~3u; }
    std::uint32_t sender_dope(unsigned number) const {
        return from() + 12 + 4 * sender_size_.words() + 16 * number;
    }
    Part send_part(unsigned number) { return part(Side::sender, sender_dope(number)); }
    Part receive_part(std::uint32_t dopes, unsigned number) {
        return part(Side::receiver, dopes + 16 * number + 8);
    }
    Part part(Side side, std::uint32_t address) {
        const std::uint32_t size = word(side, address);
        return {size & 0x7FFFFFFFu, word(side, address + 4)};
    }
    bool continues(Side side, std::uint32_t size_address) { return word(side, size_address) >> 31; }

    std::uint8_t& byte(Side side, std::uint32_t address, bool write) {
        if (address >= l4::user_space_end)
            throw Outside();
        const unsigned space = side == Side::receiver && !world_.same_space;
        Marks& marks = marks_[address / l4::page_size * 2 + space];
        (write ? marks.written : marks.read).set(address % l4::page_size);
        return world_.space(side).byte(address);
    }
    std::uint32_t word(Side side, std::uint32_t address) {
        std::uint32_t value = 0;
        for (unsigned index = 0; index < 4; ++index)
            value |= std::uint32_t{byte(side, address + index, false)} << 8 * index;
        return value;
    }
    void set_word(std::uint32_t address, std::uint32_t value) {
        for (unsigned index = 0; index < 4; ++index)
            byte(Side::receiver, address + index, true) = static_cast<std::uint8_t>(value >> 8 * index);
    }
    void copy(std::uint32_t to, std::uint32_t from, std::uint32_t bytes) {
        for (std::uint32_t index = 0; index < bytes; ++index) {
            if (++bytes_copied_ > string_bytes_limit)
                throw Outside();
            const std::uint8_t value = byte(Side::sender, from + index, false);
            byte(Side::receiver, to + index, true) = value;
        }
    }

    std::uint64_t bytes_copied_ = 0;
    World& world_;
    const kernel::MessageEnds& ends_;
    l4::MessageDope sending_, sender_size_;
    unsigned words_ = 0, to_ = 0; // of the dope that comes back
    bool mapped_ = false, map_failed_ = false, cut_ = false;
    std::unordered_map<std::uint32_t, Marks> marks_;
};

} // namespace message_test
