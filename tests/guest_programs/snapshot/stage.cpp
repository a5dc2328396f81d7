#include "tests/guest_programs/snapshot/stage.hpp"

#include "workloads/runtime/startup.hpp"

namespace snapshot_test {

constinit Stage stage;

namespace {

constexpr uint32_t stacks_base = workloads::heap_base, stack_bytes = 0x10000;
constexpr unsigned slice_exponent = 11, slice_mantissa = 40; // 10.24 ms, as the root task gives

} // namespace

void expect(bool condition, const char* error, uint32_t value) {
    if (condition || stage.error)
        return;
    stage.error_value = value;
    stage.error = error;
}

void end_subject() {
    __atomic_fetch_add(&stage.ended, 1, __ATOMIC_SEQ_CST);
    rest();
}

void rest() {
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}

l4::ThreadId thread(unsigned lthread) {
    return l4::my_id().with_lthread(lthread);
}

uint32_t stack_top_of(unsigned lthread) {
    return stacks_base + (lthread + 1) * stack_bytes - 16;
}

void touch_stack(unsigned lthread) {
    *reinterpret_cast<volatile uint32_t*>(stack_top_of(lthread)) = 0;
}

void start_thread(unsigned lthread, void (*entry)(), unsigned priority, l4::ThreadId pager) {
    l4::lthread_ex_regs(lthread, reinterpret_cast<uint32_t>(entry), stack_top_of(lthread), pager);
    l4::thread_schedule(thread(lthread), l4::schedule_param(priority, slice_exponent, slice_mantissa));
}

l4::ScheduleResult look_at(unsigned lthread) {
    return l4::schedule_thread(thread(lthread), 0xFFFFFFFFu);
}

bool is(unsigned lthread, l4::ThreadRunState state) {
    const l4::ScheduleResult now = look_at(lthread);
    return !now.refused() && now.state() == state;
}

bool is(unsigned lthread, l4::ThreadRunState state, l4::ThreadId partner) {
    const l4::ScheduleResult now = look_at(lthread);
    return !now.refused() && now.state() == state && now.partner == partner;
}

void wait_for_observer() {
    l4::Message message;
    const l4::MessageResult result = l4::receive(thread(observer_lthread), message);
    expect(result.ok(), "a receive from the observer failed", result.error());
}

void tell(unsigned lthread) {
    const l4::MessageResult result = l4::send(thread(lthread), {});
    expect(result.ok(), "a send of the observer failed", result.error());
}

bool waits_for_observer(unsigned lthread) {
    return is(lthread, l4::ThreadRunState::waiting, thread(observer_lthread));
}

} // namespace snapshot_test
