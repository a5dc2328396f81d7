// I/O fpages: who has ports from the start, I/O page faults, mapping, granting and revoking ports, and what a task
// without the right cannot forge. Started with paged TCBs: tasks from 16 on have no ports of their own.
//
// A case runs in a task of that kind, driven step by step: it waits for the root thread's word and reports the result.
#include "kernel-model/abi/io_fpage.hpp"
#include "tests/kernel/guest/exception_handlers.hpp"

#include <initializer_list>

using namespace kernel_test;
using l4::IoFpage;
using l4::IpcError;

namespace {

constexpr unsigned fault_server = 1, io_pager = 2;
constexpr unsigned tcb_pager_task = 6, client_task = 20, heir_task = 21;
constexpr uint32_t tcb_frames = 0x01A00000, program_start = 0x00D00000, program_end = 0x00E00000;
constexpr uint16_t scratch = 0x3FF; // COM1's scratch register: keeps what is written
constexpr uint64_t patience_us = 30'000;

// --- Servers

void tcb_pager() {
    static uint32_t pages[64], used = 0;
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        const uint32_t page = message.w0 & ~0xFFFu;
        uint32_t number = 0;
        while (number < used && pages[number] != page)
            ++number;
        const uint32_t frame = tcb_frames + number * l4::page_size;
        if (number == used) {
            pages[used++] = page;
            __builtin_memset(reinterpret_cast<void*>(frame), 0, l4::page_size);
        }
        message = {0, l4::Fpage::make(frame, l4::page_bits, l4::Fpage::write_bit).raw, 0};
        l4::reply_and_wait(client, message, l4::send_map);
    }
}

// What the pager of the clients does about an I/O page fault.
enum class Answer { map_what_is_asked, map_all, nothing, silence };
volatile Answer answer = Answer::map_what_is_asked;
volatile uint32_t io_faults = 0, io_fault_w0 = 0, io_fault_eip = 0;

void serve_clients() {
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        uint32_t descriptor = l4::send_map;
        const uint32_t page = message.w0 & ~0xFFFu;
        if (IoFpage::is(message.w0)) {
            io_faults = io_faults + 1;
            io_fault_w0 = message.w0;
            io_fault_eip = message.w1;
            if (answer == Answer::silence) {
                l4::wait(client, message);
                continue;
            }
            if (answer == Answer::nothing) {
                answer = Answer::map_what_is_asked; // or the client would ask for ever
                descriptor = l4::send_registers;
            } else {
                const bool all = answer == Answer::map_all;
                message = {0, all ? IoFpage::all_ports().raw : message.w0, 0};
            }
        } else if (page >= program_start && page < program_end) {
            auto* word = reinterpret_cast<volatile uint32_t*>(page);
            *word = *word;
            message = {page, l4::Fpage::make(page, l4::page_bits, l4::Fpage::write_bit).raw, 0};
        } else {
            l4::wait(client, message);
            continue;
        }
        l4::reply_and_wait(client, message, descriptor);
    }
}

// --- A client: does what it is told

enum class Step : uint32_t { in8, in16, in32, out8, in8_imm, ins, receive_map, send_map, unmap, flags };

uint8_t in8(uint16_t port) {
    uint8_t value;
    asm volatile("movl $1f, fault_eip\n1:\tinb %1, %0" : "=a"(value) : "d"(port) : "memory");
    return value;
}

