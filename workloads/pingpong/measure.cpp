#include "workloads/pingpong/measure.hpp"

#include "kernel-model/abi/sysenter.hpp"

namespace pingpong {

namespace {

uint64_t read_time_stamp() {
    uint64_t cycles;
    asm volatile("rdtsc" : "=A"(cycles) : : "memory");
    return cycles;
}

// The loops keep all of a call's arguments in registers, so that only the IPC is measured: ECX, EBP and ESI are
// loaded anew each time, EAX, EBX, EDX and EDI go round.
#define CALL_LOOP(entry)                                                                                     \
    asm volatile("pushl %%ebp\n"                                                                             \
                 "1: pushl %%esi\n\tpushl %[rounds]\n\t"                                                     \
                 "xorl %%eax, %%eax\n\txorl %%ecx, %%ecx\n\txorl %%ebp, %%ebp\n\t" entry                     \
                 "popl %[rounds]\n\tpopl %%esi\n\tdecl %[rounds]\n\tjnz 1b\n\tpopl %%ebp"                    \
                 : [rounds] "+D"(rounds), "+S"(partner.raw)                                                  \
                 :                                                                                           \
                 : "eax", "ebx", "ecx", "edx", "memory", "cc")

#define ANSWER_LOOP(entry)                                                                                   \
    asm volatile("movl $-1, %%eax\n"                                                                         \
                 "1: xorl %%ecx, %%ecx\n\tmovl $1, %%ebp\n\t" entry "xorl %%eax, %%eax\n\tjmp 1b"            \
                 :                                                                                           \
                 :                                                                                           \
                 : "eax", "ebx", "ecx", "edx", "esi", "edi", "memory", "cc")

} // namespace

bool has_sysenter() {
    return l4::processor_has_sysenter();
}

uint32_t round_trips(l4::ThreadId partner, Entry entry, uint32_t rounds) {
    const uint64_t start = read_time_stamp();
    if (entry == Entry::sysenter)
        CALL_LOOP(L4_IPC_SYSENTER);
    else
        CALL_LOOP("int $0x30\n\t");
    return static_cast<uint32_t>(read_time_stamp() - start);
}

void answer(Entry entry) {
    if (entry == Entry::sysenter)
        ANSWER_LOOP(L4_IPC_SYSENTER);
    else
        ANSWER_LOOP("int $0x30\n\t");
    __builtin_unreachable();
}

} // namespace pingpong
