// sigma0's protocol, request by request, as the real sigma0 answers it.
#include "tests/kernel/guest/checks.hpp"

using namespace kernel_test;

namespace {

constexpr unsigned fault_server = 1, other_task = 30;
constexpr uint32_t window_at = 0x02800000u, frame = 0x01800000u, superframe = 0x02000000u;

struct Answer {
    l4::Message words;
    bool mapped;
};
// Into a window of the same size as what is asked for.
Answer ask(uint32_t w0, uint32_t w1 = 0, uint32_t w2 = 0, uint32_t window = window_at,
           unsigned log2_size = l4::page_bits) {
    l4::ThreadId sigma0 = l4::sigma0_thread;
    l4::Message message{w0, w1, w2};
    const uint32_t receive = l4::receive_window(l4::Fpage::make(window, log2_size), false);
    const l4::MessageResult result =
        l4::ipc(sigma0, l4::send_registers, receive, l4::Timeouts::infinite(), message);
    return {message, result.ok() && result.mapped()};
}
uint32_t address_in(const Answer& answer) {
    return l4::Fpage{answer.words.w1}.base();
}
bool can_write(uint32_t address) { // else the program is stopped, and the test does not end
    auto* word = reinterpret_cast<volatile uint32_t*>(address);
    *word = 0x53494721;
    return *word == 0x53494721;
}
void unmap(uint32_t address, unsigned log2_size = l4::page_bits) {
    l4::fpage_unmap(l4::Fpage::make(address, log2_size), l4::unmap_own_too | l4::unmap_fully);
}

void test_any_page() {
    const Answer first = ask(0xFFFFFFFCu), second = ask(0xFFFFFFFCu, 0, 0, window_at + l4::page_size);
    check(first.mapped && second.mapped && address_in(first) != address_in(second),
          "sigma0 FFFFFFFCh: any page, each once");
    check((first.words.w1 & 3) == l4::Fpage::write_bit && can_write(window_at),
          "sigma0 FFFFFFFCh: mapped writable, not granted");
    unmap(window_at);
}

volatile uint32_t others_answer = 0xFFFFFFFFu, others_mapping = 0xFFFFFFFFu;
void asks_for_the_same() {
    const Answer answer = ask(frame);
    others_answer = answer.words.w0;
    others_mapping = answer.mapped;
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}
void test_named_frame() {
    const Answer answer = ask(frame);
    check(answer.mapped && address_in(answer) == frame && can_write(window_at), "sigma0 address: that frame");
    check(ask(frame).mapped, "sigma0 address: once more to the same task");
    const l4::ThreadId other = start_task(other_task, asks_for_the_same, own_thread(fault_server));
    l4::sleep_us(10'000);
    check(others_answer == 0 && others_mapping == 0, "sigma0 address: not to another task, reply w0 = 0");
    l4::task_new(other, 0, 0, 0, l4::nil_thread);
    unmap(window_at);
}

void test_superpage() {
    const Answer answer = ask(0x40000000u + superframe, 0, 0, superframe + 0x400000u, l4::superpage_bits);
    check(answer.mapped && l4::Fpage{answer.words.w1}.log2_size() == l4::superpage_bits &&
              address_in(answer) == superframe,
          "sigma0 1 GB and more: the 4 MB page below that");
    check(can_write(superframe + 0x400000u + 0x3FF000u), "sigma0 a superpage is writable to its end");
    unmap(superframe + 0x400000u, l4::superpage_bits);
    const Answer by_size =
        ask(superframe | 1, l4::superpage_bits << 2, 0, superframe + 0x400000u, l4::superpage_bits);
    check(by_size.mapped && l4::Fpage{by_size.words.w1}.log2_size() == l4::superpage_bits &&
              address_in(by_size) == superframe,
          "sigma0 address + 1, size: the 4 MB page there, as Hazelnut's resource manager asks for it");
    unmap(superframe + 0x400000u, l4::superpage_bits);
    check(ask(0xC0000000u).words.w0 == 0, "sigma0 3 GB and more: none, reply w0 = 0");
}

void test_info_page() {
    for (unsigned time = 0; time < 3; ++time) {
        const Answer answer = ask(1, 1);
        check(answer.mapped && (answer.words.w1 & 3) == 0, "sigma0 1, 1: the kernel info page, read only");
        check(*reinterpret_cast<volatile uint32_t*>(window_at) == l4::kernel_info_magic,
              "sigma0 1, 1: many times");
        unmap(window_at);
    }
    check(ask(1, 0).mapped, "sigma0 1, 0 from a user: the info page, as Hazelnut's header asks for it");
    unmap(window_at);
    check(!ask(1, 2).mapped, "sigma0 1, anything else: none");
}

// l4/sigma0.h of Hazelnut, 2002.
void test_fpage_requests() {
    constexpr uint32_t named = 3, any = 1, next = frame + 0x10000u;
    const Answer page = ask(3, 0, l4::Fpage::make(next, l4::page_bits, named).raw);
    check(page.mapped && page.words.w0 == next && can_write(window_at), "sigma0 3, fpage: that page");
    unmap(window_at);
    const Answer some = ask(3, 0, l4::Fpage::make(0, l4::page_bits, any).raw);
    check(some.mapped && some.words.w0 != 0 && some.words.w0 != next && can_write(window_at),
          "sigma0 3, fpage without bit 1: any page");
    unmap(window_at);
    const Answer big = ask(3, 0, l4::Fpage::make(superframe, l4::superpage_bits, named).raw,
                           superframe + 0x400000u, l4::superpage_bits);
    check(big.mapped && big.words.w0 == superframe, "sigma0 3, fpage: a superpage");
    unmap(superframe + 0x400000u, l4::superpage_bits);
    check(ask(3, 0, l4::Fpage::make(next, 13, named).raw).words.w0 == 0, "sigma0 3, other sizes: none");
}

} // namespace

extern "C" void test_main(uint32_t) {
    start_thread(fault_server, serve_faults);
    test_any_page();
    test_named_frame();
    test_superpage();
    test_info_page();
    test_fpage_requests();
    finish();
}
