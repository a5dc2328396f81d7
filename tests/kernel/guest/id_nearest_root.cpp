// INT 0x31 id_nearest: own id, chief, same, inner and outer clan; EAX type, ESI nearest id.
#include "tests/kernel/guest/checks.hpp"

using namespace kernel_test;
using l4::ClanRelation;

namespace {

constexpr unsigned fault_server = 1, listener = 2;
constexpr unsigned child = 30, sibling = 31, grandchild = 32, nephew = 33, never_used = 99;
constexpr l4::ThreadId child_id = l4::ThreadId::make(child, 0, 1, l4::root_task);
constexpr l4::ThreadId sibling_id = l4::ThreadId::make(sibling, 0, 1, l4::root_task);
constexpr l4::ThreadId grandchild_id = l4::ThreadId::make(grandchild, 0, 1, child);
constexpr l4::ThreadId nephew_id = l4::ThreadId::make(nephew, 0, 1, sibling);

void expect(l4::ThreadId dest, ClanRelation relation, l4::ThreadId nearest, const char* what) {
    const l4::Nearest found = l4::id_nearest(dest);
    check(found.relation == relation && found.id == nearest, what);
}

// All tasks share this memory: each says here that it is done, and the root task goes on.
volatile unsigned finished = 0;
[[noreturn]] void done() {
    finished = finished + 1;
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}
void await(unsigned count) {
    for (unsigned waited = 0; waited < 200 && finished < count; ++waited)
        l4::sleep_us(5'000);
    check(finished == count, "the task has come to its end");
}

l4::ThreadId fault_server_id() {
    return l4::root_thread.with_lthread(fault_server);
}

// The root task owns all numbers at first: it gives this one to the caller soon.
void create(unsigned task, void (*entry)()) {
    while (start_task(task, entry, fault_server_id()).is_nil())
        l4::sleep_us(1'000);
}
void give(unsigned task, l4::ThreadId chief) {
    l4::task_new(l4::ThreadId::make(task, 0, 0, 0), chief.raw, 0, 0, l4::nil_thread);
}

// Hears from whom a message comes, and how.
l4::ThreadId heard_from;
l4::MessageResult heard;
void listen() {
    l4::Message message;
    heard = l4::wait(heard_from, message);
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}

void grandchild_main() {
    l4::send(l4::root_thread.with_lthread(listener), {});

    expect(l4::nil_thread, ClanRelation::same_clan, grandchild_id, "0x31 a grandchild's own id");
    expect(l4::invalid_thread, ClanRelation::outer_clan, child_id, "0x31 invalid: a grandchild's chief");
    expect(child_id, ClanRelation::same_clan, child_id, "0x31 the own chief is in the same clan");
    expect(l4::root_thread, ClanRelation::outer_clan, child_id, "0x31 outer clan: above the chief");
    expect(l4::sigma0_thread, ClanRelation::outer_clan, child_id, "0x31 outer clan: sigma0");
    expect(sibling_id, ClanRelation::outer_clan, child_id, "0x31 outer clan: the chief's sibling");
    expect(nephew_id, ClanRelation::outer_clan, child_id, "0x31 outer clan: below the chief's sibling");
    done();
}

void sibling_main() {
    create(nephew, done);
    expect(grandchild_id, ClanRelation::inner_clan, child_id,
           "0x31 inner clan: below a sibling, which is nearest");
    expect(child_id, ClanRelation::same_clan, child_id, "0x31 same clan: a sibling");
    expect(nephew_id, ClanRelation::same_clan, nephew_id, "0x31 same clan: the caller is the chief");
    expect(nephew_id.with_lthread(7), ClanRelation::same_clan, nephew_id.with_lthread(7),
           "0x31 same clan: any lthread, unchanged");
    expect(l4::sigma0_thread, ClanRelation::same_clan, l4::sigma0_thread, "0x31 same clan: sigma0");
    done();
}

void child_main() {
    create(grandchild, grandchild_main);
    done();
}

} // namespace

extern "C" void test_main(uint32_t) {
    start_thread(fault_server, serve_faults);
    start_thread(listener, listen);
    expect(l4::nil_thread, ClanRelation::same_clan, l4::root_thread, "0x31 nil: the own id");
    expect(l4::invalid_thread, ClanRelation::outer_clan, l4::root_thread,
           "0x31 invalid: the chief, of root itself");
    expect(own_thread(fault_server), ClanRelation::same_clan, own_thread(fault_server), "0x31 the own task");
    expect(l4::ThreadId::interrupt(3), ClanRelation::same_clan, l4::ThreadId::interrupt(3),
           "0x31 an interrupt");
    const l4::ThreadId unborn = l4::ThreadId::make(never_used, 3, 1, l4::root_task);
    expect(unborn, ClanRelation::same_clan, unborn,
           "0x31 a task that is not there belongs to its owner's clan");
    for (unsigned task = 0; task < l4::task_count; ++task)
        l4::id_nearest(l4::ThreadId::make(task, task % 64, 1, 255 - task)); // no id does harm

    start_task(child, child_main, own_thread(fault_server));
    give(grandchild, child_id);
    await(2);                                           // with the grandchild
    constexpr uint32_t redirected = 4, from_inside = 8; // r and i of the condition code
    check(heard.ok() && heard_from == grandchild_id && (heard.raw & (redirected | from_inside)) == 0,
          "0x30 r: a message to another clan is not redirected");
    start_task(sibling, sibling_main, own_thread(fault_server));
    give(nephew, sibling_id);
    await(4); // with the nephew
    expect(child_id, ClanRelation::same_clan, child_id, "0x31 same clan: the caller is the chief");
    expect(grandchild_id, ClanRelation::inner_clan, child_id, "0x31 inner clan: the own child is nearest");
    expect(nephew_id, ClanRelation::inner_clan, sibling_id, "0x31 inner clan: the other child");
    expect(l4::ThreadId::make(grandchild, 9, 77, 0), ClanRelation::inner_clan, child_id,
           "0x31 goes by the task number");
    finish();
}
