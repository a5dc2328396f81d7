// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), eight bytes a step: the server checksums every page
// it writes on a processor without an instruction for it.
#pragma once

#include <cstdint>

namespace store {

namespace detail {
struct Crc32cTables {
    uint32_t table[8][256];
    constexpr Crc32cTables() : table{} {
        for (uint32_t byte = 0; byte < 256; ++byte) {
            uint32_t crc = byte;
            for (int bit = 0; bit < 8; ++bit)
                crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
            table[0][byte] = crc;
        }
        for (uint32_t byte = 0; byte < 256; ++byte)
            for (int step = 1; step < 8; ++step)
                table[step][byte] = table[step - 1][byte] >> 8 ^ table[0][table[step - 1][byte] & 0xFFu];
    }
};
inline constexpr Crc32cTables crc32c_tables;
} // namespace detail

inline uint32_t crc32c(const void* data, uint32_t bytes, uint32_t previous = 0) {
    const auto& table = detail::crc32c_tables.table;
    const auto* next = static_cast<const uint8_t*>(data);
    uint32_t crc = ~previous;
    for (; bytes >= 8; bytes -= 8, next += 8) {
        uint32_t low, high;
        __builtin_memcpy(&low, next, 4);
        __builtin_memcpy(&high, next + 4, 4);
        low ^= crc;
        crc = table[7][low & 0xFFu] ^ table[6][low >> 8 & 0xFFu] ^ table[5][low >> 16 & 0xFFu] ^
              table[4][low >> 24] ^ table[3][high & 0xFFu] ^ table[2][high >> 8 & 0xFFu] ^
              table[1][high >> 16 & 0xFFu] ^ table[0][high >> 24];
    }
    for (; bytes > 0; --bytes, ++next)
        crc = crc >> 8 ^ table[0][(crc ^ *next) & 0xFFu];
    return ~crc;
}

} // namespace store
