#include "tests/guest_programs/snapshot/held_pager.hpp"

#include "tests/guest_programs/register_sums.hpp"
#include "tests/guest_programs/snapshot/stage.hpp"

namespace snapshot_test {

namespace {

HeldWhen held_when;
volatile bool holds = false;

void touch(uint32_t address, bool write) {
    if (write)
        asm volatile("orb $0, %0" : "+m"(*reinterpret_cast<volatile char*>(address)) : : "cc");
    else
        (void)*reinterpret_cast<const volatile char*>(address);
}

void hold() {
    holds = true;
    if (held_when == HeldWhen::computing)
        for (uint32_t count = 2000; !stage.released; ++count)
            expect(workloads::registers_count_to(count), "a register of a pager that lost count", count);
    else
        wait_for_observer();
    holds = false;
}

// The map item of the answer to a fault; all other pages are in the space, which is the pager's too, when it has touched
// them.
uint32_t answer(l4::Message& message) {
    const uint32_t address = message.w0 & ~3u, page = address & ~(l4::page_size - 1);
    const bool write = (message.w0 & 2) != 0, in_window = address - held_window < held_bytes;
    if (page == held_window + held_page_offset && held_when != HeldWhen::nothing_received && !stage.released)
        hold();
    const uint32_t source = in_window ? page - held_window + held_store : page;
    touch(source, write);
    if (!in_window)
        return l4::send_registers;
    message = {page, l4::Fpage::make(source, l4::page_bits, write ? l4::Fpage::write_bit : 0).raw, 0};
    return l4::send_map;
}

void serve() {
    if (held_when == HeldWhen::nothing_received)
        hold();
    l4::ThreadId client;
    l4::Message message;
    l4::MessageResult result = l4::wait(client, message);
    for (;;) {
        expect(result.ok(), "a pager's IPC failed", result.error());
        const uint32_t descriptor = answer(message);
        // Infinite timeouts: the client waits for certain.
        result = l4::ipc(client, descriptor, l4::open_wait, l4::Timeouts::infinite(), message);
    }
}

} // namespace

void start_held_pager(unsigned lthread, HeldWhen when) {
    held_when = when;
    start_thread(lthread, &serve, subject_priority);
}

bool held_pager_holds(unsigned lthread) {
    if (!holds)
        return false;
    return held_when == HeldWhen::computing ? is(lthread, l4::ThreadRunState::running)
                                            : waits_for_observer(lthread);
}

void release_held_pager(unsigned lthread) {
    if (held_when != HeldWhen::computing)
        tell(lthread);
}

} // namespace snapshot_test
