// Framing of the GDB remote serial protocol: $content#checksum, with '+' and '-' as acknowledgements and a
// lone 0x03 as the request to interrupt the target (GDB manual, "Remote Protocol", Overview).
//
// In content the bytes '#', '$', '}' and '*' are escaped: '}' and the byte with bit 5 inverted.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fixpoint::sim {

struct PacketEvent {
    enum class Kind {
        packet,    // `content` with its escapes undone
        damaged,   // a packet whose checksum is wrong, or that is longer than a packet may be
        interrupt, // 0x03 between packets
        refused,   // '-': the last packet should be sent again
    };
    Kind kind = Kind::packet;
    std::string content;

    bool operator==(const PacketEvent&) const = default;
};

// Turns the bytes of a connection, in whatever pieces they come, into events.
class PacketReader {
public:
    static constexpr size_t longest_packet = 0x8000;

    void feed(std::string_view bytes);
    [[nodiscard]] std::optional<PacketEvent> next();
    // Drops a partial packet and what has not been fetched: a new connection begins.
    void clear();

private:
    enum class State { between, content, first_digit, second_digit };

    void take(char byte);
    void finish(char second_digit);

    State state_ = State::between;
    std::string raw_;
    char first_digit_ = 0;
    bool too_long_ = false;
    std::deque<PacketEvent> events_;
};

// The packet on the wire.
[[nodiscard]] std::string frame_packet(std::string_view content);
// Escapes binary data for use within a packet's content.
[[nodiscard]] std::string escape_binary(std::string_view data);

[[nodiscard]] std::string to_hex(std::span<const uint8_t> bytes);
[[nodiscard]] std::string to_hex(std::string_view text);
// Nothing if the text is no whole number of hexadecimal bytes.
[[nodiscard]] std::optional<std::vector<uint8_t>> from_hex(std::string_view text);

} // namespace fixpoint::sim
