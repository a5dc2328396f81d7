#include "tests/kernel/guest/snapshot_server.hpp"

#include "kernel-model/abi/io_fpage.hpp"

namespace kernel_test {

namespace {

constexpr unsigned fault_server = 1;
constexpr uint32_t tcb_frames = 0x01A00000, tcb_frames_max = 64;
constexpr uint32_t server_stacks = 0x01F00000; // outside the world: the snapshot must not hold who takes it
constexpr uint32_t snapshot_base = 0x02000000;
constexpr uint32_t program_base = 0x00D00000, program_bytes = 0x90000;
constexpr uint32_t magic = 0x534E4150;

struct Snapshot {
    uint32_t mark, generation;
    uint64_t clock_us;
    uint32_t tcb_pages;
    uint32_t tcb_page[tcb_frames_max];
};
Snapshot& snapshot() {
    return *reinterpret_cast<Snapshot*>(snapshot_base);
}
constexpr uint32_t saved_tcbs = snapshot_base + 0x1000,
                   saved_world = saved_tcbs + tcb_frames_max * l4::page_size;

// The pager's table, in the program's memory: outside the world, built anew at each start.
uint32_t tcb_pages_used = 0;
uint32_t tcb_page_of_frame[tcb_frames_max];
bool is_in_world[tcb_frames_max];

uint32_t frame_address(uint32_t number) {
    return tcb_frames + number * l4::page_size;
}
void copy(uint32_t to, uint32_t from, uint32_t bytes) {
    __builtin_memcpy(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes);
}
uint32_t server_stack_of(unsigned lthread) {
    return server_stacks + (lthread + 1) * stack_bytes - 16;
}

// The frame of a TCB page, a fresh one if need be; without `create`: 0 for a page that was never used.
uint32_t tcb_frame(uint32_t page, bool create) {
    for (uint32_t number = 0; number < tcb_pages_used; ++number)
        if (tcb_page_of_frame[number] == page)
            return frame_address(number);
    if (!create)
        return 0;
    tcb_page_of_frame[tcb_pages_used] = page;
    is_in_world[tcb_pages_used] = true;
    __builtin_memset(reinterpret_cast<void*>(frame_address(tcb_pages_used)), 0, l4::page_size);
    return frame_address(tcb_pages_used++);
}

void pager_main() {
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        uint32_t descriptor = l4::send_map;
        const uint32_t page = message.w0 & ~0xFFFu;
        if (l4::IoFpage::is(message.w0)) {
            io_faults = io_faults + 1;
            message = {0, message.w0, 0};
        } else if (page >= l4::tcb_array_base) {
            tcb_faults = tcb_faults + 1;
            const uint32_t frame = tcb_frame(page, message.w0 & 2);
            if (frame == 0)
                descriptor = l4::send_registers;
            message = {0, l4::Fpage::make(frame, l4::page_bits, l4::Fpage::write_bit).raw, 0};
        } else {
            auto* word = reinterpret_cast<volatile uint32_t*>(page);
            *word = *word;
            message = {page, l4::Fpage::make(page, l4::page_bits, l4::Fpage::write_bit).raw, 0};
        }
        l4::reply_and_wait(client, message, descriptor);
    }
}

constexpr uint32_t info_address = 0x10000000;
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

enum Order : uint32_t { take_snapshot = 1, recover = 2 };

void take() {
    Snapshot& to = snapshot();
    to.clock_us = clock_us();
    to.tcb_pages = 0;
    for (uint32_t number = 0; number < tcb_pages_used; ++number) {
        if (!is_in_world[number])
            continue;
        to.tcb_page[to.tcb_pages] = tcb_page_of_frame[number];
        copy(saved_tcbs + to.tcb_pages * l4::page_size, frame_address(number), l4::page_size);
        ++to.tcb_pages;
    }
    copy(saved_world, world_base, world_bytes);
    ++to.generation;
    to.mark = magic;
}

void expect(bool condition) {
    if (!condition)
        recovery_failures = recovery_failures + 1;
}

l4::Fpage tcb_frame_fpage(uint32_t frame, uint32_t access = l4::Fpage::write_bit) {
    return l4::Fpage::make(frame, l4::page_bits, access);
}

// The order of pages must not matter, nor whether they come by a fault or are offered: from the last to the first, then from
// the first to the last.
void restore() {
    const Snapshot& from = snapshot();
    copy(world_base, saved_world, world_bytes);
    for (uint32_t number = 0; number < from.tcb_pages; ++number)
        copy(tcb_frame(from.tcb_page[number], true), saved_tcbs + number * l4::page_size, l4::page_size);
    expect(l4::recovery(l4::RecoveryOperation::begin, 0, from.clock_us) == l4::RecoveryResult::ok);
    const bool backwards = start_number() == 2;
    for (uint32_t number = 0; number < from.tcb_pages; ++number) {
        const uint32_t page = from.tcb_page[backwards ? from.tcb_pages - 1 - number : number];
        const l4::Fpage offered = tcb_frame_fpage(tcb_frame(page, false));
        expect((number % 2 != 0
                    ? l4::adopt_tcb_page(page, offered)
                    : l4::recovery(l4::RecoveryOperation::adopt, page)) == l4::RecoveryResult::ok);
    }
    expect(try_after_recovery());
    expect(l4::recovery(l4::RecoveryOperation::adopt, world_base) == l4::RecoveryResult::bad_argument);
    expect(l4::recovery(l4::RecoveryOperation::adopt, l4::tcb_address(l4::root_thread)) ==
           l4::RecoveryResult::bad_argument);
    const uint32_t unused_page = l4::tcb_array_base + l4::tcb_array_size - l4::page_size;
    expect(l4::adopt_tcb_page(unused_page, tcb_frame_fpage(frame_address(0))) ==
           l4::RecoveryResult::bad_argument); // it holds TCBs already
    expect(l4::adopt_tcb_page(unused_page, tcb_frame_fpage(frame_address(tcb_frames_max - 1), 0)) ==
           l4::RecoveryResult::bad_argument); // not writable
}

void checkpointer_main() {
    map_kernel_info();
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        if (message.w0 == take_snapshot)
            take();
        else
            restore();
        l4::reply_and_wait(client, message);
    }
}

