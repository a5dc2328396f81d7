// A booter, as Hazelnut's resource manager was one: started in the kernel's place, it loads the kernel (its first module),
// sigma0 and the root task where their segments say, names the two in the kernel info page, which it finds by its magic
// number, and enters the kernel as a Multiboot loader does.
#include "kernel-model/abi/kernel_info.hpp"
#include "kernel-model/boot/multiboot.hpp"

namespace multiboot = kernel::multiboot;

extern "C" {
extern char _start[];
[[noreturn]] void start_kernel(uint32_t entry, const multiboot::Information* information);
[[noreturn]] void boot(const multiboot::Information* given);
}

namespace {

constexpr uint32_t page_size = 4096, kib = 1024;

struct Program {
    uint32_t entry;
    l4::MemoryRange memory;
};

// Offsets of the System V ABI, Intel386 supplement.
uint32_t word(uint32_t address, unsigned offset) {
    return *reinterpret_cast<const uint32_t*>(address + offset);
}

Program load(const multiboot::Module& module) {
    const uint32_t file = module.start, headers = file + word(file, 28), header_bytes = 32;
    const uint32_t count = word(file, 44) & 0xFFFF;
    Program program{word(file, 24), {0xFFFFFFFFu, 0}};
    for (uint32_t header = headers; header < headers + count * header_bytes; header += header_bytes) {
        constexpr uint32_t load_segment = 1;
        if (word(header, 0) != load_segment)
            continue;
        const auto* from = reinterpret_cast<const uint8_t*>(file + word(header, 4));
        const uint32_t to = word(header, 12), file_bytes = word(header, 16), memory_bytes = word(header, 20);
        for (uint32_t byte = 0; byte < memory_bytes; ++byte)
            reinterpret_cast<volatile uint8_t*>(to)[byte] = byte < file_bytes ? from[byte] : 0;
        const uint32_t low = to & ~(page_size - 1),
                       high = (to + memory_bytes + page_size - 1) & ~(page_size - 1);
        program.memory.low = low < program.memory.low ? low : program.memory.low;
        program.memory.high = high > program.memory.high ? high : program.memory.high;
    }
    return program;
}

[[noreturn]] void fail() {
    for (;;)
        asm volatile("cli\n\thlt");
}

// A name by which Hazelnut's booters know how to treat a kernel.
void expect_name(l4::MemoryRange image) {
    constexpr char name[] = "L4Ka/Hazelnut";
    for (uint32_t address = image.low; address < image.high; ++address) {
        unsigned index = 0;
        while (name[index] != 0 && reinterpret_cast<const char*>(address)[index] == name[index])
            ++index;
        if (name[index] == 0)
            return;
    }
    fail();
}

l4::KernelInfo& find_info(l4::MemoryRange image) {
    for (uint32_t page = image.low; page < image.high; page += page_size)
        if (word(page, 0) == l4::kernel_info_magic)
            return *reinterpret_cast<l4::KernelInfo*>(page);
    fail();
}

multiboot::Information passed_on;
uint32_t root_stack[64];

} // namespace

extern "C" void boot(const multiboot::Information* given) {
    const auto* modules = reinterpret_cast<const multiboot::Module*>(given->modules);
    const Program kernel = load(modules[0]), sigma0 = load(modules[1]), root = load(modules[2]);
    expect_name(kernel.memory);
    l4::KernelInfo& info = find_info(kernel.memory);
    info.sigma0.eip = sigma0.entry;
    info.sigma0.memory = sigma0.memory;
    info.root = {reinterpret_cast<uint32_t>(&root_stack[32]), root.entry, root.memory};
    info.main_memory = {0, (given->memory_high_kib + kib) * kib};
    info.dedicated[0] = {given->memory_low_kib * kib, 1024 * kib};
    info.dedicated[1] = {reinterpret_cast<uint32_t>(_start) & ~(page_size - 1), modules[2].end};
    passed_on = *given;
    passed_on.flags = multiboot::has_memory | multiboot::has_modules | multiboot::has_command_line;
    passed_on.command_line = modules[0].command_line;
    start_kernel(kernel.entry, &passed_on);
}