uint32_t perform(Step step, uint32_t argument, uint32_t second) {
    uint32_t value = 0;
    l4::Message message;
    l4::ThreadId partner;
    const auto port = static_cast<uint16_t>(argument);
    switch (step) {
    case Step::in8:
        return in8(port);
    case Step::in16:
        asm volatile("movl $1f, fault_eip\n1:\tinw %w1, %w0" : "=a"(value) : "d"(port) : "memory");
        return value & 0xFFFF;
    case Step::in32:
        asm volatile("movl $1f, fault_eip\n1:\tinl %w1, %0" : "=a"(value) : "d"(port) : "memory");
        return value;
    case Step::out8:
        asm volatile("movl $1f, fault_eip\n1:\toutb %b1, %w0" : : "d"(port), "a"(second) : "memory");
        return 0;
    case Step::in8_imm:
        asm volatile("movl $1f, fault_eip\n1:\tinb $0x61, %b0" : "+a"(value) : : "memory");
        return 0;
    case Step::ins: {
        uint8_t bytes[3] = {};
        uint32_t count = sizeof bytes;
        uint8_t* to = bytes;
        asm volatile("movl $1f, fault_eip\n1:\trep insb" : "+D"(to), "+c"(count) : "d"(port) : "memory");
        return uint32_t{bytes[0]} == uint32_t{bytes[1]} && bytes[1] == bytes[2] ? bytes[0] : 0x100u;
    }
    case Step::receive_map: // from anybody; `argument` is the receive descriptor
        return l4::ipc(partner, l4::no_send, argument, within_us(1'000'000), message).raw;
    case Step::send_map: // to the heir; `argument` is the send fpage
        partner = l4::ThreadId::make(heir_task, 0, 1, l4::root_task);
        message = {0, argument, 0};
        return l4::ipc(partner, l4::send_map, l4::no_receive, l4::Timeouts::make(1'000'000, 0), message).raw;
    case Step::unmap:
        l4::fpage_unmap({argument}, second);
        return 0;
    case Step::flags: { // all that POPF and IRET may change, and what they may not
        uint32_t after_popf, after_iret;
        const uint32_t forged = (eflags() & ~eflags_interrupts) | eflags_io_privilege;
        asm volatile("pushl %2\n\tpopfl\n\tpushfl\n\tpopl %0\n\t"
                     "pushl %2\n\tpushl $0x1b\n\tpushl $1f\n\tiretl\n1:\tpushfl\n\tpopl %1"
                     : "=&r"(after_popf), "=&r"(after_iret)
                     : "r"(forged)
                     : "memory", "cc");
        return (after_popf | after_iret) & eflags_io_privilege ? 1
               : (after_popf & after_iret & eflags_interrupts) ? 0
                                                               : 2;
    }
    }
    return 0;
}

void client_main() {
    l4::ThreadId from = l4::root_thread;
    l4::Message message;
    l4::receive(from, message);
    for (;;) {
        message.w0 = perform(static_cast<Step>(message.w0), message.w1, message.w2);
        l4::ipc(from, l4::send_registers, l4::receive_registers, l4::Timeouts::infinite(), message);
    }
}

l4::ThreadId client{}, heir{};

// Orders a step; result() waits for its end.
void order(l4::ThreadId whom, Step step, uint32_t argument, uint32_t second = 0) {
    io_faults = 0;
    l4::send(whom, {static_cast<uint32_t>(step), argument, second}, l4::Timeouts::make(1'000'000, 0));
}
bool ends(l4::ThreadId whom, uint32_t* result = nullptr) {
    l4::Message message;
    const bool ended = l4::receive(whom, message, within_us(patience_us)).ok();
    if (result != nullptr)
        *result = message.w0;
    return ended;
}
bool performs(l4::ThreadId whom, Step step, uint32_t argument, uint32_t second = 0,
              uint32_t* result = nullptr) {
    order(whom, step, argument, second);
    return ends(whom, result);
}
bool has_port(l4::ThreadId whom, uint16_t port) { // without a fault
    return performs(whom, Step::in8, port) && io_faults == 0;
}
bool faults_for(l4::ThreadId whom, Step step, uint16_t port, unsigned log2_count) {
    return performs(whom, step, port) && io_faults == 1 &&
           io_fault_w0 == IoFpage::make(port, log2_count).raw && io_fault_eip == fault_eip;
}

void start_clients() {
    client = start_task(client_task, client_main, own_thread(io_pager));
    heir = start_task(heir_task, client_main, own_thread(io_pager));
    check(client.task() == client_task && heir.task() == heir_task, "tasks without ports");
}

void revoke_all() {
    l4::fpage_unmap({IoFpage::all_ports().raw}, 0);
}

// --- Tests

