// Virtual-8086 mode entered and left by task switches (SDM vol. 3, 20.2.2 and 7.3): the VM flag, the segments and what an
// interrupt through a task gate saves of them, and the stack that a fault in such a task uses.
//
// Left out: the extensions of CR4.VME, with the bitmap of redirected interrupts (QEMU 7.2 has none, its CPUID says so).
#include "tests/guest/runtime/capture.hpp"

using namespace guest;

enum : uint16_t { v86_task = first_free };

extern "C" {
extern const char v86_code[], v86_code_end[], v86_fault[];
Tss v86_tss;
uint32_t v86_level0_stack[256];
}

asm(R"(
    .pushsection .text
    .code16
v86_code:
    movw $0x1234, %bx
    movw %bx, %fs
    pushw %bx
    int $0x43           # a task gate: back to the first task
    movw %fs, %cx
    popw %dx
    pushfl
    popl %esi
v86_fault:
    hlt
    .code32
v86_code_end:
    .popsection
)");
// The first task goes on behind the jump, nested in the task it has left: IRET goes back there.
SNIPPET(to_v86_and_back, "ljmp $0x30, $0; iret");
SNIPPET(call_v86, "lcall $0x30, $0; nop");

namespace {

constexpr uint32_t code_paragraph = 0x800, data_paragraph = 0x900, stack_paragraph = 0xA00;
constexpr uint32_t busy_bit = 1u << 9;

void prepare() {
    memset(&v86_tss, 0, sizeof v86_tss);
    v86_tss.eflags = flag::always | flag::v86 | flag::iopl;
    v86_tss.cs = code_paragraph;
    v86_tss.ss = stack_paragraph;
    v86_tss.esp = 0x100;
    v86_tss.ds = data_paragraph;
    v86_tss.es = data_paragraph + 1;
    v86_tss.gs = 0xFFFF;
    v86_tss.ebx = 0xAAAA5555;
    v86_tss.ss0 = kernel_data;
    v86_tss.esp0 = reinterpret_cast<uint32_t>(v86_level0_stack + 256);
    v86_tss.io_map = sizeof v86_tss;
    set_segment(v86_task, descriptor(reinterpret_cast<uint32_t>(&v86_tss), sizeof v86_tss - 1, tss_available,
                                     byte_granular16));
}

void print_words(const char* label, std::initializer_list<uint32_t> values) {
    pc::print(label);
    for (const uint32_t value : values) {
        pc::print(' ');
        pc::print_hex(value & 0xFFFF, 4);
    }
    pc::print('\n');
}

void print_task(const char* label) {
    uint16_t task;
    asm volatile("clts\n\tstr %0" : "=r"(task));
    pc::print(label);
    pc::print(" tr ");
    pc::print_hex(task, 2);
    pc::print((segments[main_task >> 3] >> 32 & busy_bit) != 0 ? " main busy" : " main free");
    pc::print((segments[v86_task >> 3] >> 32 & busy_bit) != 0 ? " other busy\n" : " other free\n");
}

void attempt(const char* label, Code code) {
    prepare();
    const Outcome outcome = watch(code);
    print_task(label);
    const Frame& frame = outcome.frame;
    print_exception(frame);
    print_words(" frame: cs ss es ds fs gs",
                {frame.cs, frame.ss, frame.v86_es, frame.v86_ds, frame.v86_fs, frame.v86_gs});
    print_words("at, sp", {frame.eip - static_cast<uint32_t>(v86_fault - v86_code), frame.esp});
    print_words("bx cx dx", {frame.ebx, frame.ecx, frame.edx});
    pc::report("ebx", frame.ebx);
    pc::report("flags", frame.eflags & (flag::v86 | flag::iopl | flag::nested | flag::interrupt));
    pc::report("flags seen", frame.esi & (flag::v86 | flag::iopl | flag::nested | flag::interrupt));
    print_words("saved: link", {v86_tss.link});
    print_words("saved: cs ss es ds fs gs",
                {v86_tss.cs, v86_tss.ss, v86_tss.es, v86_tss.ds, v86_tss.fs, v86_tss.gs});
    print_words("saved: ip sp bx", {v86_tss.eip, v86_tss.esp, v86_tss.ebx});
    pc::report("saved: flags", v86_tss.eflags & (flag::v86 | flag::iopl | flag::nested | flag::interrupt));
    print_words("main's link", {main_tss.link});
    segments[main_task >> 3] &= ~(uint64_t{busy_bit} << 32);
    asm volatile("pushfl\n\tandl $~0x4000, (%%esp)\n\tpopfl\n\tltr %w0" : : "r"(uint32_t{main_task}));
}

} // namespace

void run() {
    memcpy(reinterpret_cast<void*>(code_paragraph << 4), v86_code,
           static_cast<unsigned>(v86_code_end - v86_code));
    pc::out8(0x21, 0xFF);
    pc::out8(0xA1, 0xFF);
    gates[0x43] = gate(main_task, 0u, task_gate | user_level);
    attempt("jump", to_v86_and_back);
    attempt("call", call_v86); // the gate's task is busy
}
