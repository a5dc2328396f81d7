// A kernel that loses its way, in the way that its argument names: "triple", "port", "memory", "many" or "halt".
#include "workloads/bare_pc/console.hpp"
#include "workloads/bare_pc/descriptors.hpp"

struct Information {
    uint32_t flags, memory_lower_kb, memory_upper_kb, boot_device, command_line;
};

extern "C" {
[[gnu::noinline]] void jump_into_nothing() {
    static const pc::TablePointer no_gates{0, 0};
    asm volatile("lidt %0\n\tmovl $0x12345678, %%ebx\n\tud2" : : "m"(no_gates) : "ebx");
}
[[gnu::noinline]] void touch_absent_port() {
    pc::out8(0x3E8, 0x42);
    pc::in8(0x3E8); // the same port: known already
}
[[gnu::noinline]] void touch_absent_memory() {
    *reinterpret_cast<volatile uint32_t*>(0xFED00020) = 0x1234;
    pc::report("read", *reinterpret_cast<volatile uint32_t*>(0xFED00030));
}
}

extern "C" void run(const Information* information) {
    pc::start_console();
    const char* line = reinterpret_cast<const char*>(information->command_line);
    while (*line != 0 && *line != ' ')
        ++line;
    switch (line[0] == ' ' ? line[1] : '\0') {
    case 't':
        jump_into_nothing();
        break;
    case 'p':
        touch_absent_port();
        pc::leave(0x10);
    case 'm':
        if (line[2] == 'e')
            touch_absent_memory();
        else
            for (uint16_t port = 0x600; port < 0x700; port = static_cast<uint16_t>(port + 8))
                pc::in8(static_cast<uint16_t>(port + 0x2000));
        pc::leave(0x10);
    default:
        break; // halts
    }
}
