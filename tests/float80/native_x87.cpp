#include "tests/float80/native_x87.hpp"

#include <cstring>

namespace fixpoint::tests::native {
namespace {

// FNSAVE's image in 32-bit protected-mode format (SDM vol. 1, figure 8-9), also used in 64-bit mode.
struct [[gnu::packed]] SavedState {
    uint32_t control, status, tag, instruction[2], operand[2];
    uint8_t registers[8][10]; // ST(0) first
};
static_assert(sizeof(SavedState) == 108);

struct [[gnu::packed]] Packed80 {
    uint64_t significand;
    uint16_t sign_exponent;
};

Float80 read(const uint8_t (&image)[10]) {
    Float80 value;
    std::memcpy(&value.significand, image, 8);
    std::memcpy(&value.sign_exponent, image + 8, 2);
    return value;
}

// FLD of 80 bits raises nothing, so the control word can be loaded behind it.
#define FIXPOINT_NATIVE(INSTRUCTION)                                                                         \
    asm volatile("fninit\n\tfldt %[b]\n\tfldt %[a]\n\tfldcw %[control]\n\t" INSTRUCTION                      \
                 "\n\tfnsave %[state]"                                                                       \
                 : [state] "=m"(state), [memory] "+m"(outcome.memory)                                        \
                 : [a] "m"(first), [b] "m"(second), [control] "m"(control), [source] "m"(source)             \
                 : "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "cc")

} // namespace

uint16_t control_word(models::Rounding rounding, uint8_t precision_bits, uint8_t masked) {
    const unsigned precision = precision_bits == 24 ? 0 : precision_bits == 53 ? 2 : 3;
    return static_cast<uint16_t>(masked | precision << 8 | static_cast<unsigned>(rounding) << 10);
}

Outcome execute(Instruction instruction, Float80 a, Float80 b, const uint8_t (&source)[10],
                uint16_t control) {
    const Packed80 first{a.significand, a.sign_exponent};
    const Packed80 second{b.significand, b.sign_exponent};
    SavedState state{};
    Outcome outcome{};
    std::memset(outcome.memory, untouched_memory, sizeof outcome.memory);
    switch (instruction) {
    case Instruction::fadd:
        FIXPOINT_NATIVE("fadd %%st(1), %%st");
        break;
    case Instruction::fsub:
        FIXPOINT_NATIVE("fsub %%st(1), %%st");
        break;
    case Instruction::fmul:
        FIXPOINT_NATIVE("fmul %%st(1), %%st");
        break;
    case Instruction::fdiv:
        FIXPOINT_NATIVE("fdiv %%st(1), %%st");
        break;
    case Instruction::fsqrt:
        FIXPOINT_NATIVE("fsqrt");
        break;
    case Instruction::frndint:
        FIXPOINT_NATIVE("frndint");
        break;
    case Instruction::fscale:
        FIXPOINT_NATIVE("fscale");
        break;
    case Instruction::fxtract:
        FIXPOINT_NATIVE("fxtract");
        break;
    case Instruction::fprem:
        FIXPOINT_NATIVE("fprem");
        break;
    case Instruction::fprem1:
        FIXPOINT_NATIVE("fprem1");
        break;
    case Instruction::fcom:
        FIXPOINT_NATIVE("fcom %%st(1)");
        break;
    case Instruction::fucom:
        FIXPOINT_NATIVE("fucom %%st(1)");
        break;
    case Instruction::fxam:
        FIXPOINT_NATIVE("fxam");
        break;
    case Instruction::fld_m32:
        FIXPOINT_NATIVE("flds %[source]");
        break;
    case Instruction::fld_m64:
        FIXPOINT_NATIVE("fldl %[source]");
        break;
    case Instruction::fild_m64:
        FIXPOINT_NATIVE("fildq %[source]");
        break;
    case Instruction::fbld:
        FIXPOINT_NATIVE("fbld %[source]");
        break;
    case Instruction::fst_m32:
        FIXPOINT_NATIVE("fsts %[memory]");
        break;
    case Instruction::fst_m64:
        FIXPOINT_NATIVE("fstl %[memory]");
        break;
    case Instruction::fist_m16:
        FIXPOINT_NATIVE("fists %[memory]");
        break;
    case Instruction::fist_m32:
        FIXPOINT_NATIVE("fistl %[memory]");
        break;
    case Instruction::fistp_m64:
        FIXPOINT_NATIVE("fistpq %[memory]");
        break;
    case Instruction::fbstp:
        FIXPOINT_NATIVE("fbstp %[memory]");
        break;
    case Instruction::f2xm1:
        FIXPOINT_NATIVE("f2xm1");
        break;
    case Instruction::fyl2x:
        FIXPOINT_NATIVE("fxch\n\tfyl2x");
        break;
    case Instruction::fyl2xp1:
        FIXPOINT_NATIVE("fxch\n\tfyl2xp1");
        break;
    case Instruction::fpatan:
        FIXPOINT_NATIVE("fxch\n\tfpatan");
        break;
    case Instruction::fsin:
        FIXPOINT_NATIVE("fsin");
        break;
    case Instruction::fcos:
        FIXPOINT_NATIVE("fcos");
        break;
    case Instruction::fsincos:
        FIXPOINT_NATIVE("fsincos");
        break;
    case Instruction::fptan:
        FIXPOINT_NATIVE("fptan");
        break;
    case Instruction::fld1:
        FIXPOINT_NATIVE("fld1");
        break;
    case Instruction::fldl2t:
        FIXPOINT_NATIVE("fldl2t");
        break;
    case Instruction::fldl2e:
        FIXPOINT_NATIVE("fldl2e");
        break;
    case Instruction::fldpi:
        FIXPOINT_NATIVE("fldpi");
        break;
    case Instruction::fldlg2:
        FIXPOINT_NATIVE("fldlg2");
        break;
    case Instruction::fldln2:
        FIXPOINT_NATIVE("fldln2");
        break;
    case Instruction::fldz:
        FIXPOINT_NATIVE("fldz");
        break;
    }
    outcome.st0 = read(state.registers[0]);
    outcome.st1 = read(state.registers[1]);
    outcome.status = static_cast<uint16_t>(state.status);
    return outcome;
}

} // namespace fixpoint::tests::native
