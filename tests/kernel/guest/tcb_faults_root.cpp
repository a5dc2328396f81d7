// TCB pages that are absent when the kernel needs them, and a TCB pager that does everything wrong (thread/tcb_array.hpp).
//
// Task 6 is the TCB pager, in the manner that the test chooses. "Stored" threads are made by writing their TCBs into a
// frame, as a recovery would have them: their page is absent until the kernel touches it. Each system call that
// touches another thread's TCB is tried with each manner: the call must come to the right result in the end, and the
// kernel must survive. All tasks share the program's memory 1:1.
#include "kernel-model/abi/message.hpp"
#include "kernel-model/arch/entry_layout.h"
#include "kernel-model/arch/selectors.h"
#include "kernel-model/thread/tcb.hpp"
#include "tests/kernel/guest/checks.hpp"

#include <initializer_list>

using namespace kernel_test;
extern "C" void orphan_goes_on();
extern "C" void orphan_is_told(uint32_t result);

using kernel::Tcb;
using kernel::ThreadState;
using l4::IpcError;

namespace {

constexpr unsigned fault_server = 1, actor = 2, driver = 3, victim = 4,
                   blocker = 5; // lthreads of the root task
constexpr unsigned stored_priority = 61, actor_priority = 60;
constexpr uint32_t tcb_frames = 0x01A00000, tcb_frames_log2 = 21, tcb_frames_max = 512;
constexpr uint32_t stacks = 0x01C00000, stack_bytes = 0x1000;
constexpr uint32_t nowhere = 0x70000000, outside_user_space = 0xF1000000, device_page = 0x000B8000;
constexpr uint32_t info_address = 0x10000000;
constexpr uint32_t keep = 0xFFFFFFFFu;

uint32_t stack_of(unsigned task, unsigned slot = 0) {
    return stacks + (2 * task + slot + 1) * stack_bytes - 16;
}
l4::ThreadId thread_in(unsigned task, unsigned lthread = 0) {
    return l4::ThreadId::make(task, lthread, 1, l4::root_task);
}
uint32_t code(void (*function)()) {
    return reinterpret_cast<uint32_t>(function);
}
[[noreturn]] void rest() {
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}

// --- The TCB pager

enum class Manner : uint32_t {
    serves,
    later,       // when it is told to
    read_only,   // refused by the kernel, from here on
    taken_frame, // one in which another TCB page lies
    device,      // no memory
    absent,      // a page that the pager does not have
    outside,     // of user space
    no_fpage,    // of less than a page
    refused_end, // ...to here
    grants = refused_end,
    larger_fpage,   // indexed by the send base
    unmaps_at_once, // the frame, after its reply
    count
};
constexpr const char* manner_names[] = {
    "at once",          "late",     "read-only", "a frame twice",     "device memory",   "an absent page",
    "kernel addresses", "no fpage", "granted",   "in a larger fpage", "unmapped at once"};
static_assert(sizeof manner_names / sizeof *manner_names == static_cast<unsigned>(Manner::count));

bool is_refused(Manner manner) {
    return manner >= Manner::read_only && manner < Manner::refused_end;
}

// What root asks of the TCB pager, by w0; page faults have other addresses.
enum Request : uint32_t {
    answer_now = 4,
    block = 8,
    send_to = 12,
    revoke_write = 16,
    unmap_all = 20,
    touch_frame = 24
};

volatile Manner manner = Manner::serves;
volatile unsigned misdeeds_left = 0, offers_refused = 0, tcb_faults = 0;
volatile unsigned faults_spared = 0; // that are answered as usual, before the first misdeed
volatile uint32_t frame_of_page[kernel::tcb_page_count]; // 0: never used
volatile uint32_t frames_used = 0;
volatile bool another_frame_each = false; // late answers name different frames

struct Waiting {
    l4::ThreadId client;
    uint32_t address;
};
constexpr unsigned waiting_max = 8;
Waiting waiting_clients[waiting_max];
volatile unsigned waiting_count = 0;

uint32_t page_of_tcbs(uint32_t address) {
    return (address - l4::tcb_array_base) / l4::page_size;
}

uint32_t new_frame() {
    const uint32_t frame = tcb_frames + frames_used * l4::page_size;
    frames_used = frames_used + 1;
    __builtin_memset(reinterpret_cast<void*>(frame), 0, l4::page_size);
    return frame;
}

// A pager can map only what is mapped to itself.
void touch_own_page(uint32_t page) {
    auto* word = reinterpret_cast<volatile uint32_t*>(page);
    *word = *word;
}

struct Answer {
    uint32_t descriptor;
    l4::Message item;
    uint32_t unmap_afterwards; // a frame, or 0
};
Answer map_item(uint32_t source, unsigned log2_size, uint32_t flags) {
    return {l4::send_map, {source, l4::Fpage::make(source, log2_size, flags).raw, 0}, 0};
}

Answer misbehave(uint32_t frame) {
    constexpr uint32_t write = l4::Fpage::write_bit, grant = l4::Fpage::grant_bit;
    switch (manner) {
    case Manner::read_only:
        return map_item(frame, l4::page_bits, 0);
    case Manner::taken_frame:
        return map_item(tcb_frames, l4::page_bits, write);
    case Manner::device:
        return map_item(device_page, l4::page_bits, write);
    case Manner::absent:
        return map_item(nowhere, l4::page_bits, write);
    case Manner::outside:
        return map_item(outside_user_space, l4::page_bits, write);
    case Manner::no_fpage:
        return map_item(frame, 0, write);
    case Manner::grants:
        return map_item(frame, l4::page_bits, write | grant);
    case Manner::larger_fpage: {
        Answer answer = map_item(tcb_frames, tcb_frames_log2, write);
        answer.item.w0 = frame;
        return answer;
    }
    case Manner::unmaps_at_once: {
        Answer answer = map_item(frame, l4::page_bits, write);
        answer.unmap_afterwards = frame;
        return answer;
    }
    case Manner::serves:
    case Manner::later:
    case Manner::count:
        break;
    }
    return map_item(frame, l4::page_bits, write);
}

Answer answer_tcb_fault(uint32_t address) {
    tcb_faults = tcb_faults + 1;
    volatile uint32_t& frame = frame_of_page[page_of_tcbs(address)];
    constexpr uint32_t write_flag = 2;
    if (frame == 0 && (address & write_flag) == 0)
        return {l4::send_registers, {}, 0};
    if (frame == 0)
        frame = new_frame();
    touch_own_page(frame);
    if (misdeeds_left > 0 && faults_spared > 0) {
        faults_spared = faults_spared - 1;
    } else if (misdeeds_left > 0) {
        misdeeds_left = misdeeds_left - 1;
        return misbehave(frame);
    }
    return map_item(frame, l4::page_bits, l4::Fpage::write_bit);
}

Answer answer_page_fault(uint32_t address) {
    const uint32_t page = address & ~(l4::page_size - 1);
    touch_own_page(page);
    return map_item(page, l4::page_bits, l4::Fpage::write_bit);
}

void unmap_frames(uint32_t mask) {
    l4::fpage_unmap(l4::Fpage::make(tcb_frames, tcb_frames_log2), mask);
}

void reply_late() {
    misdeeds_left = 0;
    for (unsigned index = 0; index < waiting_count; ++index) {
        Answer answer = answer_tcb_fault(waiting_clients[index].address);
        l4::ThreadId client = waiting_clients[index].client;
        l4::ipc(client, answer.descriptor, l4::no_receive, l4::Timeouts::zero(), answer.item);
        if (another_frame_each)
            frame_of_page[page_of_tcbs(waiting_clients[index].address)] = new_frame();
    }
    waiting_count = 0;
}

Answer answer_request(const l4::Message& message) {
    switch (message.w0) {
    case answer_now:
        reply_late();
        break;
    case block: { // until the driver says something
        l4::Message from_driver;
        l4::receive(l4::root_thread.with_lthread(driver), from_driver);
        break;
    }
    case send_to:
        return {l4::send_registers, {l4::send({message.w1}, {}, l4::Timeouts::zero()).raw, 0, 0}, 0};
    case revoke_write:
        unmap_frames(l4::unmap_own_too);
        break;
    case unmap_all:
        unmap_frames(l4::unmap_own_too | l4::unmap_fully);
        break;
    case touch_frame:
        touch_own_page(message.w1);
        break;
    default:
        break;
    }
    return {l4::send_registers, message, 0};
}

[[noreturn]] void pager_thread_main() {
    l4::ThreadId client;
    l4::Message message;
    l4::MessageResult result = l4::wait(client, message);
    for (;;) {
        if (result.is_tcb_fault() && manner == Manner::later && misdeeds_left > 0 && faults_spared == 0) {
            waiting_clients[waiting_count] = {client, message.w0};
            waiting_count = waiting_count + 1;
            result = l4::wait(client, message);
            continue;
        }
        Answer answer = result.is_tcb_fault()        ? answer_tcb_fault(message.w0)
                        : message.w0 < l4::page_size ? answer_request(message)
                                                     : answer_page_fault(message.w0);
        message = answer.item;
        if (answer.unmap_afterwards != 0) {
            l4::ipc(client, answer.descriptor, l4::no_receive, l4::Timeouts::zero(), message);
            l4::fpage_unmap(l4::Fpage::make(answer.unmap_afterwards, l4::page_bits),
                            l4::unmap_own_too | l4::unmap_fully);
            result = l4::wait(client, message);
            continue;
        }
        result = l4::ipc(client, answer.descriptor, l4::open_wait, l4::Timeouts::reply(), message);
        if (has_error(result, IpcError::send_map_failed))
            offers_refused = offers_refused + 1;
        if (!result.ok())
            result = l4::wait(client, message);
    }
}

// lthread 1 of the TCB pager's task: recovers the page that it is told.
[[noreturn]] void recovery_thread_main() {
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        message = {static_cast<uint32_t>(l4::recovery(l4::RecoveryOperation::adopt, message.w0)), 0, 0};
        l4::reply_and_wait(client, message);
    }
}

