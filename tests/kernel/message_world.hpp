// Two address spaces for tests of message transfers, and what a transfer sees of them.
//
// Every page of user space exists, full of small words, so that garbage taken for a dope names few bytes. Whether it is
// present or writable is another matter: PagedMemory lets the machine under test touch only what it has asked for in
// the same run.
#pragma once

#include "kernel-model/abi/system_layout.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace message_test {

enum class Side { sender, receiver };

struct Page {
    std::array<std::uint8_t, l4::page_size> bytes{};
    bool present = true, writable = true;
};

class Space {
public:
    explicit Space(unsigned number) : number_(number) {}

    Page& page(std::uint32_t address) {
        const std::uint32_t number = address / l4::page_size;
        const auto [found, is_new] = pages_.try_emplace(number);
        if (is_new)
            found->second.bytes = original(number);
        return found->second;
    }
    std::uint8_t& byte(std::uint32_t address) { return page(address).bytes[address % l4::page_size]; }
    void set_word(std::uint32_t address, std::uint32_t value) {
        for (unsigned index = 0; index < 4; ++index)
            if (address + index < l4::user_space_end)
                byte(address + index) = static_cast<std::uint8_t>(value >> 8 * index);
    }
    std::unordered_map<std::uint32_t, Page>& pages() { return pages_; }

    // The first address at which the two differ, or user_space_end.
    std::uint32_t first_difference(Space& other) {
        std::set<std::uint32_t> numbers;
        for (const auto& [number, page] : pages_)
            numbers.insert(number);
        for (const auto& [number, page] : other.pages_)
            numbers.insert(number);
        for (const std::uint32_t number : numbers)
            for (unsigned offset = 0; offset < l4::page_size; ++offset) {
                const std::uint32_t address = number * l4::page_size + offset;
                if (offset == 0 && page(address).bytes == other.page(address).bytes)
                    break;
                if (byte(address) != other.byte(address))
                    return address;
            }
        return l4::user_space_end;
    }

private:
    using Bytes = std::array<std::uint8_t, l4::page_size>;
    static constexpr unsigned kinds = 61;

    const Bytes& original(std::uint32_t page_number) const {
        static const std::vector<Bytes> pages = [] {
            std::vector<Bytes> made(std::size_t{2} * kinds);
            std::uint32_t random = 1;
            for (Bytes& bytes : made)
                for (unsigned offset = 0; offset < l4::page_size; offset += 4) {
                    random = random * 1664525u + 1013904223u;
                    bytes[offset] = static_cast<std::uint8_t>(random >> 24);
                    bytes[offset + 1] = static_cast<std::uint8_t>(random >> 16 & 7);
                    bytes[offset + 2] = bytes[offset + 3] = 0;
                }
            return made;
        }();
        return pages[number_ * kinds + page_number % kinds];
    }

    unsigned number_;
    std::unordered_map<std::uint32_t, Page> pages_;
};

// Longer messages take too long, and too much memory, to be tried at random.
inline constexpr std::uint64_t string_bytes_limit = 4u << 20;

struct MapCall {
    std::uint32_t send_base, fpage, window;
    bool operator==(const MapCall&) const = default;
};

struct World {
    Space spaces[2] = {Space(0), Space(1)};
    bool same_space = false;
    unsigned maps_possible = 0; // then memory runs out
    std::vector<MapCall> maps;

    Space& space(Side side) { return spaces[side == Side::receiver && !same_space]; }
    bool map(const MapCall& call) {
        maps.push_back(call);
        return maps.size() <= maps_possible;
    }
};

// A World as MessageTransfer wants memory.
class PagedMemory {
public:
    explicit PagedMemory(World& world) : world_(world) {}

    // At the beginning of a run: nothing is known of any page.
    void forget_checks() { may_read_.clear(), may_write_.clear(); }

    bool sender_readable(std::uint32_t address) {
        return checked(page_at(Side::sender, address).present, may_read_, address);
    }
    bool receiver_writable(std::uint32_t address) {
        const Page& page = page_at(Side::receiver, address);
        return checked(page.present && page.writable, may_write_, address);
    }
    const std::uint32_t* sender_word(std::uint32_t address) {
        require(may_read_.contains(address / l4::page_size), "reads a page of the sender's unseen");
        return word(Side::sender, address);
    }
    const std::uint32_t* receiver_word(std::uint32_t address) {
        return page_at(Side::receiver, address).present ? word(Side::receiver, address) : nullptr;
    }
    std::uint32_t* receiver_word_to_write(std::uint32_t address) {
        require(may_write_.contains(address / l4::page_size), "writes a page of the receiver's unseen");
        return word(Side::receiver, address);
    }
    void copy(std::uint32_t to, std::uint32_t from, std::uint32_t bytes) {
        require(bytes != 0, "copies nothing");
        require(within_page(to, bytes) && within_page(from, bytes), "copies beyond a page");
        require(may_read_.contains(from / l4::page_size), "copies from a page unseen");
        require(may_write_.contains(to / l4::page_size), "copies to a page unseen");
        bytes_copied_ += bytes;
        std::memmove(&world_.space(Side::receiver).byte(to), &world_.space(Side::sender).byte(from), bytes);
    }
    std::uint64_t bytes_copied() const { return bytes_copied_; }
    bool map(std::uint32_t send_base, l4::Fpage fpage, l4::Fpage window) {
        return world_.map({send_base, fpage.raw, window.raw});
    }

private:
    static void require(bool condition, const char* violation) {
        if (!condition)
            throw std::logic_error(violation);
    }
    static bool checked(bool allowed, std::set<std::uint32_t>& pages, std::uint32_t address) {
        if (allowed)
            pages.insert(address / l4::page_size);
        return allowed;
    }
    static bool within_page(std::uint32_t address, std::uint32_t bytes) {
        return address % l4::page_size + bytes <= l4::page_size;
    }
    Page& page_at(Side side, std::uint32_t address) {
        require(address < l4::user_space_end, "looks at what is not the user's");
        return world_.space(side).page(address);
    }
    std::uint32_t* word(Side side, std::uint32_t address) {
        require(address % 4 == 0, "a word that is not aligned");
        return reinterpret_cast<std::uint32_t*>(&page_at(side, address).bytes[address % l4::page_size]);
    }

    World& world_;
    std::uint64_t bytes_copied_ = 0;
    std::set<std::uint32_t> may_read_, may_write_;
};

} // namespace message_test
