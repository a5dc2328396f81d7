// The memory functions that the compiler calls by itself, for the freestanding programs of the image and for
// the kernel. Each of them includes this in exactly one source: these are definitions.
//
// String instructions, because the modelled processor, like a real one, runs them fast, and because a loop
// written in C++ would be turned by the compiler into a call of the very function it is in.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

void* memcpy(void* __restrict to, const void* __restrict from, size_t bytes) {
    void* const result = to;
    size_t dwords = bytes / 4, tail = bytes % 4;
    asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(dwords) : : "memory");
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(tail) : : "memory");
    return result;
}

void* memmove(void* to, const void* from, size_t bytes) {
    const auto target = reinterpret_cast<uintptr_t>(to), source = reinterpret_cast<uintptr_t>(from);
    if (target - source >= bytes) // unsigned: also when the target lies below the source
        return memcpy(to, from, bytes);
    auto* last_to = static_cast<uint8_t*>(to) + bytes - 1;
    auto* last_from = static_cast<const uint8_t*>(from) + bytes - 1;
    asm volatile("std\n\trep movsb\n\tcld" : "+D"(last_to), "+S"(last_from), "+c"(bytes) : : "memory", "cc");
    return to;
}

void* memset(void* to, int value, size_t bytes) {
    void* const result = to;
    const uint32_t pattern = 0x01010101u * static_cast<uint8_t>(value);
    size_t dwords = bytes / 4, tail = bytes % 4;
    asm volatile("rep stosl" : "+D"(to), "+c"(dwords) : "a"(pattern) : "memory");
    asm volatile("rep stosb" : "+D"(to), "+c"(tail) : "a"(pattern) : "memory");
    return result;
}

int memcmp(const void* left, const void* right, size_t bytes) {
    const auto* a = static_cast<const volatile uint8_t*>(left);
    const auto* b = static_cast<const volatile uint8_t*>(right);
    for (size_t i = 0; i < bytes; ++i) {
        const uint8_t x = a[i], y = b[i];
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

} // extern "C"
