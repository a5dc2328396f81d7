// Address spaces: map, grant, windows of other sizes, revoking in all four forms, recursion through two
// tasks; the same with superpages and with parts of them.
//
// Two client tasks run this program's code, given to them 1:1 by the fault server (lthread 1). They map what
// they are sent into a window at `window_base` and execute commands on it.
#include "tests/kernel/guest/checks.hpp"

#include <initializer_list>

using namespace kernel_test;
using l4::IpcError;

namespace {

constexpr unsigned fault_server = 1, client_a = 20, client_b = 21;
constexpr uint32_t program_page = 0x00D00000;
constexpr uint32_t window_base = 0x20000000, window_log2 = 20;
constexpr uint32_t frames = 0x01800000;                              // physical = virtual, ours from sigma0
constexpr uint32_t big_frames = 0x02000000, big_window = 0x30000000; // 4 MB

// Commands, in w0 of a message to a client. Reply: w0.
enum Command : uint32_t {
    take = 1,           // receive a map message into the window
    read = 2,           // w1 = address: reply its doubleword
    write = 3,          // w1 = address, w2 = value
    pass_on = 4,        // w1 = page, w2 = client's id: map it on, writable; then reply
    drop = 5,           // w1 = page, w2 = mapmask: fpage_unmap
    give = 6,           // w1 = page, w2 = client's id: grant it on
    take_superpage = 7, // as take, into the window of 4 MB
    pass_superpage = 8, // w1 = address, w2 = client's id
    give_superpage = 9,
    drop_superpage = 10, // w1 = address, w2 = mapmask
    call_into = 11, // w1 = address of a memory message, w2 = id: call that thread, receive the reply there
};

l4::ThreadId client_id(unsigned task) {
    return l4::ThreadId::make(task, 0, 1, l4::root_task);
}

void client_loop() {
    const l4::Fpage window = l4::Fpage::make(window_base, window_log2);
    l4::ThreadId master;
    l4::Message message;
    l4::wait(master, message);
    for (;;) {
        uint32_t reply = 0;
        const auto word = reinterpret_cast<volatile uint32_t*>(message.w1);
        switch (message.w0) {
        case take:
        case take_superpage: {
            l4::Message item;
            l4::ThreadId from;
            const l4::Fpage where =
                message.w0 == take ? window : l4::Fpage::make(big_window, l4::superpage_bits);
            reply =
                l4::ipc(from, l4::no_send, l4::receive_window(where, true), l4::Timeouts::infinite(), item)
                    .raw;
            break;
        }
        case read:
            reply = *word;
            break;
        case write:
            *word = message.w2;
            break;
        case pass_on:
        case give:
        case pass_superpage:
        case give_superpage: {
            l4::ThreadId to{message.w2};
            const bool grant = message.w0 == give || message.w0 == give_superpage;
            const bool page = message.w0 == pass_on || message.w0 == give;
            const uint32_t flags = l4::Fpage::write_bit | (grant ? l4::Fpage::grant_bit : 0);
            const unsigned size = page ? l4::page_bits : l4::superpage_bits;
            l4::Message item{message.w1 - window_base, l4::Fpage::make(message.w1, size, flags).raw, 0};
            reply = l4::ipc(to, l4::send_map, l4::no_receive, l4::Timeouts::infinite(), item).raw;
            break;
        }
        case drop:
            l4::fpage_unmap(l4::Fpage::make(message.w1, l4::page_bits), message.w2);
            break;
        case call_into: {
            l4::ThreadId to{message.w2};
            l4::Message request{program_page, 0, 0};
            reply = l4::ipc(to, l4::send_registers, message.w1, l4::Timeouts::infinite(), request).error();
            break;
        }
        case drop_superpage:
            l4::fpage_unmap(l4::Fpage::make(message.w1, l4::superpage_bits), message.w2);
            break;
        }
        message = {reply, 0, 0};
        // The master may still be waiting for another client.
        l4::ipc(master, l4::send_registers, l4::open_wait, l4::Timeouts::infinite(), message);
    }
}

uint32_t command(unsigned task, Command what, uint32_t w1 = 0, uint32_t w2 = 0) {
    l4::Message message{what, w1, w2};
    l4::call(client_id(task), message);
    return message.w0;
}

uint32_t last_fault = 0;
l4::ThreadId last_fault_client;

// Pager of the clients: program pages 1:1; a fault in the window is noted and answered with a page of this
// task's own, so that the client goes on.
constexpr uint32_t substitute = frames + 0x100000;
void pager_thread() {
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        uint32_t page = message.w0 & ~0xFFFu;
        if (page >= window_base) {
            last_fault = message.w0;
            last_fault_client = client;
            page = substitute;
        }
        auto* touched = reinterpret_cast<volatile uint8_t*>(page);
        *touched = *touched;
        message = {message.w0 & ~0xFFFu, l4::Fpage::make(page, l4::page_bits, l4::Fpage::write_bit).raw, 0};
        l4::reply_and_wait(client, message, l4::send_map);
    }
}

