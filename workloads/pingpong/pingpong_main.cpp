// pingpong: the time of a one-way IPC by registers, as a root task of its own.
//
// Two threads call each other; half a round trip, by the time stamp counter, is a one-way IPC, user code of both
// ends included. The partner is a thread of the same task (intra) or of another one (inter); both enter by INT 0x30
// or both by SYSENTER. Each figure is the smallest mean of a few runs, so that the clock tick is not in it.
//
// Prints a line `pingpong int30|sysenter inter|intra CYCLES` for each, then all beside published figures.
#include "kernel-model/abi/syscalls.hpp"
#include "kernel-model/abi/system_layout.hpp"
#include "workloads/pingpong/measure.hpp"

namespace {

using pingpong::Entry;

constexpr unsigned fault_server = 1, partner_int30 = 2, partner_sysenter = 3, partner_task = 20;
constexpr unsigned runs = 8;
constexpr uint32_t rounds = 500; // a run is shorter than a clock tick
constexpr uint16_t debug_exit_port = 0xF4;

alignas(16) uint8_t stacks[8][4096];

uint32_t stack_of(unsigned number) {
    return reinterpret_cast<uint32_t>(stacks[number] + sizeof stacks[number] - 16);
}
void start_thread(unsigned number, void (*entry)()) {
    l4::lthread_ex_regs(number, reinterpret_cast<uint32_t>(entry), stack_of(number));
}

// Gives the partner's task this program's pages, 1:1.
void serve_faults() {
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        const uint32_t page = message.w0 & ~(l4::page_size - 1);
        (void)*reinterpret_cast<volatile uint8_t*>(page); // in the own space first
        message = {page, l4::Fpage::make(page, l4::page_bits, l4::Fpage::write_bit).raw, 0};
        l4::reply_and_wait(client, message, l4::send_map);
    }
}

uint32_t one_way_cycles(l4::ThreadId partner, Entry entry) {
    uint32_t best = ~0u;
    for (unsigned run = 0; run < runs; ++run) {
        const uint32_t cycles = pingpong::round_trips(partner, entry, rounds);
        best = cycles < best ? cycles : best;
    }
    return best / (2 * rounds);
}

struct Figures {
    const char* name;
    uint32_t cycles[4]; // 0: not published
};
// Pentium III, 500 MHz (L4-Y: 450 MHz).
constexpr Figures published[] = {{"Hazelnut, July 2000      ", {494, 327, 407, 204}},
                                 {"Hazelnut, December 2001  ", {0, 0, 288, 106}},
                                 {"L4-Y (assembly)          ", {475, 387, 347, 181}}};
constexpr const char* names[4] = {"int30 inter", "int30 intra", "sysenter inter", "sysenter intra"};

void print_figure(uint32_t cycles) {
    constexpr unsigned column = 16;
    unsigned digits = 1;
    for (uint32_t rest = cycles; rest >= 10; rest /= 10)
        ++digits;
    for (unsigned space = digits; space < column; ++space)
        l4::print_char(' ');
    if (cycles == 0)
        l4::print_char('-');
    else
        l4::print_decimal(cycles);
}
void print_row(const Figures& row) {
    l4::print_string(row.name);
    for (const uint32_t cycles : row.cycles)
        print_figure(cycles);
    l4::print_char('\n');
}

} // namespace

extern "C" [[noreturn]] void bench_main() {
    start_thread(fault_server, serve_faults);
    start_thread(partner_int30, [] { pingpong::answer(Entry::int30); });
    const l4::ThreadId own = l4::my_id();
    const bool has_sysenter = pingpong::has_sysenter();
    if (has_sysenter)
        start_thread(partner_sysenter, [] { pingpong::answer(Entry::sysenter); });
    const auto other_task = [&](unsigned task, Entry entry, void (*main)()) {
        const l4::ThreadId id = l4::task_new(
            l4::ThreadId::make(task, 0, 0, 0), l4::priority_boot, reinterpret_cast<uint32_t>(main),
            stack_of(4 + static_cast<unsigned>(entry)), own.with_lthread(fault_server));
        l4::thread_schedule(id, l4::schedule_param(l4::priority_boot));
        return id;
    };

    Figures measured{"this kernel              ", {}};
    const auto measure = [&](unsigned figure, l4::ThreadId partner, Entry entry) {
        measured.cycles[figure] = one_way_cycles(partner, entry);
        l4::print_string("pingpong ");
        l4::print_string(names[figure]);
        l4::print_char(' ');
        l4::print_decimal(measured.cycles[figure]);
        l4::print_char('\n');
    };
    measure(0, other_task(partner_task, Entry::int30, [] { pingpong::answer(Entry::int30); }), Entry::int30);
    measure(1, own.with_lthread(partner_int30), Entry::int30);
    if (has_sysenter) {
        measure(2, other_task(partner_task + 1, Entry::sysenter, [] { pingpong::answer(Entry::sysenter); }),
                Entry::sysenter);
        measure(3, own.with_lthread(partner_sysenter), Entry::sysenter);
    }
    l4::print_string(
        "\none-way IPC, cycles           int30 inter     int30 intra  sysenter inter  sysenter intra\n");
    print_row(measured);
    for (const Figures& row : published)
        print_row(row);
    asm volatile("outb %0, %1" : : "a"(uint8_t{0x10}), "Nd"(debug_exit_port));
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}

asm(".section .text.start, \"ax\"\n"
    ".globl _start\n"
    "_start:\n"
    "    movl $bench_stack_top, %esp\n"
    "    call bench_main\n"
    ".section .bss\n"
    "    .balign 16\n"
    "    .skip 8192\n"
    "bench_stack_top:\n"
    ".text\n");
