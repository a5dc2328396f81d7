// Memory messages: what a send or receive descriptor with an address points to.
//
//   +0   receive window for map items (an fpage; 0: none)
//   +4   size dope: doublewords and string dopes that there is room for
//   +8   send dope: doublewords and string dopes to send
//   +12  doublewords; behind as many as the size dope says, string dopes
//
// Doublewords 0-2 travel in registers and are not copied. In a map message the first map item is in doublewords 0 and
// 1, further ones are in 3 and 4, 5 and 6 ... up to a nil fpage.
// Source: L4 Nucleus X.0 reference manual; the places of things as L4Ka::Hazelnut has them.
#pragma once

#include "kernel-model/abi/types.hpp"

namespace l4 {

inline constexpr uint32_t register_words = 3; // doublewords that travel in registers
inline constexpr uint32_t message_header_bytes = 12;
inline constexpr unsigned message_words_max = (1u << 19) - 1, message_strings_max = 31;

// doublewords 19 | string dopes 5 | condition code 8
struct MessageDope {
    uint32_t raw = 0;

    static constexpr MessageDope make(unsigned words, unsigned strings) {
        return {words << 13 | strings << 8};
    }
    constexpr unsigned words() const { return raw >> 13; }
    constexpr unsigned strings() const { return raw >> 8 & 0x1Fu; }
};
static_assert(sizeof(MessageDope) == 4);

// Bit 31 of a size: this dope continues the string of the dope before it. The receiver of a string finds its bytes in
// the send size of each dope that took part, and its receive address in the send address.
struct StringDope {
    uint32_t send_size = 0, send_address = 0;
    uint32_t receive_size = 0, receive_address = 0;

    static constexpr uint32_t continues_bit = 1u << 31;
};
static_assert(sizeof(StringDope) == 16);

struct MessageHeader {
    Fpage receive_window{};
    MessageDope size{}, send{};
};
static_assert(sizeof(MessageHeader) == message_header_bytes);

template<unsigned Words, unsigned Strings>
struct MemoryMessage : MessageHeader {
    constexpr MemoryMessage() { size = MessageDope::make(Words, Strings); }

    uint32_t words[Words] = {};
    StringDope strings[Strings] = {};
};

// Descriptors of messages in memory; the address is a multiple of 4.
constexpr bool descriptor_has_address(uint32_t descriptor) {
    return (descriptor & ~3u) != 0;
}
template<class Message>
uint32_t send_memory(const Message& message, uint32_t flags = 0) {
    return reinterpret_cast<uint32_t>(&message) | flags;
}
template<class Message>
uint32_t receive_memory(Message& message, bool open = false) {
    return reinterpret_cast<uint32_t>(&message) | (open ? open_wait : 0);
}

} // namespace l4
