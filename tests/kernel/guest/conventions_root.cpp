// Conventions that no system call has to itself: the words of a page fault and of its answer, the highest task and lthread,
// who is there at boot, fpages with bits that mean nothing here, and what happens when the kernel has no memory for a mapping.
#include "tests/kernel/guest/checks.hpp"

using namespace kernel_test;
using l4::IpcError;

namespace {

constexpr unsigned fault_server = 1, faulting = 3;
constexpr uint32_t untouched = 0x01800000u, window_at = 0x02400000u;

uint32_t current_priority(l4::ThreadId id) {
    return l4::schedule_thread(id, 0xFFFFFFFFu).priority();
}

void test_boot() {
    check(l4::my_id() == l4::ThreadId::make(4, 0, 1, 4), "the root task is {1, 0, 4, 4}");
    check(l4::sigma0_thread == l4::ThreadId::make(2, 0, 1, 4) &&
              !l4::schedule_thread(l4::sigma0_thread, 0xFFFFFFFFu).refused(),
          "sigma0 is {1, 0, 2, 4}");
    check(current_priority(l4::my_id()) == 50 && current_priority(l4::sigma0_thread) == 50,
          "both have priority 50");
    check(l4::exchange_registers(0, {}).pager == l4::sigma0_thread, "the root task's pager is sigma0");
}

void answers() {
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        message.w2 = l4::my_id().raw;
        l4::reply_and_wait(client, message);
    }
}
void test_highest_numbers() {
    constexpr unsigned highest_lthread = 63, highest_task = 255;
    l4::Message message;
    start_thread(highest_lthread, answers);
    l4::call(own_thread(highest_lthread), message);
    check(message.w2 >> 10 == (l4::my_id().raw >> 10 | highest_lthread), "id: lthread 63 in bits 10-15");
    const l4::ThreadId last = start_task(highest_task, answers, own_thread(fault_server));
    check(l4::call(last, message).ok() && message.w2 == 0x04FF0001u, "id: task 255 in bits 16-23");
    l4::task_new(last, 0, 0, 0, l4::nil_thread);
}

// The faulting thread's instructions have labels.
extern "C" char read_instruction[], write_instruction[];
volatile bool has_read = false, has_written = false;
void faults() {
    uint32_t value;
    asm volatile(".global read_instruction\nread_instruction: movl (%1), %0"
                 : "=r"(value)
                 : "r"(untouched + 0x123)
                 : "memory");
    has_read = true;
    asm volatile(".global write_instruction\nwrite_instruction: movl %0, (%1)"
                 :
                 : "r"(value), "r"(untouched + 0x1127)
                 : "memory");
    has_written = true;
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}

// Its pager is in the same task, so a page is there once the pager has touched it; no answer maps anything.
void test_page_fault_words() {
    start_thread(faulting, faults, l4::my_id());
    const l4::ThreadId client = own_thread(faulting);
    l4::Message message;
    l4::receive(client, message);
    while (message.w0 < untouched) { // its stack
        auto* at = reinterpret_cast<volatile uint8_t*>(message.w0 & ~3u);
        *at = *at;
        l4::call(client, message);
    }
    check(message.w0 == ((untouched + 0x123) & ~3u),
          "page fault w0: the address, bits 0 and 1 clear for a read");
    check(message.w1 == reinterpret_cast<uint32_t>(read_instruction), "page fault w1: EIP");
    check(message.w2 == 0, "page fault w2: 0, as Hazelnut's sigma0 demands");
    message = {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF};
    l4::call(client, message);
    check(!has_read && message.w1 == reinterpret_cast<uint32_t>(read_instruction),
          "the reply's words mean nothing, without a mapping it faults again");
    *reinterpret_cast<volatile uint8_t*>(untouched) = 0;
    l4::call(client, message);
    check(has_read && message.w0 == (((untouched + 0x1127) & ~3u) | 2u), "page fault w0: bit 1 for a write");
    check(message.w1 == reinterpret_cast<uint32_t>(write_instruction), "page fault w1: EIP of the write");
    *reinterpret_cast<volatile uint8_t*>(untouched + 0x1000) = 0;
    l4::send(client, message);
    l4::sleep_us(2'000);
    check(has_written, "and it goes on");
}

// A task that opens the window it is told, and tells the condition code of what came.
constexpr unsigned first_client = 40, clients = 2;
volatile uint32_t result_of_client = 0;
void receives_mappings() {
    for (;;) {
        l4::ThreadId from = l4::root_thread;
        l4::Message message;
        l4::receive(from, message);
        const uint32_t window = l4::receive_window(l4::Fpage{message.w0}, false);
        result_of_client = l4::ipc(from, l4::no_send, window, l4::Timeouts::infinite(), message).raw;
    }
}
l4::MessageResult map_to(l4::ThreadId client, l4::Fpage fpage, l4::Fpage window) {
    l4::send(client, {window.raw, 0, 0});
    l4::Message item{0, fpage.raw, 0};
    const l4::MessageResult result =
        l4::ipc(client, l4::send_map, l4::no_receive, l4::Timeouts::infinite(), item);
    l4::sleep_us(1); // it writes down its result
    return result;
}

void test_fpage_bits() {
    const l4::ThreadId client = start_task(first_client, receives_mappings, own_thread(fault_server));
    // 100h and 200h: Hazelnut's uncacheable and unbufferable; 400h and 800h: always zero.
    const l4::Fpage odd{untouched | 12u << 2 | l4::Fpage::write_bit | 0xF00u};
    check(map_to(client, odd, l4::Fpage::make(window_at, l4::page_bits)).ok() &&
              l4::MessageResult{result_of_client}.mapped(),
          "fpage: bits 8 to 11 are not looked at");
    l4::task_new(client, 0, 0, 0, l4::nil_thread);
}

// A page in each 4 MB of a space needs a page table for each.
void test_map_failed() {
    const l4::Fpage page = l4::Fpage::make(untouched, l4::page_bits, l4::Fpage::write_bit);
    bool failed = false;
    uint32_t sender = 0, receiver = 0;
    l4::ThreadId client[clients];
    for (unsigned number = 0; number < clients; ++number)
        client[number] = start_task(first_client + number, receives_mappings, own_thread(fault_server));
    for (unsigned number = 0; number < clients && !failed; ++number) {
        for (uint32_t at = window_at; at < l4::user_space_end && !failed; at += l4::superpage_size) {
            sender = map_to(client[number], page, l4::Fpage::make(at, l4::page_bits)).error();
            receiver = l4::MessageResult{result_of_client}.error();
            failed = sender != 0 || receiver != 0;
        }
    }
    check(failed && sender == static_cast<unsigned>(IpcError::send_map_failed),
          "0x30 7: map failed, for the sender");
    check(receiver == static_cast<unsigned>(IpcError::receive_map_failed),
          "0x30 6: map failed, for the receiver");
    for (unsigned number = 0; number < clients; ++number)
        l4::task_new(client[number], 0, 0, 0, l4::nil_thread);
    test_fpage_bits(); // there is memory again
}

} // namespace

extern "C" void test_main(uint32_t) {
    start_thread(fault_server, serve_faults);
    test_boot();
    test_highest_numbers();
    test_page_fault_words();
    test_fpage_bits();
    test_map_failed();
    finish();
}
