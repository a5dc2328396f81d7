#include "tests/guest_programs/register_sums.hpp"

namespace workloads {

namespace {

void count_in_registers(uint32_t count, uint32_t (&result)[7]) {
    asm volatile("pushl %%ebp\n\t"
                 "pushl %%eax\n\t" // result
                 "pushl %%ecx\n\t" // rounds left
                 "xorl %%eax, %%eax\n\t"
                 "xorl %%ebx, %%ebx\n\t"
                 "xorl %%ecx, %%ecx\n\t"
                 "xorl %%edx, %%edx\n\t"
                 "xorl %%esi, %%esi\n\t"
                 "xorl %%edi, %%edi\n\t"
                 "xorl %%ebp, %%ebp\n"
                 "1:\n\t"
                 "stc\n\t"
                 "adcl $0, %%eax\n\t"
                 "leal 3(%%ebx), %%ebx\n\t"
                 "leal 5(%%ecx), %%ecx\n\t"
                 "leal 7(%%edx), %%edx\n\t"
                 "leal 11(%%esi), %%esi\n\t"
                 "leal 13(%%edi), %%edi\n\t"
                 "leal 17(%%ebp), %%ebp\n\t"
                 "decl (%%esp)\n\t"
                 "jnz 1b\n\t"
                 "addl $4, %%esp\n\t"
                 "pushl %%eax\n\t"
                 "movl 4(%%esp), %%eax\n\t"
                 "popl (%%eax)\n\t"
                 "movl %%ebx, 4(%%eax)\n\t"
                 "movl %%ecx, 8(%%eax)\n\t"
                 "movl %%edx, 12(%%eax)\n\t"
                 "movl %%esi, 16(%%eax)\n\t"
                 "movl %%edi, 20(%%eax)\n\t"
                 "movl %%ebp, 24(%%eax)\n\t"
                 "popl %%eax\n\t"
                 "popl %%ebp"
                 : "+c"(count)
                 : "a"(&result[0])
                 : "ebx", "edx", "esi", "edi", "memory", "cc");
}

} // namespace

bool registers_count_to(uint32_t count) {
    constexpr uint32_t factors[7] = {1, 3, 5, 7, 11, 13, 17};
    uint32_t sums[7] = {};
    count_in_registers(count, sums);
    for (unsigned i = 0; i < 7; ++i)
        if (sums[i] != count * factors[i])
            return false;
    return true;
}

bool has_x87() {
    uint32_t eax = 1, ebx, ecx, edx;
    asm("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
    return edx & 1;
}

// The compiler makes no use of the x87 in guest programs, so nothing of it needs to be named as changed.
uint32_t count_in_x87(uint32_t count) {
    uint32_t result = 0;
    asm volatile("fldz\n"
                 "1:\n\t"
                 "fld1\n\t"
                 "faddp\n\t"
                 "decl %0\n\t"
                 "jnz 1b\n\t"
                 "fistpl %1"
                 : "+r"(count), "=m"(result)
                 :
                 : "cc");
    return result;
}

} // namespace workloads