bool fault_seen_at(uint32_t page) {
    const bool seen = (last_fault & ~0xFFFu) == page;
    last_fault = 0;
    return seen;
}

// Tells the client to take, sends the item, collects the reply.
l4::MessageResult map_to(unsigned task, uint32_t base, unsigned log2_size, uint32_t flags,
                         uint32_t hot_spot = 0) {
    l4::ThreadId to = client_id(task);
    l4::send(to, {take, 0, 0});
    l4::Message item{hot_spot, l4::Fpage::make(base, log2_size, flags).raw, 0};
    const l4::MessageResult result =
        l4::ipc(to, l4::send_map, l4::receive_registers, l4::Timeouts::infinite(), item);
    return result;
}

volatile uint32_t& word_at(uint32_t address) {
    return *reinterpret_cast<volatile uint32_t*>(address);
}

void prepare_frames() {
    for (uint32_t page = frames; page < frames + 0x110000; page += l4::page_size)
        word_at(page) = page;
}

void test_map_and_rights() {
    check(map_to(client_a, frames, l4::page_bits, 0).ok(), "map a page read only");
    check(command(client_a, read, window_base) == frames && last_fault == 0, "the client reads it");
    command(client_a, write, window_base, 1);
    check(fault_seen_at(window_base) && word_at(frames) == frames,
          "a write to it faults and changes nothing");

    check(map_to(client_a, frames + 0x1000, l4::page_bits, l4::Fpage::write_bit, 0x1000).ok(),
          "map one writable");
    command(client_a, write, window_base + 0x1000, 42);
    check(last_fault == 0 && word_at(frames + 0x1000) == 42, "the client writes to it");

    check(map_to(client_a, frames + 0x2000, l4::page_bits, 0, 0x2000).ok() &&
              map_to(client_a, frames + 0x2000, l4::page_bits, l4::Fpage::write_bit, 0x2000).ok(),
          "map again with more rights");
    command(client_a, write, window_base + 0x2000, 43);
    check(last_fault == 0 && word_at(frames + 0x2000) == 43, "the second mapping gives the right");
}

void test_sizes() {
    check(map_to(client_a, frames + 0x10000, 16, l4::Fpage::write_bit, 0x30000).ok(),
          "map 64 KB into a window of 1 MB");
    check(command(client_a, read, window_base + 0x3F000) == frames + 0x1F000 && last_fault == 0,
          "its place in the window is the hot spot's");
    check(map_to(client_a, frames & ~0x3FFFFFu, 22, 0, 0x40000).ok(), "map 4 MB into a window of 1 MB");
    check(command(client_a, read, window_base + 0x60000) == word_at((frames & ~0x3FFFFFu) + 0x60000) &&
              last_fault == 0,
          "the send base names the part that fits");
}

