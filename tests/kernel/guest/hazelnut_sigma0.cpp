// A sigma0 as Hazelnut's is: linked below 640 KB, and EAX tells it where the kernel info page is. It maps every frame below
// 1 GB that a page fault names, if its third word is 0, as Hazelnut's sigma0 demands of one.
#include "kernel-model/abi/kernel_info.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "tests/kernel/guest/hazelnut_start.hpp"

extern "C" void test_main(uint32_t) {
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        uint32_t descriptor = l4::send_map;
        if (message.w0 == kernel_test::tell_start) {
            message = {start_eax, start_ebx, start_word};
            descriptor = l4::send_registers;
        } else if (message.w0 == 1 && (message.w1 & 0xFF) == 1) {
            message = {0, l4::Fpage::make(start_eax, l4::page_bits).raw, 0};
        } else if (message.w2 == 0 && message.w0 < 0x40000000u) {
            message.w0 &= ~(l4::page_size - 1);
            message.w1 = l4::Fpage::make(message.w0, l4::page_bits, l4::Fpage::write_bit).raw;
        } else {
            message = {};
            descriptor = l4::send_registers;
        }
        l4::reply_and_wait(client, message, descriptor);
    }
}
