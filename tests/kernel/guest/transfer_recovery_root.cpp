// Transfers in the middle of which the machine is reset, in every state of ipc/transfer_pair.hpp's table: with a partner in
// the persistent world they go on where they were, with one outside they end as aborted. And TCBs that no transfer
// can have left.
//
// Senders are threads of task 16, receivers of task 18, persistent pagers of task 17, each with the number of its case. A
// case has a page of data: two strings and where they go. The second string's page is missing on one side; before the
// pager brings it, it changes the source of the first string, which must not be copied again.
#include "kernel-model/abi/message.hpp"
#include "kernel-model/arch/entry_layout.h"
#include "kernel-model/thread/tcb.hpp"
#include "tests/kernel/guest/snapshot_server.hpp"

using namespace kernel_test;
using kernel::IpcKind;
using kernel::Tcb;
using kernel::ThreadState;
using kernel::TransferRole;
using kernel::TransferStage;
using l4::IpcError;
using l4::ThreadRunState;

namespace {

constexpr unsigned sender_task = 16, pager_task = 17, receiver_task = 18, damaged_task = 40,
                   untouched_task = 99;
constexpr unsigned first_lthread = 1, hog_lthread = 20, pagerless_lthread = 30, first_root_lthread = 10,
                   deaf_lthread = 2;

// What waits for what at the snapshot.
enum Number : unsigned {
    copies,                // the sender has been preempted in the middle of its work
    sender_asks_outside,   // a pager that does not survive
    sender_asks_stacked,   // a persistent pager
    receiver_asks_outside, // the sender is locked
    receiver_asks_stacked,
    last_pair = receiver_asks_stacked,
    // The partner is a thread of the root task:
    copies_to_root,
    sends_to_root,      // and asks a persistent pager
    locked_by_root,     // the root's receiver asks a pager
    receives_from_root, // the root's sender asks a pager
    asks_for_root,      // the receiver asks a persistent pager
    number_count,
};
constexpr const char* names[number_count] = {"a sender that copies",
                                             "a sender that asks a pager outside the world",
                                             "a sender that asks a persistent pager",
                                             "a receiver that asks a pager outside the world",
                                             "a receiver that asks a persistent pager",
                                             "a sender that copies to a thread outside",
                                             "a sender to one outside, which asks a pager",
                                             "a sender that waits for a receiver outside",
                                             "a receiver that waits for a sender outside",
                                             "a receiver from one outside, which asks a pager"};

constexpr bool is_long(unsigned number) {
    return number == copies || number == copies_to_root;
}
constexpr bool has_sender(unsigned number) {
    return number != receives_from_root && number != asks_for_root;
}
constexpr bool has_receiver(unsigned number) {
    return number <= last_pair || !has_sender(number);
}
constexpr bool sender_faults(unsigned number) {
    return number == sender_asks_outside || number == sender_asks_stacked || number == sends_to_root ||
           number == receives_from_root;
}
constexpr bool receiver_faults(unsigned number) {
    return !is_long(number) && !sender_faults(number);
}
constexpr bool has_stacked_pager(unsigned number) {
    return number == sender_asks_stacked || number == receiver_asks_stacked || number == sends_to_root ||
           number == asks_for_root;
}
constexpr bool has_outside_pager(unsigned number) {
    return number == sender_asks_outside || number == receiver_asks_outside;
}

constexpr uint32_t word_mark = 0x5000;
constexpr unsigned word_count = 8;
using Message = l4::MemoryMessage<word_count, l4::message_strings_max>;

struct World {
    volatile bool release, sent[number_count], received[number_count];
    l4::MessageResult send_result[number_count], receive_result[number_count];
    bool words_came[number_count], dopes_came[number_count];
    volatile unsigned pager_answers[number_count];
    volatile uint32_t pagerless_call; // where it is
    volatile bool stopped_there;
};
World& world() {
    return *reinterpret_cast<World*>(world_base);
}

uint32_t stack_of(unsigned slot) {
    return world_base + (2 + slot) * stack_bytes - 16;
}
constexpr unsigned stacks = 40;
constexpr uint32_t data_base = world_base + (stacks + 2) * stack_bytes;
static_assert(data_base + number_count * l4::page_size <= world_base + world_bytes);

constexpr uint32_t first_source = 0, first_target = 1024, second_source = 2048, second_target = 3072;
constexpr uint32_t first_bytes = 901, second_bytes = 1003;
uint32_t data_of(unsigned number) {
    return data_base + number * l4::page_size;
}
// The same page, as its pager gives it.
uint32_t paged_data_of(unsigned number) {
    return 0x34000000 + number * l4::page_size;
}
uint8_t first_byte(unsigned number, uint32_t index) {
    return static_cast<uint8_t>(index * 7 + number);
}
uint8_t second_byte(unsigned number, uint32_t index) {
    return static_cast<uint8_t>(index * 13 + 5 * number);
}
// Not saved: the same at all times, or written again and again with the same.
constexpr uint32_t large_source = 0x02800000, large_target = 0x02C00000, large_bytes = 4u << 20;

// --- Both ends; the same code for those of the root task

constexpr l4::ThreadId sender_of(unsigned number) {
    return has_sender(number) ? l4::ThreadId::make(sender_task, first_lthread + number, 1, l4::root_task)
                              : l4::root_thread.with_lthread(first_root_lthread + number);
}
constexpr l4::ThreadId receiver_of(unsigned number) {
    return has_receiver(number) ? l4::ThreadId::make(receiver_task, first_lthread + number, 1, l4::root_task)
                                : l4::root_thread.with_lthread(first_root_lthread + number);
}

// From here on its page faults go there: all that it needs beside the message is present.
void change_own_pager(unsigned number) {
    const l4::ThreadId own = l4::my_id();
    l4::ThreadId pager = own.with_lthread(deaf_lthread);
    if (own.task() != l4::root_task)
        pager = has_stacked_pager(number) ? thread_in(pager_task, first_lthread + number)
                                          : l4::pager_thread.with_lthread(2);
    l4::exchange_registers(own.lthread(), {.pager = pager});
}

// 1 s for each page fault: more than any pager takes, but for the resets. The partner may not exist yet.
l4::MessageResult make_ipc(l4::ThreadId partner, uint32_t send, uint32_t receive, l4::Message& words) {
    for (;;) {
        l4::ThreadId id = partner;
        const l4::MessageResult result =
            l4::ipc(id, send, receive, l4::Timeouts::infinite().with_page_faults(5, 5), words);
        if (!has_error(result, IpcError::no_such_thread))
            return result;
        l4::sleep_us(1'000);
    }
}

void send_message(unsigned number) {
    Message message;
    message.send = l4::MessageDope::make(word_count, is_long(number) ? l4::message_strings_max : 2);
    for (unsigned word = 0; word < word_count; ++word)
        message.words[word] = word_mark + word;
    const uint32_t data = data_of(number);
    for (uint32_t index = 0; index < first_bytes; ++index)
        reinterpret_cast<uint8_t*>(data + first_source)[index] = first_byte(number, index);
    for (uint32_t index = 0; index < second_bytes; ++index)
        reinterpret_cast<uint8_t*>(data + second_source)[index] = second_byte(number, index);
    for (l4::StringDope& dope : message.strings)
        dope = {.send_size = large_bytes, .send_address = large_source};
    if (!is_long(number)) {
        const uint32_t second = sender_faults(number) ? paged_data_of(number) : data;
        message.strings[0] = {.send_size = first_bytes, .send_address = data + first_source};
        message.strings[1] = {.send_size = second_bytes, .send_address = second + second_source};
    }
    if (sender_faults(number))
        change_own_pager(number);
    l4::Message words{number, 2, 3};
    world().send_result[number] =
        make_ipc(receiver_of(number), l4::send_memory(message), l4::no_receive, words);
    world().sent[number] = true;
    rest();
}

void receive_message(unsigned number) {
    Message message;
    for (l4::StringDope& dope : message.strings)
        dope = {.receive_size = large_bytes, .receive_address = large_target};
    if (!is_long(number)) {
        const uint32_t second = receiver_faults(number) ? paged_data_of(number) : data_of(number);
        message.strings[0] = {.receive_size = 1000, .receive_address = data_of(number) + first_target};
        message.strings[1] = {.receive_size = second_bytes, .receive_address = second + second_target};
    }
    auto* const present = reinterpret_cast<volatile uint8_t*>(data_of(number) + first_target);
    *present = 0;
    if (receiver_faults(number))
        change_own_pager(number);
    l4::Message words;
    const l4::MessageResult result =
        make_ipc(sender_of(number), l4::no_send, l4::receive_memory(message), words);
    world().receive_result[number] = result;
    bool came = words.w0 == number && words.w1 == 2 && words.w2 == 3;
    for (unsigned word = l4::register_words; word < word_count; ++word)
        came = came && message.words[word] == word_mark + word;
    world().words_came[number] = came;
    const bool all_sizes = is_long(number) ? message.strings[30].send_size == large_bytes
                                           : message.strings[0].send_size == first_bytes &&
                                                 message.strings[1].send_size == second_bytes;
    world().dopes_came[number] = all_sizes && result.words() == word_count &&
                                 result.strings() == (is_long(number) ? l4::message_strings_max : 2);
    world().received[number] = true;
    rest();
}

void sender_main() {
    send_message(l4::my_id().lthread() - first_lthread);
}
void receiver_main() {
    receive_message(l4::my_id().lthread() - first_lthread);
}
void root_partner_main() {
    const unsigned number = l4::my_id().lthread() - first_root_lthread;
    has_sender(number) ? receive_message(number) : send_message(number);
}

// --- Pagers

void answer_faults(unsigned number, l4::ThreadId client, l4::Message fault) {
    auto* const source = reinterpret_cast<volatile uint8_t*>(data_of(number) + first_source);
    for (uint32_t index = 0; index < first_bytes; ++index)
        source[index] = 0xEE;
    world().pager_answers[number] = world().pager_answers[number] + 1;
    serve_pages(paged_data_of(number), data_of(number), client, fault);
}

void stacked_pager_main() {
    l4::ThreadId client;
    l4::Message fault;
    l4::wait(client, fault);
    l4::sleep_us(300'000); // of the world's time: the snapshots are taken meanwhile
    answer_faults(l4::my_id().lthread() - first_lthread, client, fault);
}

// --- The world

ThreadRunState state_of(l4::ThreadId id) {
    return l4::schedule_thread(id, 0xFFFFFFFFu).state();
}
constexpr unsigned copier_priority = 5, hog_priority = 20;

// Once both long transfers have begun nobody below it runs any more.
void hog_main() {
    for (const unsigned number : {copies, copies_to_root})
        while (state_of(sender_of(number)) != ThreadRunState::sending)
            l4::sleep_us(1'000);
    while (!world().release)
        asm volatile("pause");
    rest();
}

// A message that is not there, and a pager whose TCB is not there either: to find that there is no such pager takes a TCB
// fault, and still the thread stands before its call, once.
void pagerless_main() {
    world().pagerless_call = 0;
    l4::exchange_registers(pagerless_lthread, {.pager = thread_in(untouched_task, 0)});
    constexpr uint32_t absent_message = 0x35000000;
    asm volatile("movl $1f, %0\n\tmovl $-1, %%ebp\n1:\tint $0x30\n\tud2"
                 : "=m"(world().pagerless_call)
                 : "a"(absent_message), "S"(thread_in(sender_task, 0).raw), "c"(0)
                 : "memory");
    rest();
}

void start_in_own_task(unsigned lthread, void (*entry)(), unsigned slot) {
    l4::lthread_ex_regs(lthread, reinterpret_cast<uint32_t>(entry), stack_of(slot));
}
void receivers_main() {
    for (unsigned number = 0; number < number_count; ++number)
        if (has_receiver(number))
            start_in_own_task(first_lthread + number, receiver_main, 4 + number);
    rest();
}
void pagers_main() {
    for (unsigned number = 0; number < number_count; ++number)
        if (has_stacked_pager(number))
            start_in_own_task(first_lthread + number, stacked_pager_main, 4 + number_count + number);
    rest();
}
void senders_main() {
    l4::sleep_us(5'000); // receivers wait already
    for (unsigned number = 0; number < number_count; ++number)
        if (has_sender(number)) {
            start_in_own_task(first_lthread + number, sender_main, 4 + 2 * number_count + number);
            if (is_long(number))
                l4::thread_schedule(sender_of(number), l4::schedule_param(copier_priority, 10, 10));
        }
    start_in_own_task(pagerless_lthread, pagerless_main, 4 + 3 * number_count);
    while (state_of(thread_in(sender_task, pagerless_lthread)) != ThreadRunState::dead)
        l4::sleep_us(1'000);
    world().stopped_there = l4::exchange_registers(pagerless_lthread, {}).eip == world().pagerless_call;
    start_in_own_task(hog_lthread, hog_main, 3);
    l4::thread_schedule(l4::my_id().with_lthread(hog_lthread), l4::schedule_param(hog_priority));
    rest();
}

bool is_in_the_middle(unsigned number) {
    const ThreadRunState of_sender = state_of(sender_of(number)), of_receiver = state_of(receiver_of(number));
    if (sender_faults(number))
        return of_sender == ThreadRunState::sending_calls_pager && of_receiver == ThreadRunState::receiving;
    return of_sender == ThreadRunState::sending &&
           of_receiver ==
               (is_long(number) ? ThreadRunState::receiving : ThreadRunState::receiving_calls_pager);
}

void build() {
    for (uint32_t offset = 0; offset < large_bytes; offset += 4)
        *reinterpret_cast<volatile uint32_t*>(large_source + offset) = offset * 0x9E3779B9u;
    for (uint32_t page = 0; page < large_bytes; page += l4::page_size)
        *reinterpret_cast<volatile uint32_t*>(large_target + page) = 0;
    const auto start = [](unsigned task, void (*entry)(), unsigned slot) {
        l4::task_new(l4::ThreadId::make(task, 0, 0, 0), 200, reinterpret_cast<uint32_t>(entry),
                     stack_of(slot), l4::pager_thread);
    };
    start_thread(deaf_lthread, rest);
    start(pager_task, pagers_main, 0);
    start(receiver_task, receivers_main, 1);
    start(sender_task, senders_main, 2);
    for (unsigned number = last_pair + 1; number < number_count; ++number)
        start_thread(first_root_lthread + number, root_partner_main);
    for (unsigned number = 0; number < number_count; ++number)
        for (unsigned tries = 0; tries < 1'000 && !is_in_the_middle(number); ++tries)
            l4::sleep_us(1'000);
}

void check_the_middle() {
    for (unsigned number = 0; number < number_count; ++number)
        check(is_in_the_middle(number), names[number]);
    check(world().stopped_there, "a call whose message and pager are missing is repeated as a whole");
    for (unsigned number = 0; number < number_count; ++number)
        check(world().pager_answers[number] == 0, "no pager has answered yet");
}

bool is_over(unsigned number) {
    return (!has_sender(number) || world().sent[number]) &&
           (!has_receiver(number) || world().received[number]);
}

bool all_over() {
    for (unsigned number = 0; number < number_count; ++number)
        if (!is_over(number))
            return false;
    return true;
}

bool strings_came(unsigned number) {
    if (is_long(number))
        return __builtin_memcmp(reinterpret_cast<const void*>(large_target),
                                reinterpret_cast<const void*>(large_source), large_bytes) == 0;
    const auto* const first = reinterpret_cast<const uint8_t*>(data_of(number) + first_target);
    const auto* const second = reinterpret_cast<const uint8_t*>(data_of(number) + second_target);
    bool came = true;
    for (uint32_t index = 0; index < first_bytes; ++index)
        came = came && first[index] == first_byte(number, index);
    for (uint32_t index = 0; index < second_bytes; ++index)
        came = came && second[index] == second_byte(number, index);
    return came;
}

void check_case(unsigned number) {
    bool good = is_over(number);
    if (number <= last_pair) {
        good = good && world().send_result[number].raw == 0 && world().receive_result[number].ok() &&
               world().words_came[number] && world().dopes_came[number] && strings_came(number);
        good = good && (is_long(number) || world().pager_answers[number] == 1);
    } else if (has_sender(number)) {
        good = good && has_error(world().send_result[number], IpcError::send_aborted);
    } else {
        good = good && has_error(world().receive_result[number], IpcError::receive_aborted);
    }
    check(good, names[number]);
    if (good)
        return;
    for (const uint32_t value :
         {uint32_t{world().sent[number]}, uint32_t{world().received[number]}, world().send_result[number].raw,
          world().receive_result[number].raw, uint32_t{world().words_came[number]},
          uint32_t{world().dopes_came[number]}, uint32_t{strings_came(number)}}) {
        l4::print_hex(value);
        l4::print_char(' ');
    }
    l4::print_char('\n');
}

// --- TCBs that are refused

// Each makes of the TCB of a sender that copies one that the kernel cannot have written.
using Damage = void (*)(Tcb&);
void as_receiver(Tcb& tcb) {
    tcb.transfer.role = TransferRole::receiver;
    tcb.frame.vector = tcb.transfer.entry_vector;
    tcb.state = ThreadState::locked;
}
constexpr Damage damages[] = {
    [](Tcb& tcb) { tcb.transfer.role = TransferRole{3}; },
    [](Tcb& tcb) { tcb.transfer.role = TransferRole::none; },
    [](Tcb& tcb) { tcb.frame.vector = tcb.transfer.entry_vector; },
    [](Tcb& tcb) { tcb.transfer.entry_vector = 0; },
    [](Tcb& tcb) { tcb.transfer.entry_vector = 0x31; },
    [](Tcb& tcb) { tcb.transfer.entry_vector = VECTOR_IN_TRANSFER; },
    [](Tcb& tcb) { tcb.transfer.progress.stage = TransferStage{5}; },
    [](Tcb& tcb) { tcb.state = ThreadState::halted; },
    [](Tcb& tcb) { tcb.state = ThreadState::waiting; },
    [](Tcb& tcb) { tcb.state = ThreadState::polling; },
    [](Tcb& tcb) { tcb.state = ThreadState{6}; },
    [](Tcb& tcb) { tcb.kind = IpcKind::page_fault; },
    [](Tcb& tcb) { tcb.transfer.role = TransferRole::receiver; },
    [](Tcb& tcb) {
        as_receiver(tcb);
        tcb.state = ThreadState::running;
    },
    [](Tcb& tcb) {
        as_receiver(tcb);
        tcb.state = ThreadState::halted;
    },
    [](Tcb& tcb) {
        as_receiver(tcb);
        tcb.state = ThreadState::waiting;
    },
    [](Tcb& tcb) {
        as_receiver(tcb);
        tcb.state = ThreadState::waiting;
        tcb.kind = IpcKind::tcb_fault;
    },
    [](Tcb& tcb) {
        as_receiver(tcb);
        tcb.kind = IpcKind::page_fault;
    },
    [](Tcb& tcb) {
        as_receiver(tcb);
        tcb.transfer.role = TransferRole::none;
    },
};

} // namespace

// At the third start only: the transfers wait for it through two recoveries.
void kernel_test::outside_pager_main() {
    if (start_number() < 3)
        rest();
    constexpr unsigned special[] = {sender_asks_outside, receiver_asks_outside};
    for (;;) {
        l4::ThreadId client;
        l4::Message fault;
        l4::wait(client, fault);
        const uint32_t page = fault.w0 & ~(l4::page_size - 1);
        uint32_t from = page;
        for (const unsigned number : special)
            if (page == paged_data_of(number)) {
                from = data_of(number);
                *reinterpret_cast<volatile uint8_t*>(from + first_source) = 0xEE;
                world().pager_answers[number] = world().pager_answers[number] + 1;
            }
        *reinterpret_cast<volatile uint8_t*>(from) = *reinterpret_cast<volatile uint8_t*>(from);
        l4::Message mapping{page, l4::Fpage::make(from, l4::page_bits, l4::Fpage::write_bit).raw, 0};
        l4::ipc(client, l4::send_map, l4::no_receive, l4::Timeouts::zero(), mapping);
    }
}

bool kernel_test::try_after_recovery() {
    static uint8_t page[l4::page_size];
    bool refused = true;
    unsigned number = 0; // each has a page of its own
    for (const Damage damage : damages) {
        __builtin_memset(page, 0, sizeof page);
        Tcb& tcb = *reinterpret_cast<Tcb*>(page);
        __builtin_memcpy(&tcb, saved_tcb(sender_of(copies)), sizeof tcb);
        const unsigned index = number++ * kernel::tcbs_per_page;
        const auto id = l4::ThreadId::make(damaged_task + index / l4::threads_per_task,
                                           index % l4::threads_per_task, 1, l4::root_task);
        tcb.id = id.raw;
        damage(tcb);
        refused = refused && adopt_content(l4::tcb_address(id), page) == l4::RecoveryResult::damaged_tcb;
    }
    return refused;
}

extern "C" void test_main(uint32_t) {
    run_until_third_start(build, check_the_middle);
    world().release = true;
    for (unsigned tries = 0; tries < 100 && !all_over(); ++tries)
        l4::sleep_us(100'000);
    forget_snapshot();
    for (unsigned number = 0; number < number_count; ++number)
        check_case(number);
    check(recovery_failures == 0, "the recovery call's results");
    finish();
}
