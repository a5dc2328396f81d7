// One assignment to a key of a configuration that was read: from `--set KEY=VALUE`, or from a sweep's point.
#pragma once

#include "sim/config/value.hpp"

#include <string>

namespace fixpoint::sim {

struct Override {
    std::string key; // `pager.interval_ms`, `workload[0].accounts`
    Value value;
};

// From the command line. Throws ConfigurationError if there is no `=` or no key.
[[nodiscard]] Override parse_override(const std::string& key_and_value);

// Sets the key, making the tables on its way, and an array's next element. A string on the way that names a
// file stands for the table in that file, which is read then. Throws ConfigurationError.
void apply_override(Value& document, const Override& assignment);

// The table in the file that `value` names, in place of the name.
void include_file(Value& value, const std::string& key);

} // namespace fixpoint::sim
