// Reading a packet's content from left to right: hexadecimal numbers and what stands between them.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fixpoint::sim {

class PacketText {
public:
    explicit PacketText(std::string_view text) : rest_{text} {}

    [[nodiscard]] bool skip(std::string_view expected) {
        if (!rest_.starts_with(expected))
            return false;
        rest_.remove_prefix(expected.size());
        return true;
    }
    // At most 32 bits; nothing if no number stands here or it is too large.
    [[nodiscard]] std::optional<uint32_t> number() {
        uint32_t value = 0;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value, 16);
        if (error != std::errc{})
            return std::nullopt;
        rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
        return value;
    }
    struct Range {
        uint32_t address, length;
    };
    // ADDRESS,LENGTH
    [[nodiscard]] std::optional<Range> range() {
        const auto address = number();
        const auto length = address && skip(",") ? number() : std::nullopt;
        return length ? std::optional{Range{*address, *length}} : std::nullopt;
    }
    // What stands before `separator` or the end; the separator is skipped.
    [[nodiscard]] std::string_view until(char separator) {
        const size_t end = rest_.find(separator);
        const std::string_view part = rest_.substr(0, end);
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        return part;
    }
    [[nodiscard]] std::string_view rest() const { return rest_; }
    [[nodiscard]] bool at_end() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

} // namespace fixpoint::sim
