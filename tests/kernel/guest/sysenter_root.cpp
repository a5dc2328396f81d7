// SYSENTER: every pairing of the two entries, returns with and without a MOV before the return address, a stack that
// has to be paged in, and callers that try to bring the kernel down. (All checks of ipc_root.cpp are also run with
// SYSENTER as the entry.)
#include "tests/kernel/guest/checks.hpp"

#include <initializer_list>

using namespace kernel_test;
using l4::IpcError;

namespace {

constexpr unsigned pager = 1, by_int30 = 2, by_sysenter = 3, hostile_task = 30, echo_task = 31;
constexpr uint32_t eflags_trap = 1u << 8, eflags_direction = 1u << 10, eflags_nested = 1u << 14;

using Ipc = l4::MessageResult(l4::ThreadId&, uint32_t, uint32_t, l4::Timeouts, l4::Message&);

uint32_t eflags() {
    uint32_t value;
    asm volatile("pushfl\n\tpopl %0" : "=r"(value));
    return value;
}

volatile uint32_t bad_flags = 0; // direction or nested task, seen by an honest server

void echo(Ipc& ipc) {
    l4::ThreadId client;
    l4::Message message;
    ipc(client, l4::no_send, l4::open_wait, l4::Timeouts::infinite(), message);
    for (;;) {
        if (eflags() & eflags_direction)
            bad_flags = bad_flags + 1;
        message = {message.w0 + 1, message.w1 + 2, message.w2 + 3};
        ipc(client, l4::send_registers, l4::open_wait, l4::Timeouts::make(0, l4::Timeouts::infinite_us),
            message);
    }
}
void echo_int30() {
    echo(l4::ipc_int30);
}
void echo_sysenter() {
    echo(l4::ipc_sysenter);
}

bool talks(Ipc& ipc, l4::ThreadId server) {
    for (uint32_t round = 0; round < 200; ++round) {
        l4::ThreadId partner = server;
        l4::Message message{round, 2 * round, 3 * round};
        const l4::MessageResult result =
            ipc(partner, l4::send_registers, l4::receive_registers, l4::Timeouts::infinite(), message);
        if (!result.ok() || partner != server || message.w0 != round + 1 || message.w1 != 2 * round + 2 ||
            message.w2 != 3 * round + 3)
            return false;
    }
    return true;
}

void test_pairings() {
    start_thread(by_int30, echo_int30);
    start_thread(by_sysenter, echo_sysenter);
    const l4::ThreadId task_int30 = start_task(echo_task, echo_int30, own_thread(pager));
    const l4::ThreadId task_sysenter = start_task(echo_task + 1, echo_sysenter, own_thread(pager));
    check(talks(l4::ipc_int30, own_thread(by_int30)), "INT 0x30 to INT 0x30, one task");
    check(talks(l4::ipc_int30, own_thread(by_sysenter)), "INT 0x30 to SYSENTER, one task");
    check(talks(l4::ipc_sysenter, own_thread(by_int30)), "SYSENTER to INT 0x30, one task");
    check(talks(l4::ipc_sysenter, own_thread(by_sysenter)), "SYSENTER to SYSENTER, one task");
    check(talks(l4::ipc_int30, task_int30), "INT 0x30 to INT 0x30, two tasks");
    check(talks(l4::ipc_int30, task_sysenter), "INT 0x30 to SYSENTER, two tasks");
    check(talks(l4::ipc_sysenter, task_int30), "SYSENTER to INT 0x30, two tasks");
    check(talks(l4::ipc_sysenter, task_sysenter), "SYSENTER to SYSENTER, two tasks");
    check((eflags() & 0x3000) == 0x3000, "this task has kept its right to use ports");
}

// A call without MOV before the return address: w0 from EBP.
uint32_t call_without_mov(l4::ThreadId server, uint32_t word, uint32_t& error) {
    uint32_t result = l4::send_registers, answer = word, edi, ebx, timeouts = 0;
    asm volatile("pushl %%ebp\n\txorl %%ebp, %%ebp\n\t"
                 "pushl %%ecx\n\tpushl %%ebp\n\tpushl $0x1b\n\tpushl $1f\n\tmovl %%esp, %%ecx\n\tsysenter\n\t"
                 "nop\n\tnop\n1:\tmovl %%ebp, %%edx\n\tpopl %%ebp"
                 : "+a"(result), "+d"(answer), "=D"(edi), "=b"(ebx), "+c"(timeouts), "+S"(server.raw)
                 :
                 : "memory", "cc");
    error = result;
    return answer;
}

void test_return_addresses() {
    for (unsigned lthread : {by_int30, by_sysenter}) {
        uint32_t error = 0;
        check(call_without_mov(own_thread(lthread), 41, error) == 42 && error == 0,
              "without a MOV before the return address w0 is in EBP");
    }
}

alignas(4096) uint32_t paged_stack[1024];
volatile uint32_t paged_answer = 0;

// The four words are in a page that is unmapped before the SYSENTER.
void calls_from_absent_stack() {
    uint32_t* words = paged_stack + 512;
    asm volatile("movl $1f, %0" : "=m"(words[0]));
    words[1] = 0x1B;
    words[2] = words[3] = 0;
    l4::fpage_unmap(l4::Fpage::make(reinterpret_cast<uint32_t>(paged_stack), l4::page_bits),
                    l4::unmap_own_too | 2);
    uint32_t result = 0, answer = 70;
    asm volatile("pushl %%ebp\n\tmovl %%esp, saved_esp\n\txorl %%ebp, %%ebp\n\tsysenter\n\t"
                 ".byte 0x89, 0xEA\n1:\tmovl saved_esp, %%esp\n\tpopl %%ebp\n\t"
                 ".pushsection .bss\nsaved_esp: .skip 4\n\t.popsection"
                 : "+a"(result), "+d"(answer)
                 : "c"(words), "S"(l4::root_thread.with_lthread(by_sysenter).raw)
                 : "ebx", "edi", "memory", "cc");
    paged_answer = result == 0 ? answer : 1;
    l4::sleep_us(l4::Timeouts::infinite_us);
}

void test_absent_stack() {
    const l4::ThreadId id = start_task(hostile_task, calls_from_absent_stack, own_thread(pager));
    l4::sleep_us(20'000);
    check(paged_answer == 71, "a stack that is paged in during the call");
    l4::task_new(id, l4::root_task, 0, 0, l4::nil_thread);
}

// What a hostile thread does with its registers before its SYSENTER.
struct Attack {
    uint32_t ecx, flags, segment;
    bool jumps; // to the address at which the kernel has calls repeated
};
Attack attack;
alignas(16) uint32_t attack_words[8];

void attacker() {
    asm volatile("movw %w[segment], %%ds\n\tmovw %w[segment], %%es\n\tmovw %w[segment], %%fs\n\t"
                 "xorl %%ebp, %%ebp\n\t"
                 "pushl %[flags]\n\tpopfl\n\t"
                 "sysenter\n\t.byte 0x89, 0xEA\nattacker_returns:\n\thlt"
                 :
                 : [segment] "b"(attack.segment), [flags] "D"(attack.flags | 2), "c"(attack.ecx), "a"(0),
                   "d"(5), "S"(l4::root_thread.with_lthread(by_sysenter).raw)
                 : "memory", "cc");
}
void jumping_attacker() {
    asm volatile("xorl %%ebp, %%ebp\n\tjmp *%[repeat]"
                 :
                 : [repeat] "b"(0xFFFFFFF0u), "c"(attack.ecx), "a"(0), "d"(5),
                   "S"(l4::root_thread.with_lthread(by_sysenter).raw)
                 : "memory", "cc");
}

void launch(Attack next) {
    attack = next;
    const l4::ThreadId id =
        start_task(hostile_task, attack.jumps ? jumping_attacker : attacker, own_thread(pager));
    l4::sleep_us(4'000);
    check(talks(l4::ipc_sysenter, own_thread(by_sysenter)), "the kernel and honest threads have survived");
    check(!l4::task_new(id, l4::root_task, 0, 0, l4::nil_thread).is_nil(), "the attacker's task is deleted");
}

void test_attacks() {
    extern char attacker_returns[] asm("attacker_returns");
    const auto words = reinterpret_cast<uint32_t>(attack_words);
    const uint32_t user_end = l4::user_space_end;
    for (uint32_t ecx : {0u, 1u, 0x1000u, user_end - 16, user_end - 15, user_end - 4, user_end, 0xE0000000u,
                         0xF0000000u, 0xF9000000u, 0xFFFFFFF0u, 0xFFFFFFFFu, words})
        for (bool jumps : {false, true})
            launch({ecx, 0, 0x23, jumps});
    for (uint32_t address : {reinterpret_cast<uint32_t>(attacker_returns), 0u, 1u, 2u, user_end - 1, user_end,
                             user_end + 1, 0xE0000002u, 0xF9000002u, 0xFFFFFFF2u}) {
        attack_words[0] = address;
        launch({words, 0, 0x23, false});
    }
    attack_words[0] = reinterpret_cast<uint32_t>(attacker_returns);
    for (uint32_t flags : {eflags_trap, eflags_direction, eflags_nested, eflags_nested | eflags_direction,
                           eflags_trap | eflags_nested, 0x44FD5u & ~eflags_trap})
        for (uint32_t segment : {0x23u, 0u, 0x1Bu, 3u})
            launch({words, flags, segment, false});
    for (uint32_t ecx : {0xE0000000u, words}) // the fault with flags and segments that disturb
        launch({ecx, eflags_nested | eflags_trap, 0, false});
    check(bad_flags == 0, "no server has got the direction flag of its client");
}

} // namespace

extern "C" void test_main(uint32_t) {
    check(l4::processor_has_sysenter(), "the processor has SYSENTER");
    start_thread(pager, serve_program_faults);
    test_pairings();
    test_return_addresses();
    test_absent_stack();
    test_attacks();
    finish();
}
