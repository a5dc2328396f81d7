// Protocols made of memory messages: several senders at one receiver, servers whose requests and answers are strings,
// a pager that receives strings, sigma0 as partner.
#include "tests/kernel/guest/pair.hpp"

using namespace kernel_test;
using l4::IpcError;
using l4::ThreadRunState;

namespace {

constexpr unsigned server = 6, first_client = 10, clients = 4, first_poller = 20, pollers = 8;
constexpr uint32_t request_bytes_max = 9'000;

using Request = l4::MemoryMessage<4, 1>;

void give(Request& message, const void* bytes, uint32_t size) {
    message.send = l4::MessageDope::make(0, 1);
    message.strings[0].send_size = size;
    message.strings[0].send_address = reinterpret_cast<uint32_t>(bytes);
}
void take(Request& message, void* bytes, uint32_t size) {
    message.strings[0].receive_size = size;
    message.strings[0].receive_address = reinterpret_cast<uint32_t>(bytes);
}

void touch_all(uint8_t* bytes, uint32_t size) {
    for (uint32_t offset = 0; offset < size; offset += l4::page_size)
        *static_cast<volatile uint8_t*>(bytes + offset) = bytes[offset];
}

// --- Senders of all kinds wait for one receiver

enum class Kind { registers, words, string, map_item };
constexpr Kind kind_of(unsigned poller) {
    constexpr Kind kinds[] = {Kind::string, Kind::registers, Kind::words, Kind::map_item};
    return kinds[poller % 4];
}
l4::MemoryMessage<8, 1> polled[pollers];
l4::MessageResult poller_result[pollers];
volatile bool poller_done[pollers];
uint8_t poller_bytes[pollers][3'000], came[3'000];

void poller_main() {
    const unsigned number = l4::my_id().lthread() - first_poller;
    auto& message = polled[number];
    message = {};
    for (unsigned index = 0; index < sizeof poller_bytes[number]; ++index)
        poller_bytes[number][index] = static_cast<uint8_t>(index * (number + 3));
    uint32_t descriptor = l4::send_registers;
    switch (kind_of(number)) {
    case Kind::registers:
        break;
    case Kind::words:
        message.send = l4::MessageDope::make(8, 0);
        message.words[7] = 0x700 + number;
        descriptor = l4::send_memory(message);
        break;
    case Kind::string:
        message.send = l4::MessageDope::make(3, 1);
        message.strings[0] = {.send_size = sizeof poller_bytes[number],
                              .send_address = reinterpret_cast<uint32_t>(poller_bytes[number])};
        descriptor = l4::send_memory(message);
        break;
    case Kind::map_item: // within one space nothing is mapped
        descriptor = l4::send_map;
        break;
    }
    l4::ThreadId to = l4::root_thread;
    l4::Message words{number, l4::Fpage::make(large_source, l4::page_bits).raw, 77};
    poller_result[number] = l4::ipc(to, descriptor, l4::no_receive, {}, words);
    poller_done[number] = true;
    rest();
}

void test_order_of_senders() {
    static l4::MemoryMessage<8, 1> buffer;
    for (unsigned number = 0; number < pollers; ++number) {
        start_thread(first_poller + number, poller_main);
        check(happens([=] { return state_of(own_thread(first_poller + number)) == ThreadRunState::pending; }),
              "a sender waits");
    }
    bool order = true, content = true;
    for (unsigned number = 0; number < pollers; ++number) {
        buffer.strings[0] = {.receive_size = sizeof came,
                             .receive_address = reinterpret_cast<uint32_t>(came)};
        l4::ThreadId from;
        l4::Message words;
        const l4::MessageResult result =
            l4::ipc(from, l4::no_send, l4::receive_memory(buffer, true), {}, words);
        order = order && result.ok() && from == own_thread(first_poller + number) && words.w0 == number;
        const Kind kind = kind_of(number);
        content = content && words.w2 == 77 &&
                  result.words() == (kind == Kind::words    ? 8
                                     : kind == Kind::string ? 3
                                                            : 0) &&
                  result.strings() == (kind == Kind::string);
        if (kind == Kind::words)
            content = content && buffer.words[7] == 0x700 + number;
        if (kind == Kind::string)
            content = content && string_came(came, poller_bytes[number], sizeof came);
    }
    check(order, "senders are served in their order, whatever they send");
    check(content, "and each message is what was sent");
    bool good = true;
    for (unsigned number = 0; number < pollers; ++number)
        good = good && happens([=] { return poller_done[number]; }) && poller_result[number].ok();
    check(good, "all of them go on");
}

// --- A server: an answer is the request backwards, one byte longer

uint8_t server_request[request_bytes_max], server_answer[request_bytes_max + 1];

void server_main() {
    static Request buffer;
    take(buffer, server_request, sizeof server_request);
    l4::ThreadId client;
    l4::Message words;
    l4::MessageResult got = l4::ipc(client, l4::no_send, l4::receive_memory(buffer, true), {}, words);
    for (;;) {
        const uint32_t size = buffer.strings[0].send_size;
        for (uint32_t index = 0; index < size; ++index)
            server_answer[index] = server_request[size - 1 - index];
        server_answer[size] = static_cast<uint8_t>(words.w0);
        give(buffer, server_answer, size + 1);
        take(buffer, server_request, sizeof server_request);
        words = {words.w0 + 1, got.raw, 0};
        got = l4::ipc(client, l4::send_memory(buffer), l4::receive_memory(buffer, true),
                      l4::Timeouts::make(0, l4::Timeouts::infinite_us), words);
    }
}

uint8_t client_request[clients][request_bytes_max], client_answer[clients][request_bytes_max + 1];
volatile unsigned calls_good[clients];
volatile bool client_done[clients];
constexpr unsigned calls = 30;

void client_main() {
    const unsigned number = l4::my_id().lthread() - first_client;
    const auto entry = number % 2 == 1 && l4::processor_has_sysenter() ? l4::ipc_sysenter : l4::ipc_int30;
    Request buffer;
    for (unsigned call = 0; call < calls; ++call) {
        const uint32_t size = (call * 997 + number * 313) % request_bytes_max;
        for (uint32_t index = 0; index < size; ++index)
            client_request[number][index] = static_cast<uint8_t>(index * 5 + call + number);
        give(buffer, client_request[number], size);
        take(buffer, client_answer[number], sizeof client_answer[number]);
        l4::ThreadId to = own_thread(server);
        l4::Message words{call, 0, 0};
        const l4::MessageResult result =
            entry(to, l4::send_memory(buffer), l4::receive_memory(buffer), {}, words);
        bool good = result.ok() && result.strings() == 1 && to == own_thread(server) &&
                    words.w0 == call + 1 && l4::MessageResult{words.w1}.strings() == 1 &&
                    buffer.strings[0].send_size == size + 1 && client_answer[number][size] == call;
        for (uint32_t index = 0; index < size; ++index)
            good = good && client_answer[number][index] == client_request[number][size - 1 - index];
        calls_good[number] = calls_good[number] + good;
    }
    client_done[number] = true;
    rest();
}

void test_server() {
    start_thread(server, server_main);
    for (unsigned number = 0; number < clients; ++number)
        start_thread(first_client + number, client_main);
    for (unsigned number = 0; number < clients; ++number)
        check(happens([=] { return client_done[number]; }) && calls_good[number] == calls,
              number % 2 == 1 ? "calls with strings both ways, by SYSENTER" : "calls with strings both ways");
}

// --- A pager that takes strings beside faults

constexpr uint32_t paged_area = 0x60000000;
alignas(l4::page_size) uint8_t pager_pool[l4::page_size];
uint8_t pager_string[500];
volatile unsigned strings_at_pager = 0, cut_short = 0, faults_at_pager = 0;
constexpr unsigned string_pager = 7, paged_client = 8;

void string_pager_main() {
    static Request buffer;
    // A client's fault while the pager itself takes the client's string could be served by nobody.
    const auto no_faults = l4::Timeouts::infinite().with_page_faults(0, 15);
    for (;;) {
        take(buffer, pager_string, sizeof pager_string);
        l4::ThreadId client;
        l4::Message words;
        const l4::MessageResult result =
            l4::ipc(client, l4::no_send, l4::receive_memory(buffer, true), no_faults, words);
        if (has_error(result, IpcError::receive_page_fault_timeout)) {
            cut_short = cut_short + 1;
        } else if (result.strings() == 1) {
            strings_at_pager = strings_at_pager + 1;
        } else {
            const uint32_t page = words.w0 & ~(l4::page_size - 1);
            const bool paged = page == paged_area;
            faults_at_pager = faults_at_pager + paged;
            if (!paged)
                touch_all(reinterpret_cast<uint8_t*>(page), 1);
            words = {
                page,
                l4::Fpage::make(reinterpret_cast<uint32_t>(pager_pool), l4::page_bits, l4::Fpage::write_bit)
                    .raw,
                0};
            l4::ipc(client, paged ? l4::send_map : l4::send_registers, l4::no_receive, l4::Timeouts::zero(),
                    words);
        }
    }
}

l4::MessageResult paged_results[3];
volatile unsigned paged_calls = 0;

void paged_client_main() {
    Request message;
    give(message, reinterpret_cast<const void*>(paged_area + 100), sizeof pager_string);
    for (l4::MessageResult& result : paged_results) {
        l4::ThreadId to = own_thread(string_pager);
        l4::Message words{1, 2, 3};
        result = l4::ipc(to, l4::send_memory(message), l4::no_receive, {}, words);
        if (!result.ok()) {
            auto* const byte = reinterpret_cast<volatile uint8_t*>(paged_area);
            *byte = *byte;
        }
        paged_calls = paged_calls + 1;
    }
    rest();
}

void test_pager_with_strings() {
    touch_all(pager_pool, sizeof pager_pool);
    touch_all(pager_string, sizeof pager_string);
    for (unsigned index = 0; index < sizeof pager_string; ++index)
        pager_pool[100 + index] = static_cast<uint8_t>(index * 11);
    start_thread(string_pager, string_pager_main);
    start_thread(paged_client, paged_client_main, own_thread(string_pager));
    check(happens([] { return paged_calls == 3; }), "a client and its pager, whom it sends strings");
    check(has_error(paged_results[0], static_cast<IpcError>(11)) && cut_short == 1,
          "a string that only the receiver could bring in: B and A, not a deadlock");
    check(paged_results[1].ok() && paged_results[2].ok() && strings_at_pager == 2 && faults_at_pager == 1,
          "once its page is there the string comes");
    check(string_came(pager_string, pager_pool + 100, sizeof pager_string), "it is the right one");
}

// --- sigma0

void test_sigma0() {
    constexpr uint32_t frame = 0x02800000, place = 0x70000000;
    static l4::MemoryMessage<8, 1> message;
    message.receive_window = l4::Fpage::make(place, l4::page_bits);
    l4::ThreadId sigma0 = l4::sigma0_thread;
    l4::Message words{frame, 0, 0};
    const l4::MessageResult result =
        l4::ipc(sigma0, l4::send_registers, l4::receive_memory(message), {}, words);
    check(result.ok() && result.mapped() && result.words() == 0, "sigma0's page, the window in memory");
    *reinterpret_cast<volatile uint32_t*>(place) = 0x12345678;
    check(*reinterpret_cast<volatile uint32_t*>(frame) == 0x12345678, "is the page asked for");

    message.send = l4::MessageDope::make(8, 0);
    words = {frame, 0, 0};
    sigma0 = l4::sigma0_thread;
    check(has_error(l4::ipc(sigma0, l4::send_memory(message), l4::receive_memory(message), {}, words),
                    IpcError::send_cut),
          "sigma0 takes registers only");
    words = {frame + l4::page_size, 0, 0};
    sigma0 = l4::sigma0_thread;
    check(l4::ipc(sigma0, l4::send_registers,
                  l4::receive_window(l4::Fpage::make(frame + l4::page_size, l4::page_bits), false), {}, words)
              .mapped(),
          "and serves the next");
}

// A client that receives into a page that its pager will not bring: a map item's window would be there.
void absent_client_main() {
    l4::ThreadId sigma0 = l4::sigma0_thread;
    l4::Message words{0x02900000, 0, 0};
    receiving.result = l4::ipc(sigma0, l4::send_registers, receiver_area(), {}, words);
    receiving.done = true;
    rest();
}

void test_reply_to_absent_memory() {
    prepare_pair();
    answers = Answers::none;
    receiving.done = false;
    start_thread(receiver, absent_client_main, own_thread(pair_pager));
    check(happens([] { return receiving.done; }) &&
              has_error(receiving.result, IpcError::send_page_fault_timeout) && pair_faults == 0,
          "sigma0 does not wait for a page where its reply goes");
    l4::ThreadId sigma0 = l4::sigma0_thread;
    l4::Message words{0x02A00000, 0, 0};
    check(l4::ipc(sigma0, l4::send_registers,
                  l4::receive_window(l4::Fpage::make(0x02A00000, l4::page_bits), false), within_us(1'000'000),
                  words)
              .mapped(),
          "and serves others");
}

} // namespace

extern "C" void test_main(uint32_t) {
    test_order_of_senders();
    test_server();
    test_pager_with_strings();
    test_sigma0();
    test_reply_to_absent_memory();
    finish();
}
