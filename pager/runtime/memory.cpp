// The four memory functions that the compiler calls by itself in freestanding code.
#include <cstddef>
#include <cstdint>

extern "C" {

void* memcpy(void* to, const void* from, size_t bytes) {
    void* const result = to;
    size_t dwords = bytes / 4, rest = bytes % 4;
    asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(dwords) : : "memory");
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
    return result;
}

void* memset(void* to, int value, size_t bytes) {
    void* const result = to;
    const uint32_t pattern = (static_cast<uint32_t>(value) & 0xFFu) * 0x01010101u;
    size_t dwords = bytes / 4, rest = bytes % 4;
    asm volatile("rep stosl" : "+D"(to), "+c"(dwords) : "a"(pattern) : "memory");
    asm volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(pattern) : "memory");
    return result;
}

void* memmove(void* to, const void* from, size_t bytes) {
    auto* target = static_cast<uint8_t*>(to);
    const auto* source = static_cast<const uint8_t*>(from);
    if (target <= source || target >= source + bytes)
        return memcpy(to, from, bytes);
    while (bytes-- > 0)
        target[bytes] = source[bytes];
    return to;
}

int memcmp(const void* left, const void* right, size_t bytes) {
    const auto* a = static_cast<const uint8_t*>(left);
    const auto* b = static_cast<const uint8_t*>(right);
    for (; bytes > 0; --bytes, ++a, ++b)
        if (*a != *b)
            return *a < *b ? -1 : 1;
    return 0;
}

} // extern "C"
