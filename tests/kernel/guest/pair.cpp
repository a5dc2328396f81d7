#include "tests/kernel/guest/pair.hpp"

namespace kernel_test {

alignas(l4::page_size) uint8_t pair_pool[pair_area_bytes];
alignas(l4::page_size) uint8_t pair_copies[pair_area_bytes];
uint32_t pair_area = 0x50000000;
volatile Answers answers = Answers::map;
volatile unsigned pair_faults = 0;
PairMessage outgoing, incoming;
PairSide sending, receiving;

namespace {

bool started = false;

void touch(uint32_t address) {
    auto* const byte = reinterpret_cast<volatile uint8_t*>(address);
    *byte = *byte;
}

void reply(l4::ThreadId client, uint32_t send, uint32_t to, uint32_t from, uint32_t rights) {
    touch(from);
    l4::Message mapping{to, l4::Fpage::make(from, l4::page_bits, rights).raw, 0};
    l4::ipc(client, send, l4::no_receive, l4::Timeouts::zero(), mapping);
}

void pager_main() {
    for (;;) {
        l4::ThreadId client;
        l4::Message fault;
        l4::wait(client, fault);
        const uint32_t page = fault.w0 & ~(l4::page_size - 1), offset = page - pair_area;
        if (offset >= pair_area_bytes) { // the program's, which sigma0 gives to the whole task
            reply(client, l4::send_registers, page, page, 0);
            continue;
        }
        pair_faults = pair_faults + 1;
        constexpr uint32_t write = 2;
        const uint32_t pool = reinterpret_cast<uint32_t>(pair_pool) + offset;
        const uint32_t copy = reinterpret_cast<uint32_t>(pair_copies) + offset;
        if (answers == Answers::map) {
            reply(client, l4::send_map, page, pool, l4::Fpage::write_bit);
        } else if (answers == Answers::copy_on_write && !(fault.w0 & write)) {
            reply(client, l4::send_map, page, pool, 0);
        } else if (answers == Answers::copy_on_write) {
            __builtin_memcpy(reinterpret_cast<void*>(copy), reinterpret_cast<const void*>(pool),
                             l4::page_size);
            reply(client, l4::send_map, page, copy, l4::Fpage::write_bit);
        }
    }
}

l4::MessageResult call_ipc(const PairSide& side, unsigned partner, bool sends) {
    l4::ThreadId id = own_thread(partner);
    l4::Message words{11, 12, 13};
    const auto entry = side.by_sysenter ? l4::ipc_sysenter : l4::ipc_int30;
    return entry(id, sends ? side.descriptor : l4::no_send, sends ? l4::no_receive : side.descriptor,
                 side.timeouts, words);
}

void sender_main() {
    sending.result = call_ipc(sending, receiver, true);
    sending.done = true;
    rest();
}
void receiver_main() {
    receiving.result = call_ipc(receiving, sender, false);
    receiving.done = true;
    rest();
}

} // namespace

void rest() {
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}

void take_pair_area_away() {
    for (uint8_t* const pool : {pair_pool, pair_copies})
        for (uint32_t page = 0; page < pair_area_bytes; page += l4::page_size)
            l4::fpage_unmap(l4::Fpage::make(reinterpret_cast<uint32_t>(pool + page), l4::page_bits),
                            l4::unmap_fully);
}

void prepare_pair() {
    if (!started) {
        start_thread(pair_pager, pager_main);
        for (const unsigned lthread : {deaf_pager, sender, receiver})
            start_thread(lthread, rest);
    }
    started = true;
    answers = Answers::map;
    take_pair_area_away();
    pair_faults = 0;
    outgoing = {};
    incoming = {};
    sending.descriptor = l4::send_memory(outgoing);
    receiving.descriptor = l4::receive_memory(incoming);
    for (PairSide* const side : {&sending, &receiving}) {
        side->timeouts = {};
        side->priority = 40;
        side->pager = own_thread(pair_pager);
    }
}

void give_and_take(uint32_t from, uint32_t to, uint32_t bytes) {
    outgoing.send = l4::MessageDope::make(3, 1);
    outgoing.strings[0] = {.send_size = bytes, .send_address = from};
    incoming.strings[0] = {.receive_size = bytes, .receive_address = to};
}

void give_and_take_124_megabytes() {
    give_and_take(large_source, large_target, large_bytes);
    for (l4::StringDope& dope : outgoing.strings)
        dope = outgoing.strings[0];
    for (l4::StringDope& dope : incoming.strings)
        dope = incoming.strings[0];
    outgoing.send = l4::MessageDope::make(3, l4::message_strings_max);
    for (uint32_t page = 0; page < large_bytes; page += l4::page_size) {
        touch(large_source + page);
        touch(large_target + page);
    }
}

void start_pair() {
    sending.done = false;
    receiving.done = false;
    start_thread(receiver, receiver_main, receiving.pager);
    l4::thread_schedule(own_thread(receiver), l4::schedule_param(receiving.priority, 10, 10));
    happens([] { return state_of(own_thread(receiver)) == l4::ThreadRunState::waiting; });
    start_thread(sender, sender_main, sending.pager);
    l4::thread_schedule(own_thread(sender), l4::schedule_param(sending.priority, 10, 10));
}

bool pair_is_done() {
    return happens([] { return sending.done && receiving.done; });
}
bool pair_is_ok() {
    return pair_is_done() && sending.result.ok() && receiving.result.ok();
}

void fill_pair_pool() {
    for (uint32_t index = 0; index < pair_area_bytes; ++index)
        pair_pool[index] = index < pair_area_bytes / 2 ? static_cast<uint8_t>(index * 3 + (index >> 8)) : 0;
}

bool string_came(const uint8_t* to, const uint8_t* from, uint32_t bytes) {
    for (uint32_t index = 0; index < bytes; ++index)
        if (to[index] != from[index])
            return false;
    return true;
}

} // namespace kernel_test
