// INT 0x36 task_new: creating, deleting with the whole clan, re-creating, inactive tasks and new chiefs, the mcp, the
// version in the id, and every refusal.
#include "tests/kernel/guest/checks.hpp"

using namespace kernel_test;
using l4::IpcError;

namespace {

constexpr unsigned fault_server = 1;
constexpr unsigned child = 30, grandchild = 31, great_grandchild = 32, bystander = 33, spare = 34, given = 35,
                   not_there = 200;

l4::ThreadId task_id(unsigned task, unsigned version = 0, unsigned chief = l4::root_task) {
    return l4::ThreadId::make(task, 0, version, chief);
}
l4::ThreadId fault_server_id() {
    return l4::root_thread.with_lthread(fault_server);
}
[[noreturn]] void rest() {
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}
l4::ThreadId remove(l4::ThreadId task, uint32_t new_chief = 0) {
    return l4::task_new(task, new_chief, 0, 0, l4::nil_thread);
}
bool exists(l4::ThreadId id) {
    return !l4::schedule_thread(id, 0xFFFFFFFFu).refused();
}

void create(unsigned task, void (*entry)()) { // a number that the root task gives to the caller soon
    while (start_task(task, entry, fault_server_id()).is_nil())
        l4::sleep_us(1'000);
}
void grandchild_main() {
    create(great_grandchild, rest);
    rest();
}
void child_main() {
    create(grandchild, grandchild_main);
    rest();
}

void test_versions() {
    const l4::ThreadId first = start_task(spare, rest, fault_server_id());
    check(first == task_id(spare, 1), "0x36 ESI: new id with lthread 0, the creator as chief, version 1");
    const l4::ThreadId second = start_task(spare, rest, fault_server_id());
    check(second == task_id(spare, 2),
          "0x36 an active task is deleted and created again, with the next version");
    check(!exists(first) && exists(second), "0x36 the old id names nobody");
    check(remove(second).task() == spare && !exists(second), "0x36 nil pager: deleted");
    check(remove(task_id(spare)).task() == spare, "0x36 nil pager: an inactive task may stay so");
    check(remove(task_id(spare), 255).chief() == l4::root_task &&
              remove(task_id(spare), 0xFFFFFFFFu).chief() == l4::root_task,
          "0x36 EAX: a deleted task is the caller's with new chief 0, 255 or invalid");
    check(start_task(spare, rest, fault_server_id()) == task_id(spare, 3), "0x36 the version counts on");
    const l4::ThreadId chosen =
        l4::task_new(task_id(spare, 1), 255, reinterpret_cast<uint32_t>(rest), 0, fault_server_id());
    check(chosen == task_id(spare, 1), "0x36 ESI: the version that the creator names");
    const l4::ThreadId composed = task_id(spare, 7, 99);
    check(l4::task_new(composed, 255, reinterpret_cast<uint32_t>(rest), 0, fault_server_id()) == composed &&
              exists(composed) && !exists(task_id(spare, 7)),
          "0x36 ESI: with a version the whole id is taken as it is, with whatever chief");
    l4::task_new(task_id(spare, 1023), 255, reinterpret_cast<uint32_t>(rest), 0, fault_server_id());
    check(start_task(spare, rest, fault_server_id()) == task_id(spare, 1), "0x36 version 1 follows 1023");
    remove(task_id(spare));
}

volatile uint32_t granted = 0, refused = 0;
void sets_priorities() { // its mcp is 40
    granted = l4::thread_schedule(l4::my_id(), l4::schedule_param(40));
    refused = l4::thread_schedule(l4::my_id(), l4::schedule_param(41));
    rest();
}
void test_mcp() {
    l4::thread_schedule(l4::my_id(), l4::schedule_param(40)); // a new task has its creator's priority
    const l4::ThreadId id = start_task(spare, sets_priorities, fault_server_id(), 40);
    l4::sleep_us(20'000);
    check((granted & 0xFF) == 40, "0x36 EAX: up to the mcp priorities may be given");
    check(refused == 0xFFFFFFFFu, "0x36 EAX: above it they are refused");
    check(l4::schedule_thread(id, 0xFFFFFFFFu).priority() == 40,
          "0x36 the first thread has its creator's priority");
    remove(id);
    l4::thread_schedule(l4::my_id(), l4::schedule_param(l4::priority_boot));
}

// A child's mcp is limited by its creator's.
volatile uint32_t grandchild_priority = 0;
void tries_too_much() {
    grandchild_priority = l4::thread_schedule(l4::my_id(), l4::schedule_param(200));
    rest();
}
void creates_ambitious() {
    while (start_task(grandchild, tries_too_much, fault_server_id(), 255).is_nil())
        l4::sleep_us(1'000);
    rest();
}
void test_mcp_is_inherited() {
    const l4::ThreadId id = start_task(child, creates_ambitious, fault_server_id(), 100);
    remove(task_id(grandchild), id.raw);
    l4::sleep_us(50'000);
    check(grandchild_priority == 0xFFFFFFFFu, "0x36 EAX: no mcp is above its creator's");
    remove(id);
}

void test_clan() {
    const l4::ThreadId by = start_task(bystander, rest, fault_server_id());
    const l4::ThreadId id = start_task(child, child_main, fault_server_id());
    check(remove(task_id(grandchild), child).chief() == child, "0x36 EAX: new chief, by number");
    l4::sleep_us(20'000);
    check(start_task(grandchild, rest, fault_server_id()).is_nil(),
          "0x36 refused: the caller is not the owner");
    check(remove(task_id(great_grandchild), task_id(child, 2).raw).chief() == child,
          "0x36 EAX: new chief, by id");
    // It is the child's now, which never gives it to the grandchild: an inactive member of the clan.
    const l4::ThreadId grand = task_id(grandchild, 2, child);
    check(exists(grand), "0x36 the new owner has created it");
    check(remove(grand).is_nil() && exists(grand), "0x36 refused: somebody else's task");
    check(remove(id, grandchild).is_nil() && exists(id),
          "0x36 refused: a new chief that would be deleted as well");
    check(!remove(id).is_nil() && !exists(id) && !exists(grand), "0x36 deleted with the whole clan");
    check(exists(by), "0x36 and nobody else");
    check(!start_task(great_grandchild, rest, fault_server_id()).is_nil(),
          "0x36 the inactive tasks of the clan are the caller's");
    check(!start_task(grandchild, rest, fault_server_id()).is_nil(), "0x36 and the deleted ones");
    remove(task_id(great_grandchild));
    remove(task_id(grandchild));
    remove(by);
}

void test_refusals() {
    check(remove(l4::nil_thread).is_nil(), "0x36 refused: nil");
    check(remove(l4::invalid_thread).is_nil(), "0x36 refused: invalid");
    check(remove(l4::my_id()).is_nil(), "0x36 refused: the own task");
    check(remove(l4::sigma0_thread).is_nil(), "0x36 refused: sigma0");
    check(remove(l4::ThreadId::interrupt(3)).is_nil(), "0x36 refused: an interrupt");
    check(remove(task_id(given), not_there).chief() == not_there, "0x36 EAX: a new chief need not exist yet");
    check(start_task(given, rest, fault_server_id()).is_nil(), "0x36 refused: given away");
    check(remove(task_id(not_there), given).is_nil(), "0x36 refused: a circle of owners");
    check(remove(task_id(spare), spare).is_nil(), "0x36 refused: itself as new chief");
    check(remove(task_id(spare), l4::ThreadId::make(0, 1, 0, 0).raw).is_nil(),
          "0x36 refused: the kernel as new chief");
    check(!start_task(spare, rest, fault_server_id()).is_nil(), "0x36 none of these has changed anything");
    remove(task_id(spare));
}

} // namespace

extern "C" void test_main(uint32_t) {
    start_thread(fault_server, serve_faults);
    test_versions();
    test_mcp();
    test_mcp_is_inherited();
    test_clan();
    test_refusals();
    finish();
}
