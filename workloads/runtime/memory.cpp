// String instructions, because the modelled CPU runs them fast and because a loop written in C++ would be
// turned by the compiler into a call of the very function it is in.
#include "workloads/runtime/memory.hpp"

#include <cstdint>

extern "C" {

void* memcpy(void* to, const void* from, size_t bytes) {
    void* d = to;
    size_t dwords = bytes / 4, tail = bytes % 4;
    asm volatile("rep movsl" : "+D"(d), "+S"(from), "+c"(dwords) : : "memory");
    asm volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(tail) : : "memory");
    return to;
}

void* memmove(void* to, const void* from, size_t bytes) {
    const auto t = reinterpret_cast<uintptr_t>(to), f = reinterpret_cast<uintptr_t>(from);
    if (t - f >= bytes) // unsigned: also when `to` lies below `from`
        return memcpy(to, from, bytes);
    auto* last_to = static_cast<uint8_t*>(to) + bytes - 1;
    auto* last_from = static_cast<const uint8_t*>(from) + bytes - 1;
    asm volatile("std\n\trep movsb\n\tcld" : "+D"(last_to), "+S"(last_from), "+c"(bytes) : : "memory", "cc");
    return to;
}

void* memset(void* to, int value, size_t bytes) {
    void* d = to;
    const uint32_t pattern = 0x01010101u * static_cast<uint8_t>(value);
    size_t dwords = bytes / 4, tail = bytes % 4;
    asm volatile("rep stosl" : "+D"(d), "+c"(dwords) : "a"(pattern) : "memory");
    asm volatile("rep stosb" : "+D"(d), "+c"(tail) : "a"(pattern) : "memory");
    return to;
}

int memcmp(const void* a, const void* b, size_t bytes) {
    const auto* x = static_cast<const volatile uint8_t*>(a);
    const auto* y = static_cast<const volatile uint8_t*>(b);
    for (size_t i = 0; i < bytes; ++i)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

size_t strlen(const char* text) {
    const auto* end = static_cast<const volatile char*>(text);
    while (*end)
        ++end;
    return static_cast<size_t>(end - text);
}
}