void pager_task_main() {
    for (uint32_t frame = 0; frame < tcb_frames_max; ++frame)
        *reinterpret_cast<volatile uint32_t*>(tcb_frames + frame * l4::page_size) = 0;
    *reinterpret_cast<volatile uint16_t*>(device_page) = 0x0720;
    l4::lthread_ex_regs(1, code(recovery_thread_main), stack_of(l4::checkpoint_task, 1));
    pager_thread_main();
}

void start_pager_task() {
    l4::task_new(l4::pager_thread, 255, code(pager_task_main), stack_of(l4::checkpoint_task),
                 own_thread(fault_server));
    for (const unsigned lthread : {0u, 1u}) {
        const l4::ThreadId id = l4::pager_thread.with_lthread(lthread);
        while (l4::thread_schedule(id, keep) == keep)
            l4::sleep_us(1'000);
        l4::thread_schedule(id, l4::schedule_param(l4::priority_max));
    }
}

uint32_t ask_pager(Request request, uint32_t argument = 0) {
    l4::Message message{request, argument, 0};
    l4::call(l4::pager_thread, message);
    return message.w0;
}

uint32_t adopt(l4::ThreadId id) {
    l4::Message message{l4::tcb_address(id) & ~(l4::page_size - 1), 0, 0};
    l4::call(l4::pager_thread.with_lthread(1), message);
    return message.w0;
}

uint64_t clock_us() {
    return reinterpret_cast<const volatile l4::KernelInfo*>(info_address)->clock_us;
}
void map_kernel_info() {
    l4::Message message{1, 1, 0};
    l4::ThreadId sigma0 = l4::sigma0_thread;
    l4::ipc(sigma0, l4::send_registers,
            l4::receive_window(l4::Fpage::make(info_address, l4::page_bits), false), l4::Timeouts::infinite(),
            message);
}

// --- Stored threads

Tcb& store(l4::ThreadId id, void (*entry)(), unsigned chief = l4::root_task) {
    volatile uint32_t& frame = frame_of_page[page_of_tcbs(l4::tcb_address(id))];
    if (frame == 0)
        frame = new_frame();
    Tcb& tcb = reinterpret_cast<Tcb*>(frame)[id.lthread() % kernel::tcbs_per_page];
    tcb.id = id.raw;
    tcb.magic = kernel::tcb_magic;
    tcb.state = ThreadState::running;
    tcb.priority = stored_priority;
    tcb.pager = l4::pager_thread.raw;
    tcb.wakeup_us = kernel::no_wakeup;
    tcb.frame.cs = SELECTOR_USER_CODE;
    tcb.frame.ss = SELECTOR_USER_DATA;
    tcb.frame.eflags = 0x202;
    tcb.frame.eip = code(entry);
    tcb.frame.esp = stack_of(id.task(), id.lthread() != 0);
    if (id.lthread() == 0)
        tcb.task = {.recorded = 1,
                    .active = 1,
                    .chief = static_cast<uint8_t>(chief),
                    .mcp = 100,
                    .version = static_cast<uint16_t>(id.version()),
                    .chief_in_id = static_cast<uint8_t>(id.chief()),
                    .reserved = 0};
    return tcb;
}

void echo() {
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        message = {message.w0 + 1, message.w1 + 2, message.w2 + 3};
        l4::reply_and_wait(client, message);
    }
}
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
void announces() {
    l4::send(l4::root_thread.with_lthread(actor), {0x1234, 0, 0});
    rest();
}

