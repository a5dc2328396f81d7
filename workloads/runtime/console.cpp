#include "workloads/runtime/console.hpp"

#include "kernel-model/abi/syscalls.hpp"
#include "kernel-model/abi/system_layout.hpp"
#include "pager/console_protocol.hpp"

namespace workloads {

namespace {

constinit l4::ThreadId console_of_task = l4::nil_thread;

void print_by_kernel(const char* text, uint32_t length) {
    char line[pager::console_line_bytes_max + 2];
    __builtin_memcpy(line, text, length);
    line[length] = '\n';
    line[length + 1] = 0;
    l4::print_string(line);
}

// The driver is not persistent: a recovery aborts calls to it, which are made again. True when it has answered, false if there is
// no such thread.
bool call_console(l4::ThreadId console, uint32_t send_descriptor, pager::ConsoleRequest request) {
    constexpr uint32_t retry_us = 1000;
    for (;;) {
        l4::ThreadId partner = console;
        l4::Message message{static_cast<uint32_t>(request), 0, 0};
        const l4::MessageResult result =
            l4::ipc(partner, send_descriptor, l4::receive_registers, l4::Timeouts::infinite(), message);
        if (result.ok())
            return true;
        if (result.error() == static_cast<unsigned>(l4::IpcError::no_such_thread))
            return false;
        l4::sleep_us(retry_us);
    }
}

} // namespace

void set_console(l4::ThreadId console) {
    console_of_task = console;
}

l4::ThreadId console() {
    return console_of_task;
}

void print_line(l4::ThreadId console, const char* text, uint32_t length) {
    if (length > pager::console_line_bytes_max)
        length = pager::console_line_bytes_max;
    pager::LineMessage letter;
    if (console.is_nil() ||
        !call_console(console, pager::send_line(letter, text, length), pager::ConsoleRequest::print))
        print_by_kernel(text, length);
}

void flush(l4::ThreadId console) {
    if (console == l4::console_log_thread)
        (void)call_console(console, l4::send_registers, pager::ConsoleRequest::flush);
}

} // namespace workloads
