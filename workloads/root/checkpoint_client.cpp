#include "workloads/root/checkpoint_client.hpp"

#include "kernel-model/abi/syscalls.hpp"
#include "kernel-model/abi/system_layout.hpp"
#include "workloads/root/failure.hpp"

namespace workloads {

namespace {

l4::Message ask(l4::Message message, uint32_t send_descriptor, const char* what) {
    l4::ThreadId server = l4::pager_thread;
    const l4::MessageResult result =
        l4::ipc(server, send_descriptor, l4::receive_registers, l4::Timeouts::infinite(), message);
    TextLine line;
    if (!result.ok())
        fail(line.text("IPC error ")
                 .decimal(result.error())
                 .text(" when asking the checkpoint server to ")
                 .text(what));
    return message;
}

l4::Message request(l4::Message message, uint32_t send_descriptor, const char* what) {
    message = ask(message, send_descriptor, what);
    TextLine line;
    if (message.w0 == pager::refused)
        fail(line.text("the checkpoint server refused to ").text(what));
    return message;
}

} // namespace

CheckpointStatus wait_for_checkpoint_server() {
    constexpr uint32_t poll_interval_us = 1000;
    for (;;) {
        const l4::Message reply =
            request({pager::request_word(pager::Request::status)}, l4::send_registers, "tell its status");
        switch (static_cast<pager::Readiness>(reply.w2)) {
        case pager::Readiness::ready:
            return {reply.w0, reply.w1};
        case pager::Readiness::failed: {
            TextLine line;
            fail(line.text("the checkpoint server cannot go on"));
        }
        case pager::Readiness::not_yet:
            l4::sleep_us(poll_interval_us);
        }
    }
}

void load_page(unsigned task, uint32_t address, const uint8_t* content) {
    const l4::Fpage item = l4::Fpage::make(reinterpret_cast<uint32_t>(content), l4::page_bits);
    request({pager::request_word(pager::Request::load, task, address), item.raw, 0}, l4::send_map,
            "load a page");
}

void begin_checkpoints() {
    request({pager::request_word(pager::Request::go)}, l4::send_registers, "begin");
}

uint32_t take_last_checkpoint() {
    constexpr uint32_t retry_us = 10'000; // too many requests wait: some of them are answered at every commit
    for (;;) {
        const l4::Message reply =
            ask({pager::request_word(pager::Request::shutdown)}, l4::send_registers, "shut down");
        if (reply.w0 != pager::refused)
            return reply.w0;
        l4::sleep_us(retry_us);
    }
}

} // namespace workloads
