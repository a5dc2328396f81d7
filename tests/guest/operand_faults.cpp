// Page faults of memory operands, whatever the instruction makes of them: read and written, on the stack, by string
// instructions that have got somewhere, of the floating-point unit, and all of them over the end of a page whose
// neighbour is absent. Each fault comes before the instruction has changed a register; string instructions
// keep what they have done (SDM vol. 3, 6.6; vol. 2, REP).
//
// For each operand, at levels 0 and 3: the target page absent, read-only; absent, with the operand's first byte, half
// of it, all but its last byte in the page before. A dot: no fault. A digit: the error code, "!" if the address
// is wrong or the floating-point stack has moved.
//
// Left out, since QEMU 7.2 differs from the manual: segment limits (not checked), the write bit where an instruction
// reads and then writes, what a store over two pages leaves in the first (part of it), FLDENV and FRSTOR (some
// registers are loaded), where exactly BCD operands fault and what TOP is after a fault of an MMX instruction.
#include "tests/guest/runtime/capture.hpp"
#include "tests/guest/runtime/paging.hpp"

using namespace guest;

extern "C" {
alignas(4096) uint8_t operand_faults_good[4096], operand_faults_target[4096];
uint8_t operand_faults_scratch[128];
}

#define STRING(name, text) SNIPPET(name, "movl %eax, %esi; movl %eax, %edi; movl $12, %ecx; " text)

SNIPPET(near_return, "");
SNIPPET(op_add, "addl %edx, (%eax)");
SNIPPET(op_adc, "stc; adcl %edx, (%eax)");
SNIPPET(op_inc, "incl (%eax)");
SNIPPET(op_not, "notl (%eax)");
SNIPPET(op_shift, "shll $3, (%eax)");
SNIPPET(op_rotate, "rcrl $1, (%eax)");
SNIPPET(op_double_shift, "shldl $5, %edx, (%eax)");
SNIPPET(op_exchange, "xchgl %edx, (%eax)");
SNIPPET(op_compare_exchange, "movl %eax, %ecx; xorl %eax, %eax; lock cmpxchgl %edx, (%ecx)");
SNIPPET(op_exchange_add, "xaddl %edx, (%eax)");
SNIPPET(op_bit, "btsl $7, (%eax)");
SNIPPET(op_bit_string, "leal -64(%eax), %ecx; movl $519, %edx; btrl %edx, (%ecx)");
SNIPPET(op_set, "sete (%eax)");
SNIPPET(op_multiply, "imull (%eax), %edx");
SNIPPET(op_divide, "movl %eax, %ecx; xorl %edx, %edx; movl $1, %eax; divl (%ecx)");
SNIPPET(op_store_segment, "movw %ds, (%eax)");
SNIPPET(op_load_pointer, "lesl (%eax), %edx");
SNIPPET(op_jump, "jmp *(%eax)");
SNIPPET(op_jump_far, "ljmp *(%eax)");
SNIPPET(op_table, "leal -4(%eax), %ebx; movl $4, %eax; xlatb");
SNIPPET(op_bound, "movl $0, %edx; boundl %edx, (%eax)");
SNIPPET(op_store_table, "sgdt (%eax)");
SNIPPET(op_mmx_load, "movq (%eax), %mm0; emms");
SNIPPET(op_mmx_store, "movq %mm0, (%eax); emms");
SNIPPET(op_push_memory, "pushl (%eax)");
SNIPPET(op_call, "call *(%eax)");

SNIPPET(fpu_load32, "flds (%eax)");
SNIPPET(fpu_load64, "fldl (%eax)");
SNIPPET(fpu_load80, "fldt (%eax)");
SNIPPET(fpu_load_integer, "fildl (%eax)");
SNIPPET(fpu_load_decimal, "fbld (%eax)");
SNIPPET(fpu_add, "fadds (%eax)");
SNIPPET(fpu_compare, "fcomps (%eax)");
SNIPPET(fpu_store32, "fstps (%eax)");
SNIPPET(fpu_store64, "fstpl (%eax)");
SNIPPET(fpu_store80, "fstpt (%eax)");
SNIPPET(fpu_store_integer, "fistpll (%eax)");
SNIPPET(fpu_store_decimal, "fbstp (%eax)");
SNIPPET(fpu_load_control, "fldcw (%eax)");
SNIPPET(fpu_store_control, "fnstcw (%eax)");
SNIPPET(fpu_store_status, "fnstsw (%eax)");
SNIPPET(fpu_store_environment, "fnstenv (%eax)");
SNIPPET(fpu_save, "fnsave (%eax)");

