// Threads in a page-fault RPC: to a persistent pager, which has not received it yet or has it at work, and to the checkpoint
// server.
#include "tests/guest_programs/snapshot/held_pager.hpp"
#include "tests/guest_programs/snapshot/stage.hpp"

// Faults at an address that the checkpoint server has no page for; made to go on, it looks for its registers.
extern "C" void fault_with_registers();
extern "C" void after_the_fault();
asm(R"(
    .text
fault_with_registers:
    movl $0x11111111, %ebx
    movl $0x22222222, %ecx
    movl $0x33333333, %edx
    movl $0x44444444, %esi
    movl $0x55555555, %edi
    movl $0x66666666, %ebp
    movl 0x10, %eax
    ud2
after_the_fault:
    pushl %ebp
    pushl %edi
    pushl %esi
    pushl %edx
    pushl %ecx
    pushl %ebx
    pushl %esp
    call registers_after_fault
    ud2
)");

namespace snapshot_test {

extern "C" [[noreturn, gnu::used]] void registers_after_fault(const uint32_t* registers) {
    for (unsigned i = 0; i < 6; ++i)
        expect(registers[i] == 0x11111111u * (i + 1), "a register lost in a page fault", i);
    end_subject();
}

namespace {

using enum l4::ThreadRunState;

constexpr unsigned subject = 1, pager = 3;
constexpr uint32_t value_in_store = 0x5EED, offset = held_page_offset + 0x123 * 4;

volatile uint32_t& word_at(uint32_t address) {
    return *reinterpret_cast<volatile uint32_t*>(address);
}

void count_in_window() {
    const uint32_t found = word_at(held_window + offset);
    expect(found == value_in_store, "a page of the pager's with other contents", found);
    word_at(held_window + offset) = found + 1;
    expect(word_at(held_store + offset) == value_in_store + 1, "a write that did not reach the pager's page");
    end_subject();
}
void start_with(HeldWhen when) {
    word_at(held_store + offset) = value_in_store;
    touch_stack(subject);
    start_held_pager(pager, when);
    start_thread(subject, &count_in_window, subject_priority, thread(pager));
}
void start_queued() {
    start_with(HeldWhen::nothing_received);
}
void start_received() {
    start_with(HeldWhen::fault_received);
}
void start_computing() {
    start_with(HeldWhen::computing);
}
bool fault_reached() {
    return is(subject, running_calls_pager) && held_pager_holds(pager);
}
void release_pager() {
    release_held_pager(pager);
}

void start_at_server() {
    start_thread(subject, &fault_with_registers, subject_priority);
}
bool at_server_reached() {
    return is(subject, running_calls_pager);
}
// The instruction is repeated after a recovery.
void take_out_of_fault() {
    while (!at_server_reached())
        l4::sleep_us(1000);
    l4::lthread_ex_regs(subject, reinterpret_cast<uint32_t>(&after_the_fault), stack_top_of(subject));
}

} // namespace

constinit const SnapshotClass fault_classes[fault_class_count] = {
    {"fault-queued-at-pager", 1, start_queued, fault_reached, fault_reached, release_pager},
    {"fault-received-by-pager", 1, start_received, fault_reached, fault_reached, release_pager},
    {"fault-answered-by-computing-pager", 1, start_computing, fault_reached, fault_reached, release_pager},
    {"fault-at-checkpoint-server", 1, start_at_server, at_server_reached, nullptr, take_out_of_fault},
};

} // namespace snapshot_test
