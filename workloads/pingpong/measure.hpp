// The measured loops of pingpong.
#pragma once

#include "kernel-model/abi/syscalls.hpp"

namespace pingpong {

enum class Entry : unsigned { int30, sysenter };

bool has_sysenter();

// Cycles of that many calls of `partner`, which answers by the same entry.
uint32_t round_trips(l4::ThreadId partner, Entry entry, uint32_t rounds);

// The partner's thread: replies to whoever calls, for ever.
[[noreturn]] void answer(Entry entry);

} // namespace pingpong
