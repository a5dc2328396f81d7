// Arguments of a program: "key=value key=value", separated by spaces. No allocation; values are views into
// the text.
#pragma once

#include <cstdint>

namespace workloads {

struct TextView {
    const char* data = nullptr;
    unsigned length = 0;

    bool present() const { return data != nullptr; }
    bool equals(const char* text) const;
};

class Arguments {
public:
    explicit Arguments(const char* text) : text_(text) {}

    TextView find(const char* key) const;

    // A decimal number from low to high; `fallback` when the key is absent. Anything else is noted as an
    // error.
    uint64_t number(const char* key, uint64_t fallback, uint64_t low, uint64_t high);
    // A decimal fraction such as 0.99, with 16 fraction bits.
    uint32_t fraction_q16(const char* key, uint32_t fallback, uint32_t high);
    // One of `count` words; returns its index.
    unsigned choice(const char* key, unsigned fallback, const char* const* words, unsigned count);

    // Key of the first argument that could not be read, nullptr if none; and of the first key not in `known`.
    const char* bad_key() const { return bad_key_; }
    TextView unknown_key(const char* const* known, unsigned count) const;

private:
    void note_bad(const char* key) {
        if (!bad_key_)
            bad_key_ = key;
    }

    const char* text_;
    const char* bad_key_ = nullptr;
};

} // namespace workloads
