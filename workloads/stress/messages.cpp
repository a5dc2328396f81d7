// Messages between partners, with and without a reply, and those that are not taken in time.
#include "workloads/stress/calls.hpp"
#include "workloads/stress/verdict.hpp"
#include "workloads/stress/worker.hpp"

namespace stress {

namespace {

l4::Message message_of(const PairStep& step) {
    return {step.words[0], step.words[1], step.words[2]};
}
l4::Message reply_to(const l4::Message& message, uint32_t salt) {
    return {message.w1 + salt, ~message.w2, message.w0 ^ salt};
}

void check_message(const PairTurn& turn, const l4::Message& got, const l4::Message& expected) {
    check_equal(got.w0, expected.w0, "first word of a message");
    check_equal(got.w1, expected.w1, "second word of a message");
    check_equal(got.w2, expected.w2, "third word of a message");
    turn.note(got.w0 + got.w1 + got.w2);
}

void receive_from_partner(const PairTurn& turn, const l4::Message& expected) {
    l4::ThreadId from = turn.partner_id();
    l4::Message message;
    const bool open = turn.step.variant & 1;
    if (open)
        from = l4::nil_thread;
    const l4::MessageResult result =
        ipc(turn.entry(), from, l4::no_send, open ? l4::open_wait : l4::receive_registers,
            l4::Timeouts::infinite(), message);
    check_equal(result.raw, 0, "result of a receive");
    check_equal(from.raw, turn.partner_id().raw, "sender of a message");
    check_message(turn, message, expected);
}

void send_to_partner(const PairTurn& turn, const l4::Message& message) {
    check_equal(send(turn.entry(), turn.partner_id(), message).raw, 0, "result of a send");
}

uint64_t draw_timeout_us(const PairStep& step) {
    return (step.variant & 6) == 0 ? step.variant >> 3 & 0x7FF : 0; // mostly none: time costs
}

} // namespace

void exchange_message(const PairTurn& turn) {
    if (turn.begins)
        send_to_partner(turn, message_of(turn.step));
    else
        receive_from_partner(turn, message_of(turn.step));
}

// The partner replies and waits for the next call in one system call.
void exchange_call(const PairTurn& turn, unsigned rounds) {
    l4::Message message = message_of(turn.step);
    if (turn.begins) {
        for (unsigned round = 0; round < rounds; ++round) {
            const l4::Message expected = reply_to(message, round);
            check_equal(call(turn.entry(), turn.partner_id(), message).raw, 0, "result of a call");
            check_message(turn, message, expected);
        }
        return;
    }
    receive_from_partner(turn, message);
    for (unsigned round = 0; round + 1 < rounds; ++round) {
        const l4::Message reply = reply_to(message, round);
        message = reply;
        check_equal(call(turn.entry(), turn.partner_id(), message).raw, 0, "result of a reply and receive");
        check_message(turn, message, reply);
    }
    send_to_partner(turn, reply_to(message, rounds - 1));
}

void let_receive_time_out(const PairTurn& turn) {
    if (!turn.begins) {
        receive_from_partner(turn, message_of(turn.step));
        return;
    }
    l4::Message message;
    const l4::MessageResult result =
        receive(turn.entry(), turn.partner_id(), message, draw_timeout_us(turn.step));
    check_equal(result.raw, static_cast<uint32_t>(IpcError::receive_timeout) << 4,
                "a receive without a sender");
    send_to_partner(turn, message_of(turn.step));
}

void let_send_time_out(const PairTurn& turn) {
    if (!turn.begins) {
        send_to_partner(turn, message_of(turn.step));
        return;
    }
    const l4::MessageResult result =
        send(turn.entry(), turn.partner_id(), {1, 2, 3}, draw_timeout_us(turn.step));
    check_equal(result.raw, static_cast<uint32_t>(IpcError::send_timeout) << 4, "a send without a receiver");
    receive_from_partner(turn, message_of(turn.step));
}

} // namespace stress
