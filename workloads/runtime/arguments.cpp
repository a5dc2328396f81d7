#include "workloads/runtime/arguments.hpp"

namespace workloads {

namespace {

// Reads the digits at `position` as a number not above `limit`; false on overflow of the limit or without any
// digit.
bool read_digits(const TextView& text, unsigned& position, uint64_t limit, uint64_t& value) {
    value = 0;
    const unsigned start = position;
    for (; position < text.length && text.data[position] >= '0' && text.data[position] <= '9'; ++position) {
        const auto digit = static_cast<unsigned>(text.data[position] - '0');
        if (digit > limit || value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    return position > start;
}

// One word "key=value" or "key" of the text; advances past it. False at the end.
bool next_word(const char*& cursor, TextView& key, TextView& value) {
    while (*cursor == ' ')
        ++cursor;
    if (!*cursor)
        return false;
    key = {cursor, 0};
    while (*cursor && *cursor != ' ' && *cursor != '=')
        ++cursor, ++key.length;
    value = {cursor, 0};
    if (*cursor == '=') {
        value.data = ++cursor;
        while (*cursor && *cursor != ' ')
            ++cursor, ++value.length;
    }
    return true;
}

} // namespace

bool TextView::equals(const char* text) const {
    for (unsigned i = 0; i < length; ++i)
        if (text[i] == 0 || text[i] != data[i])
            return false;
    return text[length] == 0;
}

TextView Arguments::find(const char* key) const {
    const char* cursor = text_;
    TextView name, value;
    while (next_word(cursor, name, value))
        if (name.equals(key))
            return value;
    return {};
}

uint64_t Arguments::number(const char* key, uint64_t fallback, uint64_t low, uint64_t high) {
    const TextView text = find(key);
    if (!text.present())
        return fallback;
    unsigned position = 0;
    uint64_t value = 0;
    if (!read_digits(text, position, high, value) || position != text.length || value < low) {
        note_bad(key);
        return fallback;
    }
    return value;
}

uint32_t Arguments::fraction_q16(const char* key, uint32_t fallback, uint32_t high) {
    const TextView text = find(key);
    if (!text.present())
        return fallback;
    unsigned position = 0;
    uint64_t whole = 0, numerator = 0, denominator = 1;
    bool good = read_digits(text, position, high, whole);
    if (good && position < text.length && text.data[position] == '.') {
        const unsigned first_digit = ++position;
        good = read_digits(text, position, 999'999'999, numerator);
        for (unsigned i = first_digit; i < position; ++i)
            denominator *= 10;
        good = good && position - first_digit <= 9;
    }
    const uint64_t value_q16 = good ? (whole << 16) + (numerator << 16) / denominator : 0;
    if (!good || position != text.length || value_q16 > uint64_t{high} << 16) {
        note_bad(key);
        return fallback;
    }
    return static_cast<uint32_t>(value_q16);
}

unsigned Arguments::choice(const char* key, unsigned fallback, const char* const* words, unsigned count) {
    const TextView text = find(key);
    if (!text.present())
        return fallback;
    for (unsigned i = 0; i < count; ++i)
        if (text.equals(words[i]))
            return i;
    note_bad(key);
    return fallback;
}

TextView Arguments::unknown_key(const char* const* known, unsigned count) const {
    const char* cursor = text_;
    TextView name, value;
    while (next_word(cursor, name, value)) {
        bool found = false;
        for (unsigned i = 0; i < count && !found; ++i)
            found = name.equals(known[i]);
        if (!found)
            return name;
    }
    return {};
}

} // namespace workloads
