#include "tests/kernel/guest/checks.hpp"

namespace kernel_test {

namespace {

unsigned checks_done = 0, failures = 0;
volatile unsigned served = 0;

constexpr uint32_t kernel_stack_used_max = 2048; // half of it, as kernel_stack_test.py proves for every path

constexpr unsigned stack_bytes = 4096;
alignas(16) uint8_t stacks[l4::threads_per_task][stack_bytes];
// Stacks of other tasks' first threads: they share the program's memory.
alignas(16) uint8_t task_stacks[64][stack_bytes];

} // namespace

void check(bool condition, const char* what) {
    ++checks_done;
    if (condition)
        return;
    ++failures;
    l4::print_string("FAILED: ");
    l4::print_string(what);
    l4::print_char('\n');
}

unsigned checks_failed() {
    return failures;
}

void finish() {
    const uint32_t used = l4::kernel_stack_used();
    check(used > 0 && used <= kernel_stack_used_max, "the kernel's stack has room left");
    l4::print_string("kernel test: ");
    l4::print_decimal(checks_done);
    l4::print_string(" checks, ");
    l4::print_decimal(failures);
    l4::print_string(" failed\n");
    constexpr uint16_t debug_exit_port = 0xF4;
    const uint8_t value = failures == 0 ? 0x10 : 0x11;
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(debug_exit_port));
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}

void start_thread(unsigned number, void (*entry)(), l4::ThreadId pager) {
    l4::lthread_ex_regs(number, reinterpret_cast<uint32_t>(entry),
                        reinterpret_cast<uint32_t>(stacks[number] + stack_bytes - 16), pager);
}

l4::ThreadId own_thread(unsigned number) {
    return l4::my_id().with_lthread(number);
}

l4::ThreadId start_task(unsigned number, void (*entry)(), l4::ThreadId pager, unsigned mcp) {
    return l4::task_new(l4::ThreadId::make(number, 0, 0, 0), mcp, reinterpret_cast<uint32_t>(entry),
                        reinterpret_cast<uint32_t>(task_stacks[number % 64] + stack_bytes - 16), pager);
}

unsigned faults_served() {
    return served;
}

void serve_faults() {
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        auto* page = reinterpret_cast<volatile uint8_t*>(message.w0 & ~0xFFFu);
        *page = *page; // in the own space first
        served = served + 1;
        const uint32_t address = message.w0 & ~0xFFFu;
        message = {address, l4::Fpage::make(address, l4::page_bits, l4::Fpage::write_bit).raw, 0};
        l4::reply_and_wait(client, message, l4::send_map);
    }
}

volatile FaultLog fault_log{0, 0};

void serve_program_faults() {
    constexpr uint32_t program_start = 0x00D00000, program_end = 0x00E00000;
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        const uint32_t page = message.w0 & ~(l4::page_size - 1);
        if (page < program_start || page >= program_end) {
            l4::wait(client, message);
            continue;
        }
        fault_log.served = fault_log.served + 1;
        fault_log.last_w0 = message.w0;
        auto* byte = reinterpret_cast<volatile uint8_t*>(page);
        *byte = *byte;
        message = {page, l4::Fpage::make(page, l4::page_bits, l4::Fpage::write_bit).raw, 0};
        l4::reply_and_wait(client, message, l4::send_map);
    }
}

void count_words_up() {
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        message = {message.w0 + 1, message.w1 + 2, message.w2 + 3};
        l4::reply_and_wait(client, message);
    }
}

const volatile l4::KernelInfo& kernel_info_page() {
    static uint32_t address = 0;
    if (address == 0) {
        l4::Message message{1, 1, 0};
        l4::ThreadId sigma0 = l4::sigma0_thread;
        const auto result =
            l4::ipc(sigma0, l4::send_registers, l4::receive_window(l4::Fpage::whole_space(), false),
                    l4::Timeouts::infinite(), message);
        check(result.mapped(), "sigma0 maps the kernel info page");
        address = l4::Fpage{message.w1}.base();
    }
    return *reinterpret_cast<const volatile l4::KernelInfo*>(address);
}

} // namespace kernel_test
