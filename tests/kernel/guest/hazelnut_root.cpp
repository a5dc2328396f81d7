// What programs written for L4Ka::Hazelnut find when they start: registers, initial stack, Multiboot information, kernel
// info page; and how the info page's memory descriptors fit together.
#include "kernel-model/boot/multiboot.hpp"
#include "tests/kernel/guest/checks.hpp"
#include "tests/kernel/guest/hazelnut_start.hpp"

using namespace kernel_test;
namespace multiboot = kernel::multiboot;

extern "C" void _start();

namespace {

constexpr uint32_t info_address = 0x02000000u; // where nothing else is

bool within(l4::MemoryRange inner, l4::MemoryRange outer) {
    return inner.low >= outer.low && inner.high <= outer.high;
}
bool overlap(l4::MemoryRange one, l4::MemoryRange other) {
    return one.low < other.high && other.low < one.high;
}
bool is_page_range(l4::MemoryRange range) {
    return range.low < range.high && range.low % l4::page_size == 0 && range.high % l4::page_size == 0;
}

void test_root_start() {
    check(start_eax == multiboot::loader_magic, "root starts with EAX = 2BADB002h");
    const auto* information = reinterpret_cast<const multiboot::Information*>(start_ebx);
    constexpr uint32_t needed = multiboot::has_memory | multiboot::has_modules;
    check((information->flags & needed) == needed, "root starts with EBX = Multiboot information");
    const auto* modules = reinterpret_cast<const multiboot::Module*>(information->modules);
    const unsigned last = information->module_count - 1; // a booter's first one is the kernel
    check(last >= 1 && last <= 2 && modules[0].end > modules[0].start &&
              *reinterpret_cast<const char*>(modules[last].command_line) != 0,
          "the modules and their command lines are readable");
    auto* stack = reinterpret_cast<volatile uint32_t*>(start_esp);
    stack[-1] = 0x12345678;
    check(stack[-1] == 0x12345678 && start_esp % 4 == 0, "root's initial stack can be written");
}

void test_sigma0_start(uint32_t& info_page) {
    l4::Message message{tell_start, 0, 0};
    l4::call(l4::sigma0_thread, message);
    check(message.w0 % l4::page_size == 0 && message.w0 != 0, "sigma0 starts with EAX = kernel info page");
    check(message.w1 == message.w0, "and EBX");
    check(message.w2 == message.w0, "and the word at ESP");
    info_page = message.w0;
}

const l4::KernelInfo& request_kernel_info() {
    l4::ThreadId sigma0 = l4::sigma0_thread;
    l4::Message message{1, 1, 0};
    const uint32_t window = l4::receive_window(l4::Fpage::make(info_address, l4::page_bits), false);
    const l4::MessageResult result =
        l4::ipc(sigma0, l4::send_registers, window, l4::Timeouts::infinite(), message);
    check(result.ok() && result.mapped(), "w0 = 1, w1 = 1: the kernel info page is mapped");
    return *reinterpret_cast<const l4::KernelInfo*>(info_address);
}

// Hazelnut's sigma0 looks at each range that does not end at 0, and complains if it is not within main memory.
void test_memory_ranges(const l4::KernelInfo& info, uint32_t info_page) {
    const l4::MemoryRange all = info.main_memory;
    check(all.low == 0 && all.high > (1u << 20) && all.high % l4::page_size == 0, "+60h: main memory");
    check(is_page_range(info.reserved0) && within(info.reserved0, all), "+68h: the kernel's image");
    check(info_page >= info.reserved0.low && info_page < info.reserved0.high,
          "the info page is in the kernel's image");
    check(is_page_range(info.reserved1) && within(info.reserved1, all), "+70h: the kernel's memory");
    check(info.dedicated[0].low == 0xA0000 && info.dedicated[0].high == 0x100000, "+78h: adapters");
    check(info.dedicated[1].low < info.dedicated[1].high && within(info.dedicated[1], all), "+80h: modules");
    const l4::MemoryRange sigma0 = info.sigma0.memory, root = info.root.memory;
    check(is_page_range(sigma0) && within(sigma0, {0, 0xA0000}), "+28h: sigma0, below 640 KB");
    check(is_page_range(root) && within(root, all), "+48h: the root task");
    const l4::MemoryRange taken[] = {info.reserved0,    info.reserved1, info.dedicated[0],
                                     info.dedicated[1], sigma0,         root};
    for (unsigned one = 0; one < sizeof taken / sizeof *taken; ++one)
        for (unsigned other = 0; other < one; ++other)
            check(!overlap(taken[one], taken[other]), "the ranges do not overlap");
    check(start_esp > info.dedicated[1].low && start_esp < info.dedicated[1].high &&
              start_ebx >= info.dedicated[1].low && start_ebx < info.dedicated[1].high,
          "+80h: also what the root task starts with");
    const l4::BootServer absent[] = {info.kdebug, info.sigma1};
    for (const l4::BootServer& server : absent)
        check(server.memory.high == 0, "+10h, +30h: no debugger, no sigma1");
}

void test_servers(const l4::KernelInfo& info) {
    check(info.root.eip == reinterpret_cast<uint32_t>(&_start) && info.root.esp == start_esp,
          "+40h: the root task's ESP and EIP");
    check(info.sigma0.eip >= info.sigma0.memory.low && info.sigma0.eip < info.sigma0.memory.high,
          "+24h: sigma0's EIP");
    check(info.sigma1.eip == l4::no_program, "+34h: no sigma1");
}

void test_clock(const volatile l4::KernelInfo& info) {
    constexpr uint32_t slowest_hz = 50'000'000; // of those with a time stamp counter
    check(info.processor_frequency_hz >= slowest_hz, "+B0h: processor frequency");
    const uint64_t start_us = info.clock_us;
    l4::sleep_us(5'000);
    check(info.clock_us - start_us >= 4'000, "+A0h: the clock counts microseconds");
}

} // namespace

extern "C" void test_main(uint32_t) {
    test_root_start();
    uint32_t info_page = 0;
    test_sigma0_start(info_page);
    const l4::KernelInfo& info = request_kernel_info();
    check(info.magic == l4::kernel_info_magic, "+00h: magic");
    test_memory_ranges(info, info_page);
    test_servers(info);
    test_clock(info);
    finish();
}
