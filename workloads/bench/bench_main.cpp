// The bench image: loops on the bare PC, each for one thing that makes processor models slow. The same image runs
// on the modelled machine, under QEMU and under Bochs; whoever runs it takes the time between two lines that it
// prints on the serial line:
//   begin NAME
//   end NAME OPERATIONS
// OPERATIONS: what to divide by the time: instructions, for `copy-*` doublewords; 0: whoever can count the
// instructions shall. The command line names the loops to run, none: all; rounds=PERCENT makes all of them longer or
// shorter.
#include "workloads/bare_pc/console.hpp"
#include "workloads/bare_pc/descriptors.hpp"
#include "workloads/bench/compiled_code.hpp"

extern "C" {
void register_loop(uint32_t rounds);
void chase_loop(uint32_t rounds, const void* start);
void store_loop(uint32_t rounds, void* page);
void copy_loop(uint32_t rounds, const void* from, void* to, uint32_t doublewords);
void page_fault_loop(uint32_t rounds, const void* page, uint32_t* entry);
void page_fault_entry();
void interrupt_loop(uint32_t rounds);
void interrupt_entry();
void ring_loop(uint32_t rounds);
void ring_exit_entry();
void address_space_loop(uint32_t rounds, const void* pages);
void port_loop(uint32_t rounds);
extern uint32_t page_directory[1024], page_table[4096];
extern uint8_t interrupt_stack_top[];
}