STRING(string_move_from, "movl $operand_faults_scratch + 64, %edi; rep movsb");
STRING(string_move_to, "movl $operand_faults_scratch + 64, %esi; rep movsb");
STRING(string_move_wide, "movl $operand_faults_scratch + 64, %esi; rep movsl");
STRING(string_store, "rep stosb");
STRING(string_store_wide, "rep stosl");
STRING(string_load, "rep lodsb");
STRING(string_scan, "movb $0x55, %al; repne scasb");
STRING(string_compare, "movl $operand_faults_scratch + 64, %esi; repe cmpsb");
STRING(string_compare_other, "movl $operand_faults_scratch + 64, %edi; repe cmpsw");
STRING(string_in, "movl $0x3FF, %edx; rep insb");
STRING(string_out, "movl $0x3FF, %edx; rep outsb");

namespace {

constexpr unsigned good_page = 4, target_page = 5; // of the window
constexpr uint32_t target = paging::window + target_page * paging::page_bytes;
constexpr uint32_t write_bit = 2, middle_of_scratch = 64;

struct Operand {
    const char* name;
    Code code;
    uint32_t bytes;
    uint32_t hidden = 0; // bits of the error code
    bool exact = true;   // QEMU 7.2 agrees on the address and on the stack
};
const Operand operands[] = {
    {"add", op_add, 4, write_bit},
    {"adc", op_adc, 4, write_bit},
    {"inc", op_inc, 4, write_bit},
    {"not", op_not, 4, write_bit},
    {"shl", op_shift, 4, write_bit},
    {"rcr", op_rotate, 4, write_bit},
    {"shld", op_double_shift, 4, write_bit},
    {"xchg", op_exchange, 4, write_bit},
    {"cmpxchg", op_compare_exchange, 4, write_bit},
    {"xadd", op_exchange_add, 4, write_bit},
    {"bts", op_bit, 4, write_bit},
    {"btr register", op_bit_string, 4, write_bit},
    {"setcc", op_set, 1},
    {"imul", op_multiply, 4},
    {"div", op_divide, 4},
    {"mov from sreg", op_store_segment, 2},
    {"les", op_load_pointer, 6},
    {"jmp", op_jump, 4},
    {"ljmp", op_jump_far, 6},
    {"xlat", op_table, 1},
    {"bound", op_bound, 8},
    {"sgdt", op_store_table, 6},
    {"movq load", op_mmx_load, 8, 0, false},
    {"movq store", op_mmx_store, 8, 0, false},
    {"push", op_push_memory, 4},
    {"call", op_call, 4},
    {"fld m32", fpu_load32, 4},
    {"fld m64", fpu_load64, 8},
    {"fld m80", fpu_load80, 10},
    {"fild", fpu_load_integer, 4},
    {"fbld", fpu_load_decimal, 10, 0, false},
    {"fadd", fpu_add, 4},
    {"fcomp", fpu_compare, 4},
    {"fstp m32", fpu_store32, 4},
    {"fstp m64", fpu_store64, 8},
    {"fstp m80", fpu_store80, 10},
    {"fistp", fpu_store_integer, 8},
    {"fbstp", fpu_store_decimal, 10, 0, false},
    {"fldcw", fpu_load_control, 2},
    {"fnstcw", fpu_store_control, 2},
    {"fnstsw", fpu_store_status, 2},
    {"fnstenv", fpu_store_environment, 28},
    {"fnsave", fpu_save, 108},
};

// What an instruction may find in its operand: somewhere to go to.
struct [[gnu::packed]] Destination {
    uint32_t offset;
    uint16_t selector;
};

uint16_t stack_top() {
    constexpr uint16_t top_mask = 0x3800;
    uint16_t word;
    asm volatile("fnstsw %0" : "=a"(word));
    return word & top_mask;
}

void fill_pages() {
    memset(operand_faults_good, 0, sizeof operand_faults_good);
    memset(operand_faults_target, 0, sizeof operand_faults_target);
}

// `before`: bytes of the operand in the good page; without any it is in the middle of the target page.
void attempt(const Operand& operand, Level level, uint32_t before) {
    constexpr uint32_t middle = 0x20;
    fill_pages();
    const Destination destination{reinterpret_cast<uint32_t>(near_return),
                                  level == Level::user ? user_code : kernel_code};
    memcpy(operand_faults_target + middle, &destination, sizeof destination);
    asm volatile("fninit\n\tfld1\n\tfldpi");
    const uint16_t top = stack_top();
    const uint32_t expected = before != 0 ? target : target + middle;
    const Outcome outcome = watch(operand.code, expected - before, level);
    if (!outcome.ended_by_exception)
        return pc::print('.');
    if (outcome.frame.vector != vector::page_fault)
        return print_exception(outcome.frame);
    pc::print_hex(outcome.frame.error & ~operand.hidden, 1);
    if (operand.exact && (outcome.cr2 != expected || stack_top() != top))
        pc::print('!');
}

void all_operands() {
    using namespace paging;
    map(good_page, address(operand_faults_good) | all_rights);
    for (const Operand& operand : operands) {
        pc::print(operand.name);
        for (const uint32_t entry : {0u, address(operand_faults_target) | present | user}) {
            map(target_page, entry);
            pc::print(' ');
            attempt(operand, Level::kernel, 0);
            attempt(operand, Level::user, 0);
        }
        map(target_page, 0);
        for (const uint32_t before : {1u, operand.bytes / 2, operand.bytes - 1}) {
            if (before == 0 || before >= operand.bytes)
                continue;
            pc::print(' ');
            attempt(operand, Level::kernel, before);
            attempt(operand, Level::user, before);
        }
        pc::print('\n');
    }
}

const struct {
    const char* name;
    Code code;
    uint32_t width;
} strings[] = {
    {"movsb from", string_move_from, 1},
    {"movsb to", string_move_to, 1},
    {"movsl to", string_move_wide, 4},
    {"stosb", string_store, 1},
    {"stosl", string_store_wide, 4},
    {"lodsb", string_load, 1},
    {"scasb", string_scan, 1},
    {"cmpsb", string_compare, 1},
    {"cmpsw", string_compare_other, 2},
    {"insb", string_in, 1},
    {"outsb", string_out, 1},
};

void string_fault(const char* name, Code code, uint32_t start, uint32_t flags) {
    fill_pages();
    const Outcome outcome = watch(code, start, Level::user, flag::always | flag::iopl | flags);
    print_outcome(name, outcome);
    pc::print(" cr2 ");
    pc::print_hex(outcome.cr2 - target);
    pc::print(" left ");
    pc::print_hex(outcome.frame.ecx, 2);
    const uint32_t scratch = paging::address(operand_faults_scratch[middle_of_scratch]);
    for (const uint32_t pointer : {outcome.frame.esi, outcome.frame.edi}) {
        const bool in_window = pointer - paging::window < paging::entries * paging::page_bytes;
        pc::print(in_window ? " window " : " scratch ");
        pc::print_hex(pointer - (in_window ? target : scratch));
    }
    pc::print('\n');
}

// Upwards into the absent target page; downwards from it into the absent page before it.
void all_strings() {
    using namespace paging;
    for (const auto& one : strings) {
        map(good_page, address(operand_faults_good) | all_rights);
        map(target_page, 0);
        string_fault(one.name, one.code, target - 3 * one.width, 0);
        if (one.width > 1)
            string_fault(one.name, one.code, target - 3 * one.width + 1, 0);
        map(good_page, 0);
        map(target_page, address(operand_faults_target) | all_rights);
        string_fault(one.name, one.code, target + 2 * one.width, flag::direction);
        if (one.width > 1)
            string_fault(one.name, one.code, target + 2 * one.width - 1, flag::direction);
    }
}

} // namespace

void run() {
    constexpr uint16_t serial_scratch = 0x3FF; // reads as it was written
    paging::switch_on();
    pc::out8(serial_scratch, 0x5A);
    all_operands();
    all_strings();
}
