// What compiled programs do: a sort, a checksum and a small interpreter.
#include "workloads/bench/compiled_code.hpp"

namespace bench {
namespace {

constexpr uint32_t count = 1024, text_bytes = 4096, polynomial = 0xEDB8'8320;
uint32_t numbers[count];
uint8_t text[text_bytes];
uint32_t crc_table[256];

void shell_sort(uint32_t* first, int n) {
    for (int gap = n / 2; gap > 0; gap /= 2)
        for (int i = gap; i < n; i++) {
            const uint32_t value = first[i];
            int j = i;
            for (; j >= gap && first[j - gap] > value; j -= gap)
                first[j] = first[j - gap];
            first[j] = value;
        }
}

uint32_t crc32(const uint8_t* bytes, uint32_t length) {
    uint32_t sum = ~0u;
    for (uint32_t i = 0; i < length; i++)
        sum = crc_table[(sum ^ bytes[i]) & 0xFF] ^ sum >> 8;
    return ~sum;
}

enum Instruction : uint8_t { push, add, exclusive_or, duplicate, swap, count_down, stop };

// A stack machine: `count_down` decrements the top and jumps while it is not zero.
uint32_t interpret(const uint8_t* program, uint32_t argument) {
    uint32_t stack[16], *top = stack;
    *top = argument;
    for (const uint8_t* at = program;;)
        switch (*at++) {
        case push:
            *++top = *at++;
            break;
        case add:
            top--;
            *top += top[1];
            break;
        case exclusive_or:
            top--;
            *top ^= top[1];
            break;
        case duplicate:
            top[1] = *top;
            top++;
            break;
        case swap: {
            const uint32_t other = *top;
            *top = top[-1];
            top[-1] = other;
            break;
        }
        case count_down:
            (*top)--;
            at = *top != 0 ? program + *at : at + 1;
            break;
        default:
            return top[-1];
        }
}

} // namespace

uint32_t compiled_code(uint32_t rounds) {
    static const uint8_t program[] = {push, 50,           swap, push, 7,          add, duplicate, push,
                                      3,    exclusive_or, add,  swap, count_down, 2,   stop};
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = (value & 1) != 0 ? value >> 1 ^ polynomial : value >> 1;
        crc_table[i] = value;
    }
    uint32_t seed = 1, sum = 0;
    for (; rounds > 0; rounds--) {
        for (uint32_t i = 0; i < count; i++) {
            seed = seed * 1664525 + 1013904223;
            numbers[i] = seed;
            text[i] = static_cast<uint8_t>(seed >> 24);
        }
        shell_sort(numbers, count);
        sum += crc32(text, text_bytes) + numbers[7];
        for (uint32_t i = 0; i < 100; i++)
            sum += interpret(program, i);
    }
    return sum;
}

} // namespace bench
