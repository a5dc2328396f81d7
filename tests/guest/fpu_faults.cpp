// Faults of the floating-point unit (SDM vol. 1, 8.6-8.7, vol. 3, 2.5 and 13): device not available by TS,
// EM and MP for each kind of instruction, lazy switching, unmasked exceptions that arrive with the next
// waiting instruction, instructions that do not wait, and the images of FSAVE, FSTENV and FXSAVE.
//
// Left out, since QEMU 7.2 differs from the manual: pending exceptions at other waiting instructions than FWAIT (not
// looked for), IRQ 13 (QEMU aborts), MMX with EM and TS (#NM instead of #UD), stack faults and denormal operands (not
// detected), EMMS with EM or TS (allowed), whether an instruction with an unmasked exception pops and sets the
// precision flag (it does), the reserved halves of environments (0, not ones), the last instruction's and operand's
// addresses and its opcode (0).
#include "tests/guest/runtime/capture.hpp"

using namespace guest;

extern "C" {
alignas(16) uint32_t fpu_image[128];
uint32_t fpu_word;
}

SNIPPET(fpu_load, "fld1; fstp %st(0)");
SNIPPET(fpu_wait, "fwait");
SNIPPET(fpu_no_wait, "fnstsw %ax");
SNIPPET(fpu_init, "fninit");
SNIPPET(fpu_mmx, "movd %eax, %mm0");
SNIPPET(fpu_fxsave, "fxsave fpu_image");
// An exception becomes pending at the third instruction and arrives at FWAIT.
SNIPPET(fpu_divide, "fldz; fld1; fdivp; nop; fwait; nop");
SNIPPET(fpu_divide_no_wait, "fldz; fld1; fdivp; fnstsw %ax; fnclex; fwait; nop");
SNIPPET(fpu_invalid, "fld1; fchs; fsqrt; fwait");
SNIPPET(fpu_overflow, "flds fpu_large; fmul %st(0), %st(0); fstps fpu_word; fwait");
SNIPPET(fpu_inexact, "fld1; flds fpu_three; fdivrp; fwait");
asm(".pushsection .data\n.balign 4\nfpu_large: .long 0x7F000000\nfpu_three: .long 0x40400000\n.popsection");

