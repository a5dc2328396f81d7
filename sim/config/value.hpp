// A configuration as a tree of values, each of which knows where it was written.
//
// The tree outlives the TOML parser: places survive copying, so a value that was merged in from another file,
// from the command line or from a sweep still names its origin in an error message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fixpoint::sim {

// Where a value was written. `line` 0: `source` alone says it ("--set", or a file as a whole).
struct Place {
    std::string source;
    unsigned line = 0, column = 0;

    [[nodiscard]] std::string text() const;
};

struct Member;

struct Value {
    enum class Kind { boolean, integer, real, text, date, array, table };

    Kind kind = Kind::table;
    bool boolean = false;
    int64_t integer = 0;
    double real = 0;
    std::string text; // a string's content, or a date as written
    std::vector<Value> elements;
    std::vector<Member> members; // in the order of the file
    Place place;

    static Value make_boolean(bool value);
    static Value make_integer(int64_t value);
    static Value make_real(double value);
    static Value make_text(std::string value);
    static Value make_array();
    static Value make_table();

    [[nodiscard]] bool is_number() const { return kind == Kind::integer || kind == Kind::real; }
    [[nodiscard]] double as_real() const {
        return kind == Kind::integer ? static_cast<double>(integer) : real;
    }

    [[nodiscard]] const Value* find(std::string_view key) const; // null: no such member, or no table
    [[nodiscard]] Value* find(std::string_view key);
    Value& set(std::string_view key, Value value); // adds the member or replaces it
    void erase(std::string_view key);
};

struct Member {
    std::string key;
    Place place; // of the key
    Value value;
};

// The value as one would write it in TOML on one line.
[[nodiscard]] std::string to_inline_toml(const Value& value);
// A whole document; `table` must be a table. Reading it back gives the same values.
[[nodiscard]] std::string to_toml(const Value& table);
// For messages: `"abc"`, `12`, `a table`, `an array`.
[[nodiscard]] std::string describe(const Value& value);

} // namespace fixpoint::sim
