// The characters of the PC's own font, as Unicode.
#pragma once

#include <cstdint>
#include <string_view>

namespace fixpoint::models {

// UTF-8. 0 and 255 look like a space and are one.
[[nodiscard]] std::string_view code_page_437(uint8_t code);

} // namespace fixpoint::models