void touch(uint32_t base, uint32_t bytes) {
    for (uint32_t page = base; page < base + bytes; page += l4::page_size)
        (void)*reinterpret_cast<volatile uint32_t*>(page);
}

void server_main() {
    // A page fault of the server's own in the middle of a snapshot or a recovery would let others run.
    touch(world_base, world_bytes);
    touch(tcb_frames, tcb_frames_max * l4::page_size);
    touch(snapshot_base, saved_world + world_bytes - snapshot_base);
    touch(program_base, program_bytes);
    touch(server_stacks, 3 * stack_bytes);
    l4::lthread_ex_regs(1, reinterpret_cast<uint32_t>(checkpointer_main), server_stack_of(1));
    l4::lthread_ex_regs(2, reinterpret_cast<uint32_t>(outside_pager_main), server_stack_of(2));
    pager_main();
}

void order_checkpointer(Order order) {
    l4::Message message{order, 0, 0};
    l4::call(l4::checkpointer_thread, message);
}

[[noreturn]] void reset_machine() {
    asm volatile("outb %0, %1" : : "a"(static_cast<uint8_t>(0xFE)), "Nd"(static_cast<uint16_t>(0x64)));
    rest();
}

void start_server() {
    start_thread(fault_server, serve_faults);
    l4::task_new(l4::pager_thread, 255, reinterpret_cast<uint32_t>(server_main), server_stack_of(0),
                 own_thread(fault_server));
    for (const unsigned lthread : {0u, 1u, 2u}) {
        while (l4::thread_schedule(l4::pager_thread.with_lthread(lthread), 0xFFFFFFFF) == 0xFFFFFFFF)
            l4::sleep_us(1'000);
        l4::thread_schedule(l4::pager_thread.with_lthread(lthread), l4::schedule_param(l4::priority_max));
    }
}

} // namespace

volatile uint32_t tcb_faults = 0, io_faults = 0, recovery_failures = 0;

unsigned start_number() {
    return snapshot().mark == magic ? snapshot().generation + 1 : 1;
}

void forget_snapshot() {
    snapshot().mark = 0;
}

void run_until_third_start(void (*build)(), void (*in_the_middle)()) {
    const unsigned start = start_number();
    start_server();
    constexpr const char* names[] = {"first start\n", "second start\n", "third start\n"};
    l4::print_string(names[start - 1]);
    if (start == 1) {
        snapshot().generation = 0;
        __builtin_memset(reinterpret_cast<void*>(world_base), 0, world_bytes);
        build();
        l4::sleep_us(150'000);
        in_the_middle();
        order_checkpointer(take_snapshot);
        l4::sleep_us(100'000);
        if (checks_failed() != 0)
            finish();
        reset_machine();
    }
    order_checkpointer(recover);
    if (start == 2) {
        l4::sleep_us(20'000);
        order_checkpointer(take_snapshot);
        reset_machine();
    }
}

l4::RecoveryResult adopt_content(uint32_t tcb_page, const void* content) {
    __builtin_memcpy(reinterpret_cast<void*>(tcb_frame(tcb_page, true)), content, l4::page_size);
    is_in_world[tcb_pages_used - 1] = false; // the frame is the kernel's for good
    return l4::recovery(l4::RecoveryOperation::adopt, tcb_page);
}

const void* saved_tcb(l4::ThreadId id) {
    const uint32_t address = l4::tcb_address(id), page = address & ~(l4::page_size - 1);
    for (uint32_t number = 0; number < snapshot().tcb_pages; ++number)
        if (snapshot().tcb_page[number] == page)
            return reinterpret_cast<const void*>(saved_tcbs + number * l4::page_size + (address - page));
    return nullptr;
}

void serve_pages(uint32_t special, uint32_t substitute, l4::ThreadId client, l4::Message message) {
    for (;;) {
        const uint32_t page = message.w0 & ~0xFFFu;
        const uint32_t source = page == special ? substitute : page;
        auto* word = reinterpret_cast<volatile uint32_t*>(source);
        *word = *word;
        message = {page, l4::Fpage::make(source, l4::page_bits, l4::Fpage::write_bit).raw, 0};
        // A client that does not wait any more gets nothing.
        for (auto result = l4::reply_and_wait(client, message, l4::send_map); !result.ok();)
            result = l4::wait(client, message);
    }
}

void rest() {
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}

l4::ThreadId thread_in(unsigned task, unsigned lthread) {
    return l4::ThreadId::make(task, lthread, 1, l4::root_task);
}

} // namespace kernel_test