void test_unmap() {
    prepare_frames();
    const uint32_t page = frames + 0x50000, at = window_base + 0x50000;
    check(map_to(client_a, page, l4::page_bits, l4::Fpage::write_bit, 0x50000).ok(), "map for revoking");
    l4::send(client_id(client_b), {take, 0, 0});
    command(client_a, pass_on, at, client_id(client_b).raw);
    l4::Message message;
    l4::receive(client_id(client_b), message);
    check(command(client_b, read, at) == page && last_fault == 0, "the second client has it from the first");

    l4::fpage_unmap(l4::Fpage::make(page, l4::page_bits), 0);
    check(command(client_b, read, at) == page && command(client_a, read, at) == page && last_fault == 0,
          "revoking write leaves both readable");
    word_at(page) = page; // our own stays writable
    command(client_b, write, at, 5);
    check(fault_seen_at(at) && word_at(page) == page, "but neither writable: second client");
    command(client_a, write, at, 5);
    check(fault_seen_at(at) && word_at(page) == page, "but neither writable: first client");

    check(map_to(client_a, page, l4::page_bits, l4::Fpage::write_bit, 0x50000).ok(), "map once more");
    command(client_a, write, at, 6);
    check(last_fault == 0 && word_at(page) == 6, "writable again");
    l4::fpage_unmap(l4::Fpage::make(page, l4::page_bits), l4::unmap_fully);
    check(command(client_a, read, at) != 6 && fault_seen_at(at), "unmapped: the client faults");
    check(word_at(page) == 6, "unmap without flush keeps the own mapping");

    // The client flushes its own mapping, and what it has passed on.
    const uint32_t second = frames + 0x51000, second_at = window_base + 0x51000;
    map_to(client_a, second, l4::page_bits, l4::Fpage::write_bit, 0x51000);
    l4::send(client_id(client_b), {take, 0, 0});
    command(client_a, pass_on, second_at, client_id(client_b).raw);
    l4::receive(client_id(client_b), message);
    command(client_a, drop, second_at, l4::unmap_own_too); // write of its own too
    check(command(client_b, read, second_at) == second && last_fault == 0, "the second client still reads");
    command(client_a, write, second_at, 9);
    check(fault_seen_at(second_at) && word_at(second) == second, "flushing write takes the own right too");
}

void test_flush_and_grant() {
    const uint32_t page = frames + 0x60000, at = window_base + 0x60000;
    l4::Message message;
    map_to(client_a, page, l4::page_bits, l4::Fpage::write_bit, 0x60000);
    l4::send(client_id(client_b), {take, 0, 0});
    command(client_a, give, at, client_id(client_b).raw);
    l4::receive(client_id(client_b), message);
    check(command(client_b, read, at) == page && last_fault == 0, "a granted page is the grantee's");
    command(client_a, read, at);
    check(fault_seen_at(at), "and no longer the granter's");
    l4::fpage_unmap(l4::Fpage::make(page, l4::page_bits), l4::unmap_fully);
    command(client_b, read, at);
    check(fault_seen_at(at), "the original mapper revokes a granted page");

    // A window that the receiver has not opened.
    l4::ThreadId to = client_id(client_a);
    message = {read, l4::Fpage::make(page, l4::page_bits).raw, 0};
    check(has_error(l4::ipc(to, l4::send_map, l4::no_receive, l4::Timeouts::infinite(), message),
                    IpcError::send_cut),
          "a map item without a window is cut");
}

// The client's view of the superpage: every page but the excepted one has its own address in it.
bool sees_superpage(unsigned task, uint32_t except = 0xFFFFFFFFu) {
    bool all = true;
    for (uint32_t offset = 0; offset < l4::superpage_size; offset += l4::page_size)
        if (offset != except)
            all = all && command(task, read, big_window + offset) == big_frames + offset;
    return all && last_fault == 0;
}

void map_superpage_to(unsigned task, uint32_t flags) {
    l4::ThreadId to = client_id(task);
    l4::send(to, {take_superpage, 0, 0});
    l4::Message item{0, l4::Fpage::make(big_frames, l4::superpage_bits, flags).raw, 0};
    check(l4::ipc(to, l4::send_map, l4::receive_registers, l4::Timeouts::infinite(), item).ok(),
          "map a superpage");
}

// Client A sends `what` at `address` to client B.
void a_to_b(Command receive_as, Command what, uint32_t address) {
    l4::send(client_id(client_b), {receive_as, 0, 0});
    command(client_a, what, address, client_id(client_b).raw);
    l4::Message message;
    l4::receive(client_id(client_b), message);
}

