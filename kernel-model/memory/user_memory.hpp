// User memory that the kernel touches on a thread's behalf: looked up before, so that it never faults there itself.
#pragma once

#include "kernel-model/abi/system_layout.hpp"

#include <cstdint>

namespace kernel {

enum class UserAccess : uint8_t { read, write };

constexpr bool in_user_space(uint32_t address, uint32_t bytes) {
    return address <= l4::user_space_end && bytes <= l4::user_space_end - address;
}

// The first page fault that the current thread would have in [address, address + bytes), bytes not 0.
struct UserFault {
    bool faults;
    uint32_t address, error; // as the processor would report them
};
UserFault user_fault(uint32_t address, uint32_t bytes, UserAccess access);

// True: none. False: the current thread has had it; it calls its pager or is stopped.
bool ensure_accessible(uint32_t address, uint32_t bytes, UserAccess access);

// Memory that has been found accessible, at any alignment.
template<class T>
T load_from_user(uint32_t address) {
    struct [[gnu::packed]] Unaligned {
        T value;
    };
    return reinterpret_cast<const Unaligned*>(address)->value;
}
template<class T>
void store_to_user(uint32_t address, T value) {
    struct [[gnu::packed]] Unaligned {
        T value;
    };
    reinterpret_cast<Unaligned*>(address)->value = value;
}

} // namespace kernel
