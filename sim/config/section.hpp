// The schema of one table: each key is declared where it is read, with its type, range or choices, default
// and meaning. Reading fills defaults into the table, so that the tree is the resolved configuration
// afterwards; finish() refuses every key that was not declared and names the nearest one that was.
#pragma once

#include "sim/config/value.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fixpoint::sim {

struct IntegerKey {
    std::string_view meaning; // with the unit
    int64_t minimum = 0, maximum = std::numeric_limits<int64_t>::max();
    std::optional<int64_t> otherwise = {}; // none: the key is required
    bool power_of_two = false;
};

struct RealKey {
    std::string_view meaning;
    double minimum = 0, maximum = std::numeric_limits<double>::max();
    std::optional<double> otherwise = {};
};

struct TextKey {
    std::string_view meaning;
    std::optional<std::string_view> otherwise = {};
    bool may_be_empty = false;
};

struct BooleanKey {
    std::string_view meaning;
    std::optional<bool> otherwise = {};
};

// Valid keys or names that resemble `wrong`, as `; did you mean X?`, or nothing.
[[nodiscard]] std::string suggestion(std::string_view wrong, const std::vector<std::string>& valid);
[[nodiscard]] size_t edit_distance(std::string_view a, std::string_view b);

class Section {
public:
    // `table` must outlive the section. `path` is empty for the document itself.
    Section(Value& table, std::string path) : table_(table), path_(std::move(path)) {}

    [[nodiscard]] bool has(std::string_view key) const { return table_.find(key) != nullptr; }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] Value& table() { return table_; }

    int64_t integer(std::string_view key, const IntegerKey& schema);
    double real(std::string_view key, const RealKey& schema);
    std::string text(std::string_view key, const TextKey& schema);
    bool boolean(std::string_view key, const BooleanKey& schema);
    // The position in `choices` of the text given.
    size_t choice(std::string_view key, std::string_view meaning,
                  const std::vector<std::string_view>& choices, std::optional<size_t> otherwise = {});

    template<class T>
    void bind(std::string_view key, T& field, IntegerKey schema) {
        if (std::cmp_greater(schema.maximum, std::numeric_limits<T>::max()))
            schema.maximum = static_cast<int64_t>(std::numeric_limits<T>::max());
        field = static_cast<T>(integer(key, schema));
    }

    // A table in this table. A required one that is missing is an error; otherwise an empty one is made.
    Section section(std::string_view key, std::string_view meaning, bool required = false);
    // The tables of an array of tables, read one by one.
    size_t sections(std::string_view key, std::string_view meaning,
                    const std::function<void(Section&)>& read);
    // Any value: the caller checks it. Null: not there.
    Value* any(std::string_view key);

    // Throws for the first key that nobody declared.
    void finish() const;

    [[noreturn]] void fail(std::string_view key, std::string_view expected, std::string_view found,
                           std::string_view hint = {}) const;

private:
    Value* required(std::string_view key, std::string_view expected, bool has_default);
    [[nodiscard]] std::string full_key(std::string_view key) const;

    Value& table_;
    std::string path_;
    std::vector<std::string> declared_;
};

} // namespace fixpoint::sim