void test_superpages() {
    constexpr uint32_t superpage_request = 0x40000000u;
    l4::ThreadId sigma0 = l4::sigma0_thread;
    l4::Message message{superpage_request + big_frames, 0, 0};
    check(l4::ipc(sigma0, l4::send_registers, l4::receive_window(l4::Fpage::whole_space(), false),
                  l4::Timeouts::infinite(), message)
              .mapped(),
          "sigma0 gives a superpage");
    for (uint32_t page = big_frames; page < big_frames + l4::superpage_size; page += l4::page_size)
        word_at(page) = page;

    map_superpage_to(client_a, l4::Fpage::write_bit);
    check(sees_superpage(client_a), "the client sees all of it");
    a_to_b(take_superpage, pass_superpage, big_window);
    check(sees_superpage(client_b), "and passes it on");
    a_to_b(take, pass_on, big_window + 0x5000);
    check(command(client_b, read, window_base + 0x5000) == big_frames + 0x5000 && last_fault == 0,
          "a part of it is mapped as a page");

    const auto part = [](uint32_t offset) { return l4::Fpage::make(big_frames + offset, l4::page_bits); };
    l4::fpage_unmap(part(0x7000), 0);
    check(sees_superpage(client_a) && sees_superpage(client_b), "revoking write leaves all readable");
    command(client_a, write, big_window + 0x8000, big_frames + 0x8000);
    command(client_b, write, big_window + 0x6000, big_frames + 0x6000);
    check(last_fault == 0, "and the neighbours of the part writable");
    command(client_b, write, big_window + 0x7000, 1);
    check(fault_seen_at(big_window + 0x7000) && word_at(big_frames + 0x7000) == big_frames + 0x7000,
          "but not the part");

    l4::fpage_unmap(part(0x5000), l4::unmap_fully);
    command(client_b, read, window_base + 0x5000);
    check(fault_seen_at(window_base + 0x5000), "a part is unmapped with the page made from it");
    command(client_a, read, big_window + 0x5000);
    check(fault_seen_at(big_window + 0x5000) && sees_superpage(client_a, 0x5000),
          "and from the superpage that holds it, the rest stays");

    map_superpage_to(client_a, l4::Fpage::write_bit);
    check(sees_superpage(client_a), "the superpage mapped over what is left of it");
    command(client_a, drop_superpage, big_window, l4::unmap_own_too | l4::unmap_fully);
    command(client_a, read, big_window + 0x3FF000);
    check(fault_seen_at(big_window + 0x3FF000), "a client flushes it");

    map_superpage_to(client_a, l4::Fpage::write_bit);
    a_to_b(take_superpage, give_superpage, big_window);
    check(sees_superpage(client_b), "a granted superpage is the grantee's");
    command(client_a, read, big_window + 0x200000);
    check(fault_seen_at(big_window + 0x200000), "and no longer the granter's");
    command(client_b, drop, big_window + 0x9000, l4::unmap_own_too | l4::unmap_fully);
    command(client_b, read, big_window + 0x9000);
    check(fault_seen_at(big_window + 0x9000) && sees_superpage(client_b, 0x9000),
          "the grantee gives up a page of it");
    l4::fpage_unmap(l4::Fpage::make(big_frames, l4::superpage_bits), l4::unmap_own_too);
    command(client_b, write, big_window, 1);
    check(fault_seen_at(big_window) && word_at(big_frames) == big_frames, "the owner makes all read only");
    word_at(big_frames + 0x1000) = big_frames + 0x1000; // a write fault, sigma0 gives the right again
    check(word_at(big_frames + 0x1000) == big_frames + 0x1000, "and gets the right back by a page fault");
}

// The reply is a map item, and its receiver wants it in memory that this very pager would have to bring.
void test_reply_into_missing_page() {
    constexpr uint32_t missing = 0x28000000; // above the window
    check(command(client_a, call_into, missing, own_thread(fault_server).raw) ==
              static_cast<uint32_t>(IpcError::send_page_fault_timeout),
          "a pager does not wait for pages of its client's");
    command(client_a, read, missing);
    check(fault_seen_at(missing), "and serves it again");
}

} // namespace

extern "C" void test_main(uint32_t) {
    prepare_frames();
    start_thread(fault_server, pager_thread);
    for (const unsigned task : {client_a, client_b})
        check(start_task(task, client_loop, own_thread(fault_server)) == client_id(task), "task_new");
    test_map_and_rights();
    test_sizes();
    test_unmap();
    test_superpages();
    test_reply_into_missing_page();
    test_flush_and_grant();
    finish();
}