void test_faults() {
    check(faults_for(client, Step::in8, scratch, 0), "IN of one byte: an I/O page fault for it");
    check(has_port(client, scratch), "then it has the port");
    check(faults_for(client, Step::in8, scratch - 1, 0), "but not the one below");
    check(faults_for(client, Step::in8, scratch + 1, 0), "nor the one above");
    check(faults_for(client, Step::in16, 0x80, 1), "IN of two bytes");
    check(faults_for(client, Step::in32, 0x84, 2), "IN of four bytes");
    check(faults_for(client, Step::in16, 0x87, 1), "one of two is not enough");
    check(faults_for(client, Step::in8_imm, 0x61, 0), "the port's number in the instruction");
    check(faults_for(client, Step::out8, 0x8F, 0), "OUT");

    uint32_t value = 0;
    check(performs(client, Step::out8, scratch, 0xA5) && in8(scratch) == 0xA5, "OUT arrives");
    check(performs(client, Step::in8, scratch, 0, &value) && value == 0xA5, "IN brings it back");
    revoke_all();
    check(performs(client, Step::ins, scratch, 0, &value) && value == 0xA5 && io_faults == 1, "INS");
    check(!has_port(client, scratch + 1), "what was revoked is gone");

    answer = Answer::nothing;
    check(performs(client, Step::in8, 0x62) && io_faults == 2, "a reply without ports: it faults again");
    answer = Answer::map_all;
    check(faults_for(client, Step::in8, 0xFFFF, 0), "the last port");
    answer = Answer::map_what_is_asked;
    for (const uint16_t port : std::initializer_list<uint16_t>{0x80, 0x3FF, 0x1FF0, 0xFFFF})
        check(has_port(client, port), "all ports at once");
    revoke_all();
}

void test_messages() {
    const uint32_t window = l4::receive_window(l4::Fpage::make(0, l4::page_bits), true);
    l4::ThreadId to = client;
    l4::Message item{0, IoFpage::make(0x80, 4).raw, 0};
    order(client, Step::receive_map, window);
    check(l4::ipc(to, l4::send_map, l4::no_receive, within_us(0), item).ok(), "ports are sent");
    uint32_t result = 0;
    check(ends(client, &result) && l4::MessageResult{result}.mapped(), "and mapped, whatever the window is");
    check(has_port(client, 0x80) && has_port(client, 0x8F), "sixteen of them");
    check(!has_port(client, 0x90), "and no more");

    order(client, Step::receive_map, l4::open_wait);
    item = {0, IoFpage::make(0xA0, 4).raw, 0};
    check(has_error(l4::ipc(to, l4::send_map, l4::no_receive, within_us(0), item), IpcError::send_cut),
          "a receiver without a window: cut");
    check(ends(client, &result) && has_error({result}, IpcError::receive_cut), "as it sees itself");

    order(client, Step::receive_map, window);
    item = {0, IoFpage::make(0, 17).raw, 0};
    check(l4::ipc(to, l4::send_map, l4::no_receive, within_us(0), item).ok() && ends(client),
          "an fpage of more ports than there are maps none");
    check(!has_port(client, 0x64), "indeed");
    revoke_all();
}

// The client hands on what it has.
void hand_on(uint32_t fpage) {
    order(heir, Step::receive_map, l4::receive_window(l4::Fpage::whole_space(), true));
    check(performs(client, Step::send_map, fpage) && ends(heir), "ports are handed on");
}

void test_derivation() {
    check(faults_for(client, Step::in8, 0x80, 0) && faults_for(client, Step::in8, 0x81, 0),
          "the client has two ports");
    hand_on(IoFpage::all_ports().raw);
    check(has_port(heir, 0x80) && has_port(heir, 0x81), "the heir has what the client had");
    check(performs(client, Step::unmap, IoFpage::make(0x81, 0).raw) && has_port(client, 0x81),
          "unmap leaves the own right");
    check(has_port(heir, 0x80), "and what was not named");
    check(!has_port(heir, 0x81), "but not the heir's");
    check(performs(client, Step::unmap, IoFpage::make(0x80, 0).raw, l4::unmap_own_too), "unmap its own too");
    check(!has_port(client, 0x80), "it is gone");
    revoke_all();

    check(faults_for(client, Step::in8, 0x80, 0), "the client has a port");
    hand_on(IoFpage::make(0x80, 4, l4::Fpage::grant_bit).raw);
    check(has_port(heir, 0x80), "it is granted");
    check(!has_port(client, 0x80), "and moves");
    hand_on(IoFpage::make(0x80, 4).raw);
    revoke_all();
    check(!has_port(heir, 0x80) && !has_port(client, 0x80), "the root task takes it from all");
    revoke_all();

    check(faults_for(client, Step::in8, 0x80, 0), "the client has a port again");
    hand_on(IoFpage::make(0x80, 0).raw);
    check(!l4::task_new(client, l4::root_task, 0, 0, l4::nil_thread).is_nil(), "the client is deleted");
    check(!has_port(heir, 0x80), "with its ports those that came from them");
    client = start_task(client_task, client_main, own_thread(io_pager));
    check(!has_port(client, 0x80), "its successor has none");
    revoke_all();
}

