// A configuration that cannot be used: one message that names file, line, column, key, what was expected and
// found.
#pragma once

#include <stdexcept>

namespace fixpoint::sim {

class ConfigurationError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace fixpoint::sim
