#include "kernel-model/abi/message.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "workloads/churn/commands.hpp"

namespace workloads {

namespace {

struct Answer {
    Outcome outcome = Outcome::done;
    uint32_t value = 0;
};

StripedPage& slot_page(unsigned slot) {
    return *reinterpret_cast<StripedPage*>(slots_address + slot * l4::page_size);
}
uint32_t stripe_address(unsigned slot, unsigned stripe) {
    return slots_address + slot * l4::page_size + stripe * stripe_bytes;
}

Answer answer_of(l4::MessageResult result) {
    return result.ok() ? Answer{} : Answer{Outcome::ipc_failed, result.error()};
}

Answer step(const Command& command) {
    Stripe& stripe = slot_page(command.slot).stripes[command.first];
    if (!is_whole(stripe))
        return {Outcome::torn_page, stripe.words[0]};
    const uint32_t state = stripe.words[0];
    fill(stripe, next_state(state, command.salt));
    return {Outcome::done, state};
}

Answer check(const Command& command) {
    uint32_t chain = 0;
    const bool whole = read_page_chain(slot_page(command.slot), chain);
    return {whole ? Outcome::done : Outcome::torn_page, chain};
}

Answer send(const Command& command) {
    l4::MemoryMessage<words_sent, 2> memory;
    const unsigned head = command.count / 2, tail = command.count - head;
    memory.send = l4::MessageDope::make(words_sent, head == 0 ? 1 : 2);
    l4::StringDope* dope = memory.strings;
    if (head != 0)
        *dope++ = {head * stripe_bytes, stripe_address(command.slot, command.first), 0, 0};
    *dope = {tail * stripe_bytes | (head != 0 ? l4::StringDope::continues_bit : 0),
             stripe_address(command.slot, command.first + head), 0, 0};
    for (unsigned i = l4::register_words; i < words_sent; ++i)
        memory.words[i] = message_word(command.salt, i);
    l4::Message registers{message_word(command.salt, 0), message_word(command.salt, 1),
                          message_word(command.salt, 2)};
    l4::ThreadId partner = command.partner;
    return answer_of(
        l4::ipc(partner, l4::send_memory(memory), l4::no_receive, l4::Timeouts::infinite(), registers));
}

Answer receive(const Command& command) {
    l4::MemoryMessage<words_sent, 1> memory;
    const uint32_t bytes = command.count * stripe_bytes;
    memory.strings[0] = {0, 0, bytes, stripe_address(command.slot, command.first)};
    l4::Message registers;
    l4::ThreadId partner = command.partner;
    const l4::MessageResult result =
        l4::ipc(partner, l4::no_send, l4::receive_memory(memory), l4::Timeouts::infinite(), registers);
    if (!result.ok())
        return answer_of(result);
    bool right = result.words() == words_sent && result.strings() == 1 && partner == command.partner &&
                 memory.strings[0].send_size == bytes;
    const uint32_t first[l4::register_words] = {registers.w0, registers.w1, registers.w2};
    for (unsigned i = 0; i < words_sent; ++i) {
        const uint32_t word = i < l4::register_words ? first[i] : memory.words[i];
        right = right && word == message_word(command.salt, i);
    }
    return {right ? Outcome::done : Outcome::wrong_message, 0};
}

Answer give(const Command& command, uint32_t flags) {
    const l4::Fpage item =
        l4::Fpage::make(stripe_address(command.slot, 0), l4::page_bits, l4::Fpage::write_bit | flags);
    l4::Message message{0, item.raw, command.salt};
    l4::ThreadId partner = command.partner;
    return answer_of(l4::ipc(partner, l4::send_map, l4::no_receive, l4::Timeouts::infinite(), message));
}

Answer take(const Command& command) {
    const l4::Fpage window = l4::Fpage::make(stripe_address(command.slot, 0), l4::page_bits);
    l4::Message message;
    l4::ThreadId partner = command.partner;
    const l4::MessageResult result =
        l4::ipc(partner, l4::no_send, l4::receive_window(window, false), l4::Timeouts::infinite(), message);
    if (!result.ok())
        return answer_of(result);
    return {message.w2 == command.salt ? Outcome::done : Outcome::wrong_message, 0};
}

Answer nap(const Command& command) {
    l4::Message message;
    const uint64_t us = 50 + command.salt % 1000;
    const l4::MessageResult result =
        l4::receive(l4::nil_thread, message, l4::Timeouts::make(l4::Timeouts::infinite_us, us));
    const bool timeout = result.error() == static_cast<unsigned>(l4::IpcError::receive_timeout);
    return {timeout ? Outcome::done : Outcome::wrong_wakeup, 0};
}

Answer perform(const Command& command) {
    switch (command.operation) {
    case Operation::step:
        return step(command);
    case Operation::check:
        return check(command);
    case Operation::send:
        return send(command);
    case Operation::receive:
        return receive(command);
    case Operation::give_map:
        return give(command, 0);
    case Operation::give_grant:
        return give(command, l4::Fpage::grant_bit);
    case Operation::take:
        return take(command);
    case Operation::drop:
        l4::fpage_unmap(l4::Fpage::make(stripe_address(command.slot, 0), l4::page_bits),
                        l4::unmap_own_too | l4::unmap_fully);
        return {};
    case Operation::compute:
        return {Outcome::done, computed(command.salt)};
    case Operation::nap:
        return nap(command);
    }
    return {Outcome::wrong_message, 0};
}

} // namespace

void child_main(const ChildStart* start) {
    const l4::ThreadId conductor = start->conductor;
    uint32_t chain = start->chain;
    for (;;) {
        l4::Message message;
        const l4::MessageResult result = l4::receive(conductor, message);
        Answer answer = answer_of(result);
        if (result.ok()) {
            const Command command = Command::from_words(message.w0, message.w1, message.w2);
            answer = perform(command);
            chain = chain_after(chain, command, answer.value);
        }
        l4::send(conductor, {static_cast<uint32_t>(answer.outcome), answer.value, chain});
    }
}

} // namespace workloads
