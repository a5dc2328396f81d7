#pragma once

#include <cstdint>

namespace bench {

// Returns a checksum of everything it worked out.
uint32_t compiled_code(uint32_t rounds);

} // namespace bench