// --- The calls that touch a TCB for the first time. Each has tasks of its own, from `first_task` on: TCB pages that are
// present stay so.

volatile unsigned first_task = l4::first_persistent_task;

void misbehave_from_now_on() {
    misdeeds_left = is_refused(manner) ? 3 : 1;
}

using Ipc = l4::MessageResult(l4::ThreadId&, uint32_t, uint32_t, l4::Timeouts, l4::Message&);
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

bool calls() {
    store(thread_in(first_task), echo);
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
    store(thread_in(first_task), echo);
    misbehave_from_now_on();
    l4::thread_switch(thread_in(first_task));
    return echoes(l4::ipc_int30, thread_in(first_task), l4::Timeouts::infinite(), 1);
}
bool schedules() {
    store(thread_in(first_task), echo);
    misbehave_from_now_on();
    const l4::ScheduleResult result = l4::schedule_thread(thread_in(first_task), keep);
    return !result.refused() && result.priority() == stored_priority;
}
bool deletes() {
    store(thread_in(first_task), echo);
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
    return l4::task_new(thread_in(first_task), 100, code(echo), stack_of(first_task), l4::pager_thread) ==
               thread_in(first_task) &&
           echoes(l4::ipc_int30, thread_in(first_task), l4::Timeouts::infinite(), 1);
}

