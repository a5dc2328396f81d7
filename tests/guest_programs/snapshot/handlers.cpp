// A thread in a handler of its own for an exception, which it then leaves by repeating the instruction.
#include "kernel-model/abi/exceptions.hpp"
#include "tests/guest_programs/register_sums.hpp"
#include "tests/guest_programs/snapshot/stage.hpp"

// Divides by ECX; the handler of divide errors, called with all registers saved, makes ECX what it should be.
extern "C" void divide_error_entry();
asm(R"(
    .text
divide_error_entry:
    pushal
    call divide_error
    movl %eax, 24(%esp)
    popal
    iret
)");

namespace snapshot_test {

namespace {

constexpr unsigned subject = 1, vectors = 1;
constexpr uint32_t divisor = 7;
volatile bool in_handler = false;
volatile uint32_t handled = 0;
l4::Gate gates[vectors];

} // namespace

// The saved ECX from here on. The first exception lasts until the release.
extern "C" [[gnu::used]] uint32_t divide_error() {
    in_handler = true;
    for (uint32_t count = 500; handled == 0 && !stage.released; ++count)
        expect(workloads::registers_count_to(count), "a register of a handler that lost count", count);
    in_handler = false;
    handled = handled + 1;
    return divisor;
}

namespace {

uint32_t quotient(uint32_t dividend) {
    uint32_t result, remainder, by = 0;
    asm volatile("divl %2" : "=a"(result), "=d"(remainder), "+c"(by) : "a"(dividend), "d"(0) : "cc");
    expect(by == divisor, "a register that the handler has changed in vain", by);
    return result;
}

void divide() {
    gates[0] = l4::Gate::to(reinterpret_cast<uint32_t>(&divide_error_entry));
    l4::load_gate_table({sizeof gates - 1, reinterpret_cast<uint32_t>(gates)});
    expect(quotient(700) == 100, "a wrong quotient");
    expect(quotient(7777) == 1111, "a wrong quotient after the recovery"); // the table is still there
    expect(handled == 2, "a handler that was called otherwise than twice", handled);
    end_subject();
}
void start() {
    start_thread(subject, &divide, subject_priority);
}
bool reached() {
    return in_handler && is(subject, l4::ThreadRunState::running);
}
void release() {}

} // namespace

constinit const SnapshotClass exception_classes[exception_class_count] = {
    {"exception-handler", 1, start, reached, reached, release},
};

} // namespace snapshot_test