void test_no_answer() {
    answer = Answer::silence;
    check(!performs(client, Step::in8, 0x80) &&
              l4::schedule_thread(client, 0xFFFFFFFFu).state() == l4::ThreadRunState::running_calls_pager,
          "a client waits for its pager");
    answer = Answer::map_what_is_asked;
    client = start_task(client_task, client_main, own_thread(io_pager));
    check(has_port(client, 0x80) || io_faults == 1, "started anew");
}

volatile bool pagerless_starts = false;
void uses_port() {
    pagerless_starts = true;
    (void)in8(0x80);
}
void starts_pagerless() {
    start_thread(1, uses_port, l4::nil_thread);
    l4::sleep_us(l4::Timeouts::infinite_us);
}
void test_without_pager() {
    pagerless_starts = false;
    client = start_task(client_task, starts_pagerless, own_thread(io_pager));
    l4::sleep_us(patience_us);
    check(l4::schedule_thread(client.with_lthread(1), 0xFFFFFFFFu).state() == l4::ThreadRunState::dead,
          "without a pager it is stopped");
    client = start_task(client_task, client_main, own_thread(io_pager));
}

volatile uint32_t failures_seen = 0;
void expect(bool condition) {
    if (!condition)
        failures_seen = failures_seen + 1;
}
void has_handlers() {
    l4::load_gate_table(all_gates());
    io_faults = 0;
    (void)in8(0x80);
    expect(seen.count == 0 && io_faults == 1); // no exception, but a fault
    FAULT("cli", : : "memory");
    expect(saw(vector_protection, 0));
    FAULT("sti", : : "memory");
    expect(saw(vector_protection, 0));
    FAULT("inw %%dx, %%ax", : "d"(0xFFFF) : "eax", "memory");
    expect(saw(vector_protection, 0)); // half of it is no port
    FAULT("inl %%dx, %%eax", : "d"(0xFFFD) : "eax", "memory");
    expect(saw(vector_protection, 0));
    l4::Message message;
    message.w0 = failures_seen;
    l4::send(l4::root_thread, message);
    l4::sleep_us(l4::Timeouts::infinite_us);
}
void test_exceptions() {
    revoke_all();
    fill_gates();
    seen.count = 0;
    client = start_task(client_task, has_handlers, own_thread(io_pager));
    uint32_t failures = 1;
    check(ends(client, &failures) && failures == 0, "what is no I/O page fault is an exception");
    client = start_task(client_task, client_main, own_thread(io_pager));
}

void test_privileges() {
    uint32_t result = 1;
    check(performs(client, Step::flags, 0, 0, &result) && result == 0, "IF and IOPL cannot be forged");
    check((eflags() & eflags_io_privilege) == eflags_io_privilege, "the root task has all ports");
    l4::fpage_unmap({IoFpage::all_ports().raw}, l4::unmap_own_too | l4::unmap_fully);
    check(in8(scratch) == 0xA5, "for good");
}

void test_sigma0() {
    l4::ThreadId sigma0 = l4::sigma0_thread;
    l4::Message message{IoFpage::all_ports().raw, IoFpage::all_ports().raw, 0};
    const l4::MessageResult result = l4::ipc(
        sigma0, l4::send_registers, l4::receive_window(l4::Fpage::make(0xF0000000, 0), false), {}, message);
    check(result.ok() && message.w1 == IoFpage::all_ports().raw, "sigma0 gives the root task all ports");
}

} // namespace

extern "C" void test_main(uint32_t) {
    start_thread(fault_server, serve_faults);
    start_thread(io_pager, serve_clients);
    for (uint32_t page = tcb_frames; page < tcb_frames + 64 * l4::page_size; page += l4::page_size)
        *reinterpret_cast<volatile uint32_t*>(page) = 0;
    check(start_task(tcb_pager_task, tcb_pager, own_thread(fault_server)) ==
              l4::ThreadId::make(tcb_pager_task, 0, 1, l4::root_task),
          "the TCB pager");
    start_clients();
    test_faults();
    test_messages();
    test_derivation();
    test_no_answer();
    test_without_pager();
    test_exceptions();
    test_privileges();
    test_sigma0();
    finish();
}