namespace {

enum : uint32_t {
    cr0_mp = 2,
    cr0_em = 4,
    cr0_ts = 8,
    cr0_ne = 0x20,
    cr0_fpu = cr0_mp | cr0_em | cr0_ts | cr0_ne
};
enum : uint16_t { all_masked = 0x037F, invalid = 1, zero_divide = 4, overflow = 8, precision = 0x20 };

void set_control(uint32_t bits) {
    uint32_t value;
    asm volatile("movl %%cr0, %0" : "=r"(value));
    value = (value & ~uint32_t{cr0_fpu}) | bits;
    asm volatile("movl %0, %%cr0" : : "r"(value));
}
void initialise(uint16_t unmasked) {
    const auto word = static_cast<uint16_t>(all_masked & ~unmasked);
    asm volatile("fninit\n\tfldcw %0" : : "m"(word));
}
uint16_t status() {
    uint16_t word;
    asm volatile("fnstsw %0" : "=a"(word));
    return word;
}

void availability() {
    const struct {
        const char* name;
        Code code;
    } kinds[] = {{"load", fpu_load},   {"fwait", fpu_wait}, {"fnstsw", fpu_no_wait},
                 {"fninit", fpu_init}, {"mmx", fpu_mmx},    {"fxsave", fpu_fxsave}};
    for (const auto& kind : kinds) {
        pc::print(kind.name);
        for (uint32_t bits = 0; bits < 8; ++bits) {
            if (kind.code == fpu_mmx && (bits << 1 & cr0_em) != 0 && (bits << 1 & cr0_ts) != 0)
                continue;
            set_control(cr0_ne);
            asm volatile("fninit");
            set_control(cr0_ne | bits << 1);
            const Outcome outcome = watch(kind.code);
            pc::print(' ');
            if (outcome.ended_by_exception)
                print_exception(outcome.frame);
            else
                pc::print('.');
        }
        pc::print('\n');
    }
    set_control(cr0_ne);
}

// As an operating system does it: the first instruction of a task finds TS set, the handler clears it.
bool switch_lazily(Frame&) {
    asm volatile("clts");
    pc::print("switched ");
    return true;
}
void lazy_switching() {
    set_control(cr0_ne | cr0_mp | cr0_ts);
    set_handler(vector::device_not_available, switch_lazily);
    print_outcome("lazily", watch(fpu_load, 0, Level::user));
    print_outcome("again", watch(fpu_load, 0, Level::user));
    set_handler(vector::device_not_available, nullptr);
}

void attempt(const char* label, Code code, uint16_t unmasked) {
    set_control(cr0_ne);
    initialise(unmasked);
    print_outcome(label, watch(code));
    pc::print(" status ");
    pc::print_hex(status() & 0x80DFu, 4); // without conditions, TOP and the precision flag
    asm volatile("fnclex");
    pc::print(" cleared ");
    pc::print_hex(status() & 0x80FFu, 4);
    pc::print('\n');
}

void exceptions() {
    attempt("masked", fpu_divide, 0);
    attempt("divide", fpu_divide, zero_divide);
    attempt("divide, not waiting", fpu_divide_no_wait, zero_divide);
    attempt("invalid", fpu_invalid, invalid);
    attempt("overflow", fpu_overflow, overflow);
    attempt("inexact", fpu_inexact, precision);
    attempt("masked invalid", fpu_invalid, 0);
}

void print_image(const char* label, unsigned words, unsigned skip_from, unsigned skip_to,
                 bool wide_environment) {
    constexpr unsigned environment_words = 3;
    for (unsigned i = 0; i < environment_words && wide_environment; ++i)
        fpu_image[i] &= 0xFFFF;
    pc::print(label);
    for (unsigned i = 0; i < words; ++i)
        if (i < skip_from || i >= skip_to) {
            pc::print(i % 8 == 7 ? '\n' : ' ');
            pc::print_hex(fpu_image[i]);
        }
    pc::print('\n');
}
void images() {
    // All registers hold numbers: an MMX instruction has been here, and QEMU 7.2 leaves its register's exponent.
    asm volatile("fninit\n\t.rept 8\n\tfldz\n\t.endr");
    initialise(0);
    asm volatile("fldpi\n\tfld1\n\tfchs\n\tfldz\n\tfildl fpu_three");
    memset(fpu_image, 0xEE, sizeof fpu_image);
    asm volatile("fnstenv fpu_image");
    print_image("fstenv", 8, 3, 7, true);
    asm volatile("fldenv fpu_image");
    memset(fpu_image, 0xEE, sizeof fpu_image);
    asm volatile("fnsave fpu_image");
    print_image("fsave", 28, 3, 7, true);
    pc::report("status after fsave", status());
    asm volatile("frstor fpu_image\n\tfistpl fpu_word");
    pc::report("restored", fpu_word);
    memset(fpu_image, 0xEE, sizeof fpu_image);
    asm volatile("data16 fnsave fpu_image");
    print_image("fsave, 16 bits", 24, 1, 4, false);
    asm volatile("data16 frstor fpu_image");
    uint32_t cr4;
    asm volatile("movl %%cr4, %0" : "=r"(cr4));
    asm volatile("movl %0, %%cr4" : : "r"(cr4 | 1 << 9)); // OSFXSR
    memset(fpu_image, 0, sizeof fpu_image);
    asm volatile("fxsave fpu_image");
    fpu_image[6] = fpu_image[7] = 0; // MXCSR and its mask
    print_image("fxsave", 8 + 8 * 4, 1, 8, false);
    asm volatile("fninit\n\tfxrstor fpu_image\n\tfstps fpu_word");
    pc::report("restored", fpu_word);
}

} // namespace

void run() {
    availability();
    lazy_switching();
    exceptions();
    images();
}
