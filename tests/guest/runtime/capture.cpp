#include "tests/guest/runtime/capture.hpp"

namespace guest {

extern "C" {
uint64_t segments[segment_entries];
uint64_t gates[256];
Tss main_tss;
extern const char vector_entries[];
extern char entry_stack_top[];
void call_watched(Code code, uint32_t argument, uint32_t user, uint32_t user_flags);
void call_watched_frame(const Frame* frame);
}

namespace {

constexpr uint32_t vector_entry_bytes = 16;
Handler handlers[256];
Outcome outcome;

void load_tables() {
    static const TablePointer segment_table{sizeof segments - 1, reinterpret_cast<uint32_t>(segments)};
    static const TablePointer gate_table{sizeof gates - 1, reinterpret_cast<uint32_t>(gates)};
    asm volatile("lgdt %0\n\tlidt %1\n\tljmp $8, $1f\n1:\tmovl %2, %%ds\n\tmovl %2, %%es\n\tmovl %2, %%ss\n\t"
                 "movl %2, %%fs\n\tmovl %2, %%gs\n\tltr %w3\n\tlldt %w4"
                 :
                 : "m"(segment_table), "m"(gate_table), "r"(uint32_t{kernel_data}), "r"(uint32_t{main_task}),
                   "r"(0)
                 : "memory");
}

} // namespace

extern "C" void set_up_capture() {
    pc::start_console();
    set_segment(kernel_code, descriptor(0, 0xF'FFFF, code_access, page_granular));
    set_segment(kernel_data, descriptor(0, 0xF'FFFF, data_access, page_granular));
    set_segment(user_code, descriptor(0, 0xF'FFFF, code_access | user_level, page_granular));
    set_segment(user_data, descriptor(0, 0xF'FFFF, data_access | user_level, page_granular));
    set_segment(main_task,
                descriptor(reinterpret_cast<uint32_t>(&main_tss), sizeof main_tss - 1, tss_available, 0));
    main_tss.ss0 = kernel_data;
    main_tss.esp0 = reinterpret_cast<uint32_t>(entry_stack_top);
    main_tss.io_map = sizeof main_tss; // no ports at level 3
    for (unsigned number = 0; number < 256; ++number) {
        const bool from_user =
            number == vector::breakpoint || number == vector::overflow || number == vector::end;
        gates[number] = gate(kernel_code, vector_entry(number),
                             interrupt_gate32 | (from_user ? uint32_t{user_level} : 0u));
    }
    load_tables();
}

extern "C" [[noreturn]] void leave_program() {
    pc::leave(0x10);
}

// Zero: the watched call is over.
extern "C" uint32_t on_exception(Frame* frame) {
    uint32_t cr2;
    asm volatile("movl %%cr2, %0" : "=r"(cr2));
    if (const Handler handler = handlers[frame->vector]; handler != nullptr && handler(*frame))
        return 1;
    outcome.ended_by_exception = frame->vector != vector::end;
    outcome.cr2 = cr2;
    outcome.frame = *frame;
    return 0;
}

Outcome watch(Code code, uint32_t argument, Level level, uint32_t user_flags) {
    outcome = {};
    outcome.code = code;
    call_watched(code, argument, static_cast<uint32_t>(level), user_flags);
    return outcome;
}

Outcome watch_frame(const Frame& frame) {
    outcome = {};
    call_watched_frame(&frame);
    return outcome;
}

uint32_t vector_entry(unsigned number) {
    return reinterpret_cast<uint32_t>(vector_entries) + number * vector_entry_bytes;
}

void set_handler(uint32_t number, Handler handler) {
    handlers[number] = handler;
}

void print_exception(const Frame& frame) {
    static const char* const names[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF",
                                        "9",   "#TS", "#NP", "#SS", "#GP", "#PF", "15",  "#MF", "#AC"};
    constexpr uint32_t with_error_code = 1 << 8 | 0x1F << 10 | 1 << 17;
    if (frame.vector < sizeof names / sizeof *names) {
        pc::print(names[frame.vector]);
    } else {
        pc::print("INT ");
        pc::print_hex(frame.vector, 2);
    }
    if (frame.vector < 32 && (with_error_code >> frame.vector & 1) != 0) {
        pc::print('(');
        pc::print_hex(frame.error, 4);
        pc::print(')');
    }
}

void print_outcome(const char* label, const Outcome& result) {
    pc::print(label);
    pc::print(": ");
    if (!result.ended_by_exception) {
        pc::print("done\n");
        return;
    }
    print_exception(result.frame);
    pc::print(" at +");
    pc::print_hex(result.frame.eip - reinterpret_cast<uint32_t>(result.code), 2);
    pc::print('\n');
}

} // namespace guest

// The compiler may call these for copies of structures. As string instructions, or it would make calls of
// loops.
extern "C" void* memcpy(void* to, const void* from, unsigned bytes) {
    void* const start = to;
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
    return start;
}
extern "C" void* memset(void* to, int value, unsigned bytes) {
    void* const start = to;
    asm volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
    return start;
}