namespace {

constexpr uint32_t page_bytes = 4096;

// ---- The processor's tables: paging of the first 16 MB, level 3 allowed everywhere; interrupts stay off.

enum : uint16_t { kernel_code = 0x08, kernel_data = 0x10, user_code = 0x18, user_data = 0x20, task = 0x28 };

struct [[gnu::packed]] TaskState { // SDM vol. 3, figure 7-2
    uint32_t link, esp0, ss0, unused[22];
    uint16_t trap, io_map_base;
};
static_assert(sizeof(TaskState) == 104);

TaskState task_state;
uint64_t segments[6], gates[0x32];

void set_up_segments() {
    const auto flat = [](uint32_t access) { return pc::descriptor(0, 0xF'FFFF, access, pc::page_granular); };
    segments[kernel_code / 8] = flat(pc::code_access);
    segments[kernel_data / 8] = flat(pc::data_access);
    segments[user_code / 8] = flat(pc::code_access | pc::user_level);
    segments[user_data / 8] = flat(pc::data_access | pc::user_level);
    segments[task / 8] =
        pc::descriptor(reinterpret_cast<uint32_t>(&task_state), sizeof task_state - 1, pc::tss_available, 0);
    task_state.esp0 = reinterpret_cast<uint32_t>(interrupt_stack_top);
    task_state.ss0 = kernel_data;
    task_state.io_map_base = sizeof task_state;
    const pc::TablePointer table{sizeof segments - 1, reinterpret_cast<uint32_t>(segments)};
    asm volatile("lgdt %0\n\tljmp $8, $1f\n1:\tmovw $16, %%ax\n\tmovw %%ax, %%ds\n\tmovw %%ax, %%es\n\t"
                 "movw %%ax, %%ss\n\tmovw %%ax, %%fs\n\tmovw %%ax, %%gs\n\tmovw $40, %%ax\n\tltr %%ax"
                 :
                 : "m"(table)
                 : "eax", "memory");
}

void set_up_gates() {
    gates[14] = pc::gate(kernel_code, page_fault_entry, pc::interrupt_gate32);
    gates[0x30] = pc::gate(kernel_code, interrupt_entry, pc::interrupt_gate32 | pc::user_level);
    gates[0x31] = pc::gate(kernel_code, ring_exit_entry, pc::interrupt_gate32 | pc::user_level);
    const pc::TablePointer table{sizeof gates - 1, reinterpret_cast<uint32_t>(gates)};
    asm volatile("lidt %0" : : "m"(table));
}

void start_paging() {
    constexpr uint32_t present_writable_user = 7;
    for (uint32_t i = 0; i < 4096; ++i)
        page_table[i] = i * page_bytes | present_writable_user;
    for (uint32_t i = 0; i < 4; ++i)
        page_directory[i] = (reinterpret_cast<uint32_t>(page_table) + i * page_bytes) | present_writable_user;
    uint32_t control;
    asm volatile("movl %1, %%cr3\n\tmovl %%cr0, %0\n\torl $0x80000000, %0\n\tmovl %0, %%cr0"
                 : "=&r"(control)
                 : "r"(page_directory)
                 : "memory");
}

// ---- The loops

alignas(page_bytes) uint8_t pages[16 * page_bytes];
volatile uint32_t sink;

// One cycle through all `lines`, in an order that no stride predicts.
void** chain(uint32_t lines) {
    constexpr uint32_t line_bytes = 64;
    uint32_t place = 0;
    for (uint32_t i = 0; i < lines; ++i) {
        const uint32_t next = (place * 5 + 3) % lines; // a full cycle for every power of two
        *reinterpret_cast<void**>(pages + place * line_bytes) = pages + next * line_bytes;
        place = next;
    }
    return reinterpret_cast<void**>(pages);
}

struct Loop {
    const char* name;
    uint32_t rounds, operations_per_round;
    void (*run)(uint32_t rounds);
};

constexpr uint32_t doublewords_in_page = page_bytes / 4, short_copy = 16;

const Loop loops[] = {
    {"register-alu", 4'000'000, 26, register_loop},
    {"compiled-code", 300, 0, [](uint32_t rounds) { sink = bench::compiled_code(rounds); }},
    {"pointer-chase", 3'000'000, 10, [](uint32_t rounds) { chase_loop(rounds, chain(256)); }},
    {"stores", 24'000, 2564, [](uint32_t rounds) { store_loop(rounds, pages); }},
    {"copy-4096", 150'000, doublewords_in_page,
     [](uint32_t rounds) { copy_loop(rounds, pages, pages + 2 * page_bytes, doublewords_in_page); }},
    {"copy-64", 3'000'000, short_copy,
     [](uint32_t rounds) { copy_loop(rounds, pages, pages + 2 * page_bytes, short_copy); }},
    {"page-fault", 250'000, 12,
     [](uint32_t rounds) {
         page_fault_loop(rounds, pages, &page_table[reinterpret_cast<uint32_t>(pages) / page_bytes]);
     }},
    {"interrupt", 1'500'000, 4, interrupt_loop},
    {"ring-3-0-3", 1'500'000, 4, ring_loop},
    {"address-space", 150'000, 19, [](uint32_t rounds) { address_space_loop(rounds, pages); }},
    {"port-read", 2'000'000, 3, port_loop},
};

void run_loop(const Loop& loop, uint32_t percent) {
    const auto rounds = static_cast<uint32_t>(uint64_t{loop.rounds} * percent / 100);
    pc::print("begin ");
    pc::print(loop.name);
    pc::print("\n");
    pc::wait_for_line();
    loop.run(rounds);
    pc::print("end ");
    pc::print(loop.name);
    pc::print(" ");
    pc::print_decimal(rounds * loop.operations_per_round);
    pc::print("\n");
    pc::wait_for_line();
}

// ---- The command line

struct MultibootInformation { // Multiboot 0.6.96, 3.3
    uint32_t flags, memory_lower, memory_upper, boot_device;
    const char* command_line;
};
constexpr uint32_t has_command_line = 1u << 2;

// Is `word` the beginning of `text`, up to a space or the end?
bool begins_with(const char* text, const char* word) {
    while (*word != 0)
        if (*text++ != *word++)
            return false;
    return *text == 0 || *text == ' ';
}
const char* next_word(const char* text) {
    while (*text != 0 && *text != ' ')
        ++text;
    while (*text == ' ')
        ++text;
    return text;
}

struct Request {
    bool all = true;
    uint32_t percent = 100;
    const char* words = "";

    [[nodiscard]] bool wants(const Loop& loop) const {
        for (const char* word = words; *word != 0; word = next_word(word))
            if (begins_with(word, loop.name))
                return true;
        return all;
    }
};

Request parse(const char* line) {
    Request request;
    request.words = line;
    constexpr const char* rounds = "rounds=";
    for (const char* word = line; *word != 0; word = next_word(word)) {
        const char *from = word, *expected = rounds;
        while (*expected != 0 && *from == *expected)
            ++from, ++expected;
        if (*expected == 0) {
            request.percent = 0;
            for (; *from >= '0' && *from <= '9'; ++from)
                request.percent = request.percent * 10 + static_cast<uint32_t>(*from - '0');
        }
        for (const Loop& loop : loops)
            if (begins_with(word, loop.name))
                request.all = false;
    }
    return request;
}

} // namespace

extern "C" void run(const MultibootInformation* information) {
    // Whatever the boot loader prepends (GRUB: nothing, QEMU: the file's name) names no loop.
    const Request request =
        parse((information->flags & has_command_line) != 0 ? information->command_line : "");
    pc::out8(0x21, 0xFF); // no interrupts from either controller
    pc::out8(0xA1, 0xFF);
    pc::start_console();
    set_up_segments();
    set_up_gates();
    start_paging();
    for (const Loop& loop : loops)
        if (request.wants(loop))
            run_loop(loop, request.percent);
    for (const char* c = "Shutdown"; *c != 0; ++c) // Bochs's way out
        pc::out8(0x8900, static_cast<uint8_t>(*c));
    pc::leave(0);
}
