// What hazelnut_start.S has found at the program's entry, and the request by which the root task asks sigma0 for the same.
#pragma once

#include <cstdint>

extern "C" uint32_t start_eax, start_ebx, start_esp, start_word;

namespace kernel_test {

inline constexpr uint32_t tell_start = 0xF0000000u; // w0 to sigma0; answer: EAX, EBX, the word at ESP

} // namespace kernel_test