volatile bool told = false;
void tells() {
    told = true;
    rest();
}
bool becomes_true(const volatile bool& flag) {
    for (unsigned tries = 0; tries < 5'000 && !flag; ++tries)
        l4::sleep_us(1'000);
    return flag;
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
    store(l4::ThreadId::make(first_task + 1, 0, 1, first_task), echo, first_task);
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

struct Call {
    const char* name;
    bool (*function)();
    unsigned tasks = 1;
};
constexpr Call all_calls[] = {
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

volatile bool actor_busy = false, actor_succeeded = false;
void actor_main() {
    l4::ThreadId root;
    l4::Message message;
    for (;;) {
        l4::wait(root, message);
        actor_succeeded = reinterpret_cast<bool (*)()>(message.w0)();
        actor_busy = false;
    }
}
void order_actor(bool (*function)()) {
    actor_busy = true;
    actor_succeeded = false;
    l4::send(own_thread(actor), {reinterpret_cast<uint32_t>(function), 0, 0});
}
bool actor_finishes() {
    for (unsigned tries = 0; tries < 10'000 && actor_busy; ++tries)
        l4::sleep_us(1'000);
    return !actor_busy && actor_succeeded;
}

void check_call(const Call& call, bool condition, const char* what) {
    check(condition, what);
    if (condition)
        return;
    l4::print_string("  in: ");
    l4::print_string(call.name);
    l4::print_string(", TCB page: ");
    l4::print_string(manner_names[static_cast<unsigned>(static_cast<Manner>(manner))]);
    l4::print_char('\n');
}

void use_up_tasks(unsigned count) {
    for (unsigned task = first_task; task < first_task + count; ++task)
        l4::task_new(thread_in(task), 0, 0, 0, l4::nil_thread);
    first_task = first_task + count;
}

void test_call(const Call& call, Manner chosen) {
    manner = chosen;
    misdeeds_left = 0;
    offers_refused = 0;
    const unsigned faults_before = tcb_faults;
    order_actor(call.function);
    if (chosen == Manner::later) {
        l4::sleep_us(5'000);
        check_call(call, actor_busy && waiting_count > 0, "the TCB page is waited for");
        ask_pager(answer_now);
    }
    check_call(call, actor_finishes(), "the right result after a TCB fault");
    check_call(call, tcb_faults > faults_before, "a TCB fault");
    check_call(call, offers_refused == (is_refused(chosen) ? 3 : 0), "offers that the kernel must refuse");
    misdeeds_left = 0;
    use_up_tasks(call.tasks);
}

// What the kernel refuses does not depend on the call, and there are not enough tasks for everything.
void test_calls() {
    for (const Manner each :
         {Manner::serves, Manner::later, Manner::read_only, Manner::grants, Manner::unmaps_at_once})
        for (const Call& call : all_calls)
            test_call(call, each);
    for (const Manner each : {Manner::taken_frame, Manner::device, Manner::absent, Manner::outside,
                              Manner::no_fpage, Manner::larger_fpage})
        test_call(all_calls[0], each);
    manner = Manner::serves;
}

// --- A TCB fault without a TCB pager

void sends_to_persistent_thread() {
    constexpr unsigned never_used = 253;
    l4::send(thread_in(never_used), {});
    told = true;
    rest();
}
void test_no_pager(const char* what) {
    told = false;
    start_thread(victim, sends_to_persistent_thread);
    l4::sleep_us(3'000);
    check(!told && l4::schedule_thread(own_thread(victim), keep).state() == l4::ThreadRunState::dead, what);
}

// --- Pages that were said never to be used

bool finds_nobody() {
    l4::Message message;
    l4::ThreadId id = thread_in(first_task);
    return has_error(l4::call(id, message), IpcError::no_such_thread);
}
bool echoes_once() {
    return echoes(l4::ipc_int30, thread_in(first_task), l4::Timeouts::infinite(), 1);
}
void test_never_used() {
    order_actor(finds_nobody);
    check(actor_finishes(), "a page that was never used has no threads");
    store(thread_in(first_task), echo);
    order_actor(finds_nobody);
    check(actor_finishes(), "which is not asked again");
    check(adopt(thread_in(first_task)) == static_cast<uint32_t>(l4::RecoveryResult::ok), "but by a recovery");
    order_actor(echoes_once);
    check(actor_finishes(), "after which the thread is there");
    use_up_tasks(1);
}

// I6: the TCB pager does not ask itself. Nor must its question make others believe that there is nobody.
void test_own_touch() {
    store(thread_in(first_task), echo);
    const uint32_t result = ask_pager(send_to, thread_in(first_task).raw);
    check(has_error({result}, IpcError::no_such_thread), "the TCB pager finds an absent TCB unused");
    order_actor(echoes_once);
    check(actor_finishes(), "others find the thread");
    use_up_tasks(1);
}

// --- Rights that the TCB pager or those above it take back

volatile uint32_t faulted_pages = 0;
volatile bool faulter_goes_on = false;
constexpr uint32_t faulter_pages = 0x01800000;
void faults_again_and_again() {
    for (;;) {
        faulter_goes_on = false;
        becomes_true(faulter_goes_on);
        auto* word = reinterpret_cast<volatile uint32_t*>(faulter_pages + faulted_pages * l4::page_size);
        *word = 1;
        faulted_pages = faulted_pages + 1;
    }
}
void echo_with_x87() {
    l4::ThreadId client;
    l4::Message message;
    asm volatile("fldpi");
    l4::wait(client, message);
    for (;;) {
        uint64_t pi;
        asm volatile("fstl %0" : "=m"(pi));
        const bool right = pi == 0x400921FB54442D18;
        message = {message.w0 + right, message.w1 + 2, message.w2 + 3};
        l4::reply_and_wait(client, message);
    }
}
bool all_threads_live() {
    const uint32_t faults_before = faulted_pages;
    for (unsigned round = 0; round < 3; ++round) {
        asm volatile("fldz\n\tfstp %%st" : : : "memory"); // the kernel saves the others' x87 registers
        for (unsigned task = 0; task < 3; ++task)
            if (!echoes(task == 1 ? l4::ipc_sysenter : l4::ipc_int30, thread_in(first_task + task),
                        l4::Timeouts::infinite(), 1))
                return false;
    }
    l4::sleep_us(15'000); // longer than a time slice
    faulter_goes_on = true;
    for (unsigned tries = 0; tries < 100 && faulted_pages == faults_before; ++tries)
        l4::sleep_us(1'000);
    return faulted_pages == faults_before + 1;
}
void check_threads_live(const char* what) {
    order_actor(all_threads_live);
    check(actor_finishes(), what);
}
uint32_t tcb_frames_status() {
    return l4::fpage_unmap(l4::Fpage::make(tcb_frames, tcb_frames_log2),
                           l4::unmap_take_status | l4::unmap_nothing);
}
void test_lost_rights() {
    constexpr unsigned tasks = 4;
    void (*const entries[tasks])() = {echo, echo_by_sysenter, echo_with_x87, faults_again_and_again};
    for (unsigned task = 0; task < tasks; ++task) {
        store(thread_in(first_task + task), entries[task]);
        check(adopt(thread_in(first_task + task)) == 0, "a stored thread is recovered");
    }
    l4::sleep_us(5'000);
    check_threads_live("threads whose TCBs are mapped");
    ask_pager(revoke_write);
    check_threads_live("TCBs that the TCB pager has write-protected, with page faults to it (trap 7)");
    ask_pager(unmap_all);
    (void)tcb_frames_status();
    check_threads_live("TCBs that the TCB pager has unmapped");
    check((tcb_frames_status() & l4::page_written) != 0, "those above still learn that TCBs are written");
    (void)l4::fpage_unmap(l4::Fpage::make(tcb_frames, tcb_frames_log2), l4::unmap_own_too | l4::unmap_fully);
    check_threads_live("TCBs that those have unmapped who gave the frames to the TCB pager");
}

// --- The owner of the x87 registers is gone, with an exception pending that FRSTOR would report

volatile bool x87_was_right = false, x87_may_go_on = false;
void keeps_pi() {
    uint64_t pi;
    asm volatile("fldpi");
    becomes_true(x87_may_go_on);
    asm volatile("fstpl %0" : "=m"(pi));
    x87_was_right = pi == 0x400921FB54442D18;
    tells();
}
void leaves_exception_pending() {
    constexpr uint16_t all_unmasked = 0x0340;
    asm volatile("fldcw %0\n\tfldz\n\tfld1\n\tfdivp %%st, %%st(1)" : : "m"(all_unmasked));
    tells();
}
void test_lost_x87_owner() {
    start_thread(victim, keeps_pi);
    l4::sleep_us(2'000);
    told = false;
    l4::task_new(thread_in(first_task), 100, code(leaves_exception_pending), stack_of(first_task),
                 l4::pager_thread);
    becomes_true(told);
    use_up_tasks(1);
    told = false;
    x87_may_go_on = true;
    check(becomes_true(told) && x87_was_right, "x87 registers after their last owner's deletion");
}

// --- A grant takes the page from the TCB pager

void test_grant() {
    manner = Manner::grants;
    misdeeds_left = 1;
    store(thread_in(first_task), echo);
    order_actor(echoes_once);
    check(actor_finishes(), "a granted TCB page");
    manner = Manner::serves;
    const uint32_t frame = frame_of_page[page_of_tcbs(l4::tcb_address(thread_in(first_task)))];
    const unsigned faults_before = faults_served();
    ask_pager(touch_frame, frame);
    check(faults_served() == faults_before + 1, "has left the TCB pager's space");
    use_up_tasks(1);
}

// --- Two answers for one page

volatile bool victim_succeeded = false;
void victim_calls() {
    victim_succeeded = echoes_once();
    rest();
}
void test_two_answers() {
    manner = Manner::later;
    misdeeds_left = 2;
    store(thread_in(first_task), echo);
    victim_succeeded = false;
    order_actor(echoes_once);
    start_thread(victim, victim_calls);
    l4::sleep_us(5'000);
    check(waiting_count == 2, "two threads wait for one TCB page");
    another_frame_each = true;
    ask_pager(answer_now);
    another_frame_each = false;
    manner = Manner::serves;
    check(actor_finishes() && becomes_true(victim_succeeded),
          "the first answer is good, the second is nothing");
    use_up_tasks(1);
}

// --- I6: nothing but those who need the TCB pager waits for it

volatile uint32_t orphan_result = 0;
asm("orphan_goes_on: pushl %eax\n\tcall orphan_is_told");

// A thread that polls on another since before the crash.
Tcb& store_orphan(unsigned task, l4::ThreadId partner, uint64_t wakeup_us) {
    Tcb& tcb = store(thread_in(task), orphan_goes_on);
    tcb.state = ThreadState::polling;
    tcb.partner = partner.raw;
    tcb.wakeup_us = wakeup_us;
    tcb.send_order = 1;
    tcb.frame.vector = 0x30;
    tcb.frame.eax = l4::send_registers;
    tcb.frame.ebp = l4::no_receive;
    tcb.frame.esi = partner.raw;
    return tcb;
}

volatile unsigned interrupts = 0;
volatile bool pager_may_go_on = false;

// The RTC's periodic interrupt, line 8, at 64 Hz. Then the TCB pager gets what it is blocked for.
void driver_main() {
    const auto out8 = [](uint16_t port, uint8_t value) {
        asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
    };
    const auto read_register = [&](uint8_t number) {
        out8(0x70, number);
        uint8_t value;
        asm volatile("inb %1, %0" : "=a"(value) : "Nd"(static_cast<uint16_t>(0x71)));
        return value;
    };
    const auto write_register = [&](uint8_t number, uint8_t value) {
        out8(0x70, number);
        out8(0x71, value);
    };
    const l4::ThreadId line = l4::ThreadId::interrupt(8);
    l4::Message message;
    l4::receive(line, message, l4::Timeouts::zero());
    write_register(0x0A, 0x2A);
    write_register(0x0B, static_cast<uint8_t>(read_register(0x0B) | 0x40));
    while (!pager_may_go_on) {
        read_register(0x0C);
        if (l4::receive(line, message).ok())
            interrupts = interrupts + 1;
    }
    write_register(0x0B, static_cast<uint8_t>(read_register(0x0B) & ~0x40));
    l4::send(l4::pager_thread, {});
    rest();
}

volatile bool waiter_timed_out = false;
void waits_a_while() {
    l4::Message message;
    waiter_timed_out =
        has_error(l4::receive(l4::root_thread, message, within_us(20'000)), IpcError::receive_timeout);
    rest();
}
volatile bool sender_timed_out = false;
void sends_a_while() {
    sender_timed_out =
        has_error(l4::send(own_thread(driver), {}, l4::Timeouts::make(20'000, 0)), IpcError::send_timeout);
    rest();
}
void blocks_pager() {
    ask_pager(block);
    rest();
}

void test_busy_pager() {
    const unsigned orphan = first_task + 4, waiter = first_task + 5, absent = first_task + 6;
    const l4::ThreadId page_server =
        own_thread(fault_server); // the TCB pager will not answer page faults either
    store(thread_in(waiter), waits_a_while).pager = page_server.raw;
    store_orphan(orphan, thread_in(absent), clock_us() + 20'000).pager = page_server.raw;
    check(adopt(thread_in(orphan)) == 0 && adopt(thread_in(waiter)) == 0,
          "threads with timeouts are recovered");
    start_thread(driver, driver_main);
    start_thread(blocker, blocks_pager);
    start_thread(victim, sends_a_while);
    l4::sleep_us(3'000);
    const uint64_t begin_us = clock_us();

    const unsigned first_of_all = first_task;
    first_task = absent;
    store(thread_in(absent), echo);
    order_actor(echoes_once); // waits for the TCB pager, which waits for the driver
    l4::sleep_us(100'000);
    check(actor_busy, "who touches an absent TCB waits for the TCB pager");
    check(clock_us() >= begin_us + 100'000, "the clock goes on");
    check(waiter_timed_out, "so do persistent threads, and their timeouts");
    check(has_error({orphan_result}, IpcError::send_timeout),
          "also that of a thread that polls on one whose TCB is absent");
    check(sender_timed_out, "and those of others");
    check(interrupts > 2, "interrupts reach their driver");
    check(echoes(l4::ipc_int30, thread_in(first_of_all), l4::Timeouts::infinite(), 3),
          "threads whose TCBs are there talk");
    pager_may_go_on = true;
    check(actor_finishes(), "the TCB pager gets its message from the driver, and goes on");
    first_task = first_of_all;
}

// --- The TCB pager dies

constexpr unsigned survivor_1 = 250, survivor_2 = 251, never_created = 252;
bool creates_task_in_vain() {
    l4::task_new(thread_in(never_created), 100, code(echo), stack_of(never_created),
                 own_thread(fault_server));
    return true;
}
bool survivors_talk() {
    return echoes(l4::ipc_int30, thread_in(survivor_1), l4::Timeouts::infinite(), 3) &&
           echoes(l4::ipc_sysenter, thread_in(survivor_2), l4::Timeouts::infinite(), 3);
}
void test_dead_pager() {
    use_up_tasks(7); // they live on the TCB pager's memory
    l4::task_new(thread_in(survivor_1), 100, code(echo), stack_of(survivor_1), own_thread(fault_server));
    l4::task_new(thread_in(survivor_2), 100, code(echo_by_sysenter), stack_of(survivor_2),
                 own_thread(fault_server));
    check(survivors_talk(), "persistent threads with another pager");
    manner = Manner::later;
    misdeeds_left = 1;
    order_actor(creates_task_in_vain);
    l4::sleep_us(3'000);
    check(waiting_count == 1, "a TCB fault is not answered");
    check(!l4::task_new(l4::pager_thread, 0, 0, 0, l4::nil_thread).is_nil(),
          "the TCB pager's task is deleted");
    check(survivors_talk(), "threads whose TCBs are there go on");
    test_no_pager("a TCB fault after the TCB pager's death");
    check(actor_busy, "who has asked it waits");
}

} // namespace

extern "C" [[gnu::used]] void orphan_is_told(uint32_t result) {
    orphan_result = result;
    rest();
}

extern "C" void test_main(uint32_t) {
    start_thread(fault_server, serve_faults);
    map_kernel_info();
    test_no_pager("a TCB fault before there is a TCB pager");
    start_pager_task();
    start_thread(actor, actor_main);
    test_calls();
    test_never_used();
    test_own_touch();
    test_lost_x87_owner();
    test_two_answers();
    test_grant();
    test_lost_rights();
    test_busy_pager();
    test_dead_pager();
    finish();
}
