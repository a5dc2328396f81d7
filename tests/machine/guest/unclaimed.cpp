// Accesses that nothing in the machine answers: a port and an address beyond memory, read and written.
#include "workloads/bare_pc/console.hpp"

extern "C" void run(const void*) {
    constexpr uint16_t port = 0x333;
    auto* beyond = reinterpret_cast<volatile uint32_t*>(0x0C00'0000);
    const uint32_t from_port = pc::in8(port), from_memory = *beyond;
    pc::out16(port, 0x1234);
    *beyond = 1;
    pc::start_console();
    pc::leave(from_port == 0xFF && from_memory == 0xFFFF'FFFF ? 0x10 : 0x11);
}
