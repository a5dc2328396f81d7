#include "sim/debug/packet.hpp"

namespace fixpoint::sim {
namespace {

constexpr char interrupt_byte = 0x03, escape_byte = '}', escape_bit = 0x20;
constexpr std::string_view digits = "0123456789abcdef";

std::optional<unsigned> digit_value(char c) {
    if (c >= '0' && c <= '9')
        return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f')
        return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F')
        return static_cast<unsigned>(c - 'A' + 10);
    return std::nullopt;
}

uint8_t checksum(std::string_view raw) {
    unsigned sum = 0;
    for (const char c : raw)
        sum += static_cast<uint8_t>(c);
    return static_cast<uint8_t>(sum);
}

std::string undo_escapes(std::string_view raw) {
    std::string content;
    content.reserve(raw.size());
    for (size_t i = 0; i < raw.size(); ++i)
        if (raw[i] == escape_byte && i + 1 < raw.size())
            content += static_cast<char>(raw[++i] ^ escape_bit);
        else
            content += raw[i];
    return content;
}

} // namespace

void PacketReader::feed(std::string_view bytes) {
    for (const char byte : bytes)
        take(byte);
}

void PacketReader::take(char byte) {
    switch (state_) {
    case State::between:
        if (byte == '$')
            state_ = State::content;
        else if (byte == interrupt_byte)
            events_.push_back({PacketEvent::Kind::interrupt, {}});
        else if (byte == '-')
            events_.push_back({PacketEvent::Kind::refused, {}});
        return; // '+' asks for nothing; anything else is noise
    case State::content:
        if (byte == '#')
            state_ = State::first_digit;
        else if (byte == '$') // the end of the last one was lost
            raw_.clear();
        else if (raw_.size() < longest_packet)
            raw_ += byte;
        else
            too_long_ = true;
        return;
    case State::first_digit:
        first_digit_ = byte;
        state_ = State::second_digit;
        return;
    case State::second_digit:
        finish(byte);
        return;
    }
}

void PacketReader::finish(char second_digit) {
    const auto high = digit_value(first_digit_), low = digit_value(second_digit);
    const bool sound = !too_long_ && high && low && (*high << 4 | *low) == checksum(raw_);
    if (sound)
        events_.push_back({PacketEvent::Kind::packet, undo_escapes(raw_)});
    else
        events_.push_back({PacketEvent::Kind::damaged, {}});
    raw_.clear();
    too_long_ = false;
    state_ = State::between;
}

std::optional<PacketEvent> PacketReader::next() {
    if (events_.empty())
        return std::nullopt;
    PacketEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
}

void PacketReader::clear() {
    *this = PacketReader{};
}

std::string frame_packet(std::string_view content) {
    const uint8_t sum = checksum(content);
    std::string packet;
    packet.reserve(content.size() + 4);
    packet += '$';
    packet += content;
    packet += '#';
    packet += digits[sum >> 4];
    packet += digits[sum & 0xF];
    return packet;
}

std::string escape_binary(std::string_view data) {
    std::string escaped;
    escaped.reserve(data.size());
    for (const char c : data) {
        if (c == '#' || c == '$' || c == escape_byte || c == '*') {
            escaped += escape_byte;
            escaped += static_cast<char>(c ^ escape_bit);
        } else {
            escaped += c;
        }
    }
    return escaped;
}

std::string to_hex(std::span<const uint8_t> bytes) {
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 0xF];
    }
    return text;
}

std::string to_hex(std::string_view text) {
    return to_hex(std::vector<uint8_t>(text.begin(), text.end()));
}

std::optional<std::vector<uint8_t>> from_hex(std::string_view text) {
    if (text.size() % 2 != 0)
        return std::nullopt;
    std::vector<uint8_t> bytes;
    bytes.reserve(text.size() / 2);
    for (size_t i = 0; i < text.size(); i += 2) {
        const auto high = digit_value(text[i]), low = digit_value(text[i + 1]);
        if (!high || !low)
            return std::nullopt;
        bytes.push_back(static_cast<uint8_t>(*high << 4 | *low));
    }
    return bytes;
}

} // namespace fixpoint::sim
