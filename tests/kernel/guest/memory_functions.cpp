// What the compiler calls by itself.
#include <cstddef>

extern "C" void* memset(void* destination, int value, size_t bytes) {
    void* to = destination;
    asm volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
    return destination;
}

extern "C" void* memcpy(void* __restrict destination, const void* __restrict source, size_t bytes) {
    void* to = destination;
    asm volatile("rep movsb" : "+D"(to), "+S"(source), "+c"(bytes) : : "memory");
    return destination;
}
