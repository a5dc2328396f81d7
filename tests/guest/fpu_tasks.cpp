// The floating-point unit shared by tasks as an operating system of the time shares it (SDM vol. 3, 2.5 and 13.4): a
// hardware task switch sets CR0.TS, the first floating-point or MMX instruction of a task that does not own the
// unit ends in #NM, whose handler saves the owner's state and loads the task's own.
#include "tests/guest/runtime/capture.hpp"

using namespace guest;

enum : uint16_t { other_task = first_free };

extern "C" {
Tss fpu_tasks_tss;
uint32_t fpu_tasks_stack[256], fpu_tasks_results[3], fpu_tasks_five = 5, fpu_tasks_three = 3,
                                                     fpu_tasks_half = 0x3F000000; // 0.5f
uint16_t fpu_tasks_round_down = 0x077F;
void fpu_tasks_other();
}

// Both tasks keep a sum on their stack and note half of it, rounded as each likes it; the other one also counts in an
// MMX register, every second time it is called.
asm(R"(
    .pushsection .text
fpu_tasks_other:
    fninit
    fldcw fpu_tasks_round_down
    fldz
1:  fiaddl fpu_tasks_three
    fld %st(0)
    fmuls fpu_tasks_half
    fistpl fpu_tasks_results + 4
    iret
    fnsave fpu_tasks_image
    movd fpu_tasks_three, %mm5
    paddd %mm5, %mm5
    movd %mm5, fpu_tasks_results + 8
    emms
    frstor fpu_tasks_image
    iret
    jmp 1b
    .popsection
    .pushsection .bss
fpu_tasks_image:
    .skip 108
    .popsection
)");
SNIPPET(begin, "fninit; fldz");
SNIPPET(step, "fiaddl fpu_tasks_five; fld %st(0); fmuls fpu_tasks_half; fistpl fpu_tasks_results");
SNIPPET(call_other, "lcall $0x30, $0");
SNIPPET(wait, "fwait");

namespace {

constexpr uint32_t cr0_mp = 2, cr0_em = 4, cr0_ts = 8, cr0_ne = 0x20;
unsigned owner, faults;
bool used[2];
uint32_t images[2][27];

uint32_t cr0() {
    uint32_t value;
    asm volatile("movl %%cr0, %0" : "=r"(value));
    return value;
}

bool give_unit(Frame&) {
    uint16_t task;
    asm volatile("clts\n\tstr %0" : "=r"(task));
    const unsigned current = task == other_task ? 1 : 0;
    ++faults;
    if (current == owner)
        return true;
    asm volatile("fnsave %0" : "=m"(images[owner]));
    used[owner] = true;
    if (used[current])
        asm volatile("frstor %0" : : "m"(images[current]));
    owner = current;
    return true;
}

void act(const char* label, Code code) {
    print_outcome(label, watch(code));
    pc::print(" results");
    for (const uint32_t result : fpu_tasks_results) {
        pc::print(' ');
        pc::print_decimal(result);
    }
    pc::print(" faults ");
    pc::print_decimal(faults);
    pc::print((cr0() & cr0_ts) != 0 ? " ts" : " no ts");
    pc::print(owner == 0 ? " owner main\n" : " owner other\n");
}

} // namespace

void run() {
    asm volatile("movl %0, %%cr0" : : "r"((cr0() & ~(cr0_em | cr0_ts)) | cr0_mp | cr0_ne));
    set_handler(vector::device_not_available, give_unit);
    Tss& tss = fpu_tasks_tss;
    tss.eip = reinterpret_cast<uint32_t>(fpu_tasks_other);
    tss.eflags = flag::always;
    tss.esp = reinterpret_cast<uint32_t>(fpu_tasks_stack + 256);
    tss.cs = kernel_code;
    tss.ss = tss.ds = tss.es = kernel_data;
    set_segment(other_task,
                descriptor(reinterpret_cast<uint32_t>(&tss), sizeof tss - 1, tss_available, byte_granular16));
    act("begin", begin);
    for (unsigned round = 0; round < 3; ++round) {
        act("step", step);
        act("other", call_other);
        act("other again", call_other);
        act("other once more", call_other);
        act("step", step);
        act("step again", step);
    }
    // WAIT is an instruction of the unit where MP is set, the switch back sets TS as well.
    act("other", call_other);
    act("wait", wait);
    act("wait again", wait);
}
