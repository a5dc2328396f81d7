#include "tests/kernel/guest/tcb_fault_calls.hpp"

#include "kernel-model/arch/entry_layout.h"

#include <initializer_list>

using namespace kernel_test;
using namespace tcb_pager;

using kernel::Tcb;
using kernel::ThreadState;
using l4::IpcError;

namespace tcb_fault_calls {

volatile unsigned first_task = l4::first_persistent_task;
volatile bool told = false;

void echo_by_sysenter() {
    l4::ThreadId client;
    l4::Message message;
    l4::ipc_sysenter(client, l4::no_send, l4::open_wait, l4::Timeouts::infinite(), message);
    for (;;) {
        message = {message.w0 + 1, message.w1 + 2, message.w2 + 3};
        l4::ipc_sysenter(client, l4::send_registers, l4::open_wait,
                         l4::Timeouts::make(0, l4::Timeouts::infinite_us), message);
    }
}

bool echoes(Ipc& ipc, l4::ThreadId server, l4::Timeouts timeouts, unsigned rounds) {
    for (uint32_t round = 0; round < rounds; ++round) {
        l4::ThreadId partner = server;
        l4::Message message{0x1000 + round, 0x2000, 0x3000};
        const l4::MessageResult result =
            ipc(partner, l4::send_registers, l4::receive_registers, timeouts, message);
        if (!result.ok() || partner != server || message.w0 != 0x1001 + round || message.w1 != 0x2002 ||
            message.w2 != 0x3003)
            return false;
    }
    return true;
}

void tells() {
    told = true;
    rest();
}

bool becomes_true(const volatile bool& flag) {
    for (unsigned tries = 0; tries < 5'000 && !flag; ++tries)
        l4::sleep_us(1'000);
    return flag;
}

namespace {

void announces() {
    l4::send(l4::root_thread.with_lthread(actor), {0x1234, 0, 0});
    rest();
}

void misbehave_from_now_on() {
    misdeeds_left = is_refused(manner) ? 3 : 1;
}

bool calls() {
    store(thread_in(first_task), count_words_up);
    misbehave_from_now_on();
    return echoes(l4::ipc_int30, thread_in(first_task), l4::Timeouts::infinite(), 3);
}
// The partner's TCB is first touched by the quick path.
bool calls_by_sysenter() {
    store(thread_in(first_task), echo_by_sysenter);
    misbehave_from_now_on();
    return echoes(l4::ipc_sysenter, thread_in(first_task), l4::Timeouts::infinite(), 3);
}
// A timeout is none of the quick path's: the partner's TCB is first touched by the C++ path.
bool calls_by_sysenter_with_timeout() {
    store(thread_in(first_task), echo_by_sysenter);
    misbehave_from_now_on();
    return echoes(l4::ipc_sysenter, thread_in(first_task), within_us(60'000'000), 3);
}
bool receives() {
    store(thread_in(first_task), announces);
    misbehave_from_now_on();
    l4::Message message;
    return l4::receive(thread_in(first_task), message).ok() && message.w0 == 0x1234;
}
bool switches() {
    store(thread_in(first_task), count_words_up);
    misbehave_from_now_on();
    l4::thread_switch(thread_in(first_task));
    return echoes(l4::ipc_int30, thread_in(first_task), l4::Timeouts::infinite(), 1);
}
bool schedules() {
    store(thread_in(first_task), count_words_up);
    misbehave_from_now_on();
    const l4::ScheduleResult result = l4::schedule_thread(thread_in(first_task), keep);
    return !result.refused() && result.priority() == stored_priority;
}
bool deletes() {
    store(thread_in(first_task), count_words_up);
    misbehave_from_now_on();
    return l4::task_new(thread_in(first_task), 0, 0, 0, l4::nil_thread).task() == first_task &&
           has_error(l4::send(thread_in(first_task), {}, l4::Timeouts::zero()), IpcError::no_such_thread);
}
// A task below the destination's is between: both task states are needed.
bool finds_nearest() {
    const l4::ThreadId inner = l4::ThreadId::make(first_task + 1, 0, 1, first_task);
    store(thread_in(first_task), rest);
    store(inner, rest, first_task);
    misbehave_from_now_on();
    const l4::Nearest nearest = l4::id_nearest(inner);
    return nearest.relation == l4::ClanRelation::inner_clan && nearest.id == thread_in(first_task);
}
bool gives_to_owner() {
    store(thread_in(first_task), rest);
    misbehave_from_now_on();
    return l4::task_new(thread_in(first_task + 1), first_task, 0, 0, l4::nil_thread).chief() == first_task;
}
bool creates() {
    misbehave_from_now_on();
    return l4::task_new(thread_in(first_task), 100, code(count_words_up), stack_of(first_task),
                        l4::pager_thread) == thread_in(first_task) &&
           echoes(l4::ipc_int30, thread_in(first_task), l4::Timeouts::infinite(), 1);
}

bool page_faults() {
    store(thread_in(first_task), serve_faults);
    told = false;
    l4::task_new(thread_in(first_task + 1), 100, code(tells), stack_of(first_task + 1),
                 thread_in(first_task));
    misbehave_from_now_on();
    return becomes_true(told);
}

// A thread whose pager is stored and absent, once it has told so.
void start_with_absent_pager(void (*entry)()) {
    store(thread_in(first_task), serve_faults);
    told = false;
    l4::task_new(thread_in(first_task + 1), 100, code(entry), stack_of(first_task + 1), l4::pager_thread);
}
bool page_faults_with_absent_pager(void (*entry)()) {
    start_with_absent_pager(entry);
    return becomes_true(told);
}

// Two pages that the task has not touched yet.
uint32_t absent_memory() {
    constexpr uint32_t base = 0x02000000;
    return base + first_task * 2 * l4::page_size;
}

// The kernel reads memory for an INT 3, and faults for the thread. Before it stands what must not be executed when the
// call is repeated.
void prints_absent_text() {
    const uint32_t text = absent_memory(); // empty
    misbehave_from_now_on();
    l4::exchange_registers(0, {.pager = thread_in(first_task)});
    asm volatile("jmp 1f\n\thlt\n1:\tint3\n\tcmpb $2, %%al" : : "a"(text) : "memory", "cc");
    tells();
}
bool page_faults_in_kernel() {
    return page_faults_with_absent_pager(prints_absent_text);
}

// The same for the dopes of a message in memory.
void sends_absent_message() {
    uint32_t result = absent_memory(); // an empty message, for a thread that does not wait for it
    misbehave_from_now_on();
    l4::exchange_registers(0, {.pager = thread_in(first_task)});
    asm volatile("pushl %%ebp\n\tmovl $-1, %%ebp\n\tjmp 1f\n\thlt\n\thlt\n1:\tint $0x30\n\tpopl %%ebp"
                 : "+a"(result)
                 : "c"(l4::Timeouts::zero().raw), "S"(l4::root_thread.raw)
                 : "ebx", "edx", "edi", "memory", "cc");
    if (has_error({result}, IpcError::send_timeout))
        tells();
    rest();
}
bool page_faults_for_dopes() {
    return page_faults_with_absent_pager(sends_absent_message);
}

// And in a transfer, at either side: the message begins at the end of the first page.
constexpr unsigned long_message_words = 100;
using LongMessage = l4::MemoryMessage<long_message_words, 0>;
LongMessage& half_absent_message() {
    auto* const message = reinterpret_cast<LongMessage*>(absent_memory() + l4::page_size - 32);
    message->size = message->send = l4::MessageDope::make(long_message_words, 0);
    return *message;
}
LongMessage long_message, transferred;
void sends_half_absent_message() {
    const LongMessage& message = half_absent_message();
    misbehave_from_now_on();
    l4::exchange_registers(0, {.pager = thread_in(first_task)});
    l4::ThreadId partner = l4::root_thread.with_lthread(actor);
    l4::Message words;
    if (l4::ipc(partner, l4::send_memory(message), l4::no_receive, l4::Timeouts::infinite(), words).ok())
        tells();
    rest();
}
void receives_half_absent_message() {
    LongMessage& message = half_absent_message();
    misbehave_from_now_on();
    l4::exchange_registers(0, {.pager = thread_in(first_task)});
    l4::ThreadId partner = l4::root_thread.with_lthread(actor);
    l4::Message words;
    if (l4::ipc(partner, l4::no_send, l4::receive_memory(message), l4::Timeouts::infinite(), words).ok())
        tells();
    rest();
}
bool page_faults_in_sending() {
    start_with_absent_pager(sends_half_absent_message);
    l4::ThreadId partner = thread_in(first_task + 1);
    l4::Message words;
    const l4::MessageResult result =
        l4::ipc(partner, l4::no_send, l4::receive_memory(long_message), l4::Timeouts::infinite(), words);
    return result.ok() && l4::MessageDope{result.raw}.words() == long_message_words && becomes_true(told);
}
bool page_faults_in_receiving() {
    start_with_absent_pager(receives_half_absent_message);
    long_message.send = l4::MessageDope::make(long_message_words, 0);
    l4::ThreadId partner = thread_in(first_task + 1);
    l4::Message words;
    return l4::ipc(partner, l4::send_memory(long_message), l4::no_receive, l4::Timeouts::infinite(), words)
               .ok() &&
           becomes_true(told);
}

// A stored sender goes on with the transfer to a stored receiver.
bool transfers() {
    const l4::ThreadId from = thread_in(first_task), to = thread_in(first_task + 1);
    long_message.send = l4::MessageDope::make(long_message_words, 0);
    long_message.words[long_message_words - 1] = 0x5678;
    Tcb& sender = store(from, rest);
    sender.frame.vector = VECTOR_IN_TRANSFER;
    sender.frame.eax = l4::send_memory(long_message);
    sender.frame.ebp = l4::no_receive;
    sender.frame.esi = to.raw;
    sender.transfer.role = kernel::TransferRole::sender;
    sender.transfer.entry_vector = 0x30;
    sender.transfer.partner = to.raw;
    sender.transfer.progress.sending = sender.transfer.progress.sender_size = long_message.send;
    Tcb& receiver = store(to, tells);
    receiver.state = ThreadState::locked;
    receiver.frame.vector = 0x30;
    receiver.frame.ebp = l4::receive_memory(transferred);
    receiver.frame.esi = from.raw;
    receiver.transfer.role = kernel::TransferRole::receiver;
    receiver.transfer.partner = from.raw;
    transferred.size = long_message.send;
    transferred.words[long_message_words - 1] = 0;
    told = false;
    misbehave_from_now_on();
    faults_spared = 1; // the sender's own page
    adopt(from);
    return becomes_true(told) && transferred.words[long_message_words - 1] == 0x5678;
}

// A stored thread sends in the name of another of its task.
void propagates() {
    misbehave_from_now_on();
    l4::ThreadId to = l4::root_thread.with_lthread(actor);
    l4::Message message;
    l4::ipc(to, l4::send_propagated, l4::no_receive, l4::Timeouts::infinite(), message);
    rest();
}
bool receives_propagated() {
    const l4::ThreadId originator_id = thread_in(first_task, 4);
    store(thread_in(first_task), propagates).last_sender = originator_id.raw;
    Tcb& originator = store(originator_id, tells);
    originator.state = ThreadState::waiting;
    originator.partner = thread_in(first_task).raw;
    adopt(thread_in(first_task));
    l4::ThreadId from;
    l4::Message message;
    const l4::MessageResult result = l4::wait(from, message);
    return result.ok() && result.propagated() && from == originator_id;
}

// lthread_ex_regs touches threads of the own task: these run in a persistent one.
volatile bool exchange_was_right = false;
void asks_for_registers() {
    misbehave_from_now_on();
    const l4::ThreadRegisters old = l4::exchange_registers(4, {});
    exchange_was_right = old.esp == 0x1234 && old.pager == l4::pager_thread;
    tells();
}
void starts_another_thread() {
    misbehave_from_now_on();
    l4::lthread_ex_regs(4, code(tells), stack_of(l4::my_id().task(), 1));
    rest();
}
bool exchanges_registers() {
    Tcb& tcb = store(thread_in(first_task, 4), rest);
    tcb.state = ThreadState::halted;
    tcb.frame.esp = 0x1234;
    told = false;
    exchange_was_right = false;
    l4::task_new(thread_in(first_task), 100, code(asks_for_registers), stack_of(first_task),
                 l4::pager_thread);
    return becomes_true(told) && exchange_was_right;
}
// Whose the task is, only its TCB says.
void deletes_own_subtask() {
    misbehave_from_now_on();
    if (!l4::task_new(thread_in(first_task + 1), 0, 0, 0, l4::nil_thread).is_nil())
        tells();
    rest();
}
bool chief_deletes() {
    store(l4::ThreadId::make(first_task + 1, 0, 1, first_task), count_words_up, first_task);
    told = false;
    l4::task_new(thread_in(first_task), 100, code(deletes_own_subtask), stack_of(first_task),
                 l4::pager_thread);
    return becomes_true(told);
}
bool creates_thread() {
    told = false;
    l4::task_new(thread_in(first_task), 100, code(starts_another_thread), stack_of(first_task),
                 l4::pager_thread);
    return becomes_true(told);
}

constexpr Call calls_table[] = {
    {"ipc", calls},
    {"ipc by SYSENTER, quick path", calls_by_sysenter},
    {"ipc by SYSENTER, reference path", calls_by_sysenter_with_timeout},
    {"closed receive", receives},
    {"thread_switch", switches},
    {"thread_schedule", schedules},
    {"task deletion", deletes},
    {"task deletion by another chief", chief_deletes, 2},
    {"id_nearest", finds_nearest, 2},
    {"a task's new owner", gives_to_owner, 2},
    {"task_new", creates},
    {"a page fault's pager", page_faults, 2},
    {"the pager of a page fault in INT 3", page_faults_in_kernel, 2},
    {"the pager of a page fault for a message's dopes", page_faults_for_dopes, 2},
    {"the pager of a message's sender", page_faults_in_sending, 2},
    {"the pager of a message's receiver", page_faults_in_receiving, 2},
    {"the receiver of a stored transfer", transfers, 2},
    {"in whose name a message is sent", receives_propagated},
    {"lthread_ex_regs of a stored thread", exchanges_registers},
    {"lthread_ex_regs of a new thread", creates_thread},
};

} // namespace

std::span<const Call> all_calls() {
    return calls_table;
}

} // namespace tcb_fault_calls
