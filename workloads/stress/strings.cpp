// Messages in memory: doublewords, and strings that are gathered from pieces and scattered to others, with pages that
// are missing on either side. Both partners draw the same shape, so the receiver knows every byte, and how many each of
// its pieces gets.
#include "kernel-model/abi/message.hpp"
#include "workloads/stress/calls.hpp"
#include "workloads/stress/verdict.hpp"
#include "workloads/stress/worker.hpp"

namespace stress {

namespace {

constexpr unsigned words_max = 40, strings_max = 3, pieces_max = 3, gap_max = 40;
constexpr unsigned long_string_bytes = 2500, short_string_bytes = 100, slack_max = 40;
static_assert(strings_max * (long_string_bytes + slack_max + pieces_max * gap_max) < buffer_bytes);

using Message = l4::MemoryMessage<words_max, strings_max * pieces_max>;

struct Piece {
    unsigned offset, bytes; // in the buffer
};
struct Pieces {
    Piece pieces[pieces_max];
    unsigned count;
};

struct Shape {
    unsigned words, strings;
    unsigned bytes[strings_max];
    Pieces from[strings_max], to[strings_max];
    uint32_t salt;
    bool cut; // the last string is one byte longer than its room
};

// Splits `bytes` into one to three pieces that follow each other in the buffer, with gaps.
Pieces draw_pieces(workloads::Random& random, unsigned bytes, unsigned& offset) {
    Pieces drawn{};
    while (bytes != 0) {
        const bool last = drawn.count + 1 == pieces_max || random.below(2) == 0;
        const unsigned part = last ? bytes : 1 + random.below(bytes);
        offset += random.below(gap_max);
        drawn.pieces[drawn.count++] = {offset, part};
        offset += part;
        bytes -= part;
    }
    return drawn;
}

Shape draw_shape(uint32_t seed) {
    workloads::Random random(seed);
    Shape shape{};
    shape.salt = random.next();
    shape.words = l4::register_words + random.below(words_max - l4::register_words + 1);
    shape.strings = 1 + random.below(strings_max);
    shape.cut = random.below(8) == 0;
    unsigned send_offset = 0, receive_offset = 0;
    for (unsigned string = 0; string < shape.strings; ++string) {
        const bool is_long = random.below(8) == 0;
        const unsigned bytes = 2 + random.below((is_long ? long_string_bytes : short_string_bytes) - 2);
        shape.bytes[string] = bytes;
        shape.from[string] = draw_pieces(random, bytes, send_offset);
        const unsigned room =
            shape.cut && string + 1 == shape.strings ? bytes - 1 : bytes + random.below(slack_max);
        shape.to[string] = draw_pieces(random, room, receive_offset);
    }
    return shape;
}

uint32_t word_of(const Shape& shape, unsigned number) {
    return (shape.salt + number) * 0x9E3779B1u;
}
uint8_t byte_of(const Shape& shape, unsigned string, unsigned position) {
    return static_cast<uint8_t>((shape.salt >> (8 * string)) + position * 37 + (position >> 8));
}

// Both sizes of a dope: the bit says that the piece is not the first of its string.
uint32_t size_word(const Pieces& pieces, unsigned index) {
    return pieces.pieces[index].bytes | (index != 0 ? l4::StringDope::continues_bit : 0);
}

void write_message(const Shape& shape, Message& message, Buffer& buffer) {
    unsigned dopes = 0;
    for (unsigned string = 0; string < shape.strings; ++string) {
        const Pieces& from = shape.from[string];
        unsigned position = 0;
        for (unsigned index = 0; index < from.count; ++index, ++dopes) {
            uint8_t* const bytes = buffer.bytes + from.pieces[index].offset;
            for (unsigned byte = 0; byte < from.pieces[index].bytes; ++byte)
                bytes[byte] = byte_of(shape, string, position++);
            message.strings[dopes].send_size = size_word(from, index);
            message.strings[dopes].send_address = reinterpret_cast<uint32_t>(bytes);
        }
    }
    for (unsigned number = 0; number < shape.words; ++number)
        message.words[number] = word_of(shape, number);
    message.send = l4::MessageDope::make(shape.words, dopes);
}

void make_room(const Shape& shape, Message& message, const Buffer& buffer) {
    unsigned dopes = 0;
    for (unsigned string = 0; string < shape.strings; ++string) {
        const Pieces& to = shape.to[string];
        for (unsigned index = 0; index < to.count; ++index, ++dopes) {
            message.strings[dopes].receive_size = size_word(to, index);
            message.strings[dopes].receive_address =
                reinterpret_cast<uint32_t>(buffer.bytes) + to.pieces[index].offset;
        }
    }
    message.size = l4::MessageDope::make(words_max, dopes);
}

// Returns how many of the receiver's pieces the string has used: all, but for the last string.
unsigned check_string(const Shape& shape, unsigned string, const l4::StringDope* dopes,
                      const Buffer& buffer) {
    const Pieces& to = shape.to[string];
    const bool last = string + 1 == shape.strings;
    unsigned position = 0, index = 0;
    for (; index < to.count && !(last && position == shape.bytes[string]); ++index) {
        const unsigned left = shape.bytes[string] - position;
        const unsigned bytes = left < to.pieces[index].bytes ? left : to.pieces[index].bytes;
        check_equal(dopes[index].send_size, bytes, "size of a piece of a string");
        check_equal(dopes[index].send_address, dopes[index].receive_address,
                    "address of a piece of a string");
        for (unsigned byte = 0; byte < bytes; ++byte)
            check_equal(buffer.bytes[to.pieces[index].offset + byte], byte_of(shape, string, position++),
                        "a byte of a string");
    }
    return index;
}

void check_received(const Shape& shape, const Message& message, const Buffer& buffer,
                    l4::MessageResult result) {
    for (unsigned number = l4::register_words; number < shape.words; ++number)
        check_equal(message.words[number], word_of(shape, number), "a doubleword of a message");
    unsigned dopes = 0;
    for (unsigned string = 0; string < shape.strings; ++string)
        dopes += check_string(shape, string, message.strings + dopes, buffer);
    const uint32_t error = shape.cut ? static_cast<uint32_t>(IpcError::receive_cut) << 4 : 0;
    check_equal(result.raw, l4::MessageDope::make(shape.words, dopes).raw | error,
                "dope of a received message");
}

void send_strings(const PairTurn& turn, const Shape& shape) {
    Message message;
    Buffer& buffer = send_buffer(turn.slot);
    write_message(shape, message, buffer);
    if (turn.step.variant & 1)
        flush_buffer(buffer);
    l4::Message words{word_of(shape, 0), word_of(shape, 1), word_of(shape, 2)};
    l4::ThreadId to = turn.partner_id();
    const l4::MessageResult result =
        ipc(turn.entry(), to, l4::send_memory(message), l4::no_receive, l4::Timeouts::infinite(), words);
    check_equal(result.raw, shape.cut ? static_cast<uint32_t>(IpcError::send_cut) << 4 : 0,
                "result of a send with strings");
}

void receive_strings(const PairTurn& turn, const Shape& shape) {
    Message message;
    Buffer& buffer = receive_buffer(turn.slot);
    make_room(shape, message, buffer);
    if (turn.step.variant & 2)
        flush_buffer(buffer);
    l4::Message words;
    l4::ThreadId from = turn.partner_id();
    const l4::MessageResult result =
        ipc(turn.entry(), from, l4::no_send, l4::receive_memory(message, (turn.step.variant & 4) != 0),
            l4::Timeouts::infinite(), words);
    check_equal(from.raw, turn.partner_id().raw, "sender of a message with strings");
    check_equal(words.w0 ^ words.w1 ^ words.w2, word_of(shape, 0) ^ word_of(shape, 1) ^ word_of(shape, 2),
                "register words of a message with strings");
    check_received(shape, message, buffer, result);
    turn.note(result.raw);
}

} // namespace

void exchange_strings(const PairTurn& turn) {
    const Shape shape = draw_shape(turn.step.words[0]);
    if (turn.begins)
        send_strings(turn, shape);
    else
        receive_strings(turn, shape);
}

} // namespace stress
