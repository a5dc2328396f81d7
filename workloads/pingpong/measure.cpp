#include "workloads/pingpong/measure.hpp"

#include "kernel-model/abi/sysenter.hpp"

namespace pingpong {

namespace {

uint64_t read_time_stamp() {
    uint64_t cycles;
    asm volatile("rdtsc" : "=A"(cycles) : : "memory");
    return cycles;
}

// The loops keep all of a call's arguments in registers, so that only the IPC is measured. The partner sends the
// words back: EBX counts. EAX and ESI are 0 and the partner again when a call has succeeded.
#define CALL_LOOP(entry)                                                                                     \
    asm volatile("pushl %%ebp\n"                                                                             \
                 "1: xorl %%ecx, %%ecx\n\txorl %%ebp, %%ebp\n\t" entry "decl %%ebx\n\tjnz 1b\n\tpopl %%ebp"  \
                 : "+b"(rounds), "+S"(partner.raw), "+a"(result)                                             \
                 :                                                                                           \
                 : "ecx", "edx", "edi", "memory", "cc")

#define ANSWER_LOOP(entry)                                                                                   \
    asm volatile("movl $-1, %%eax\n"                                                                         \
                 "1: xorl %%ecx, %%ecx\n\tmovl $1, %%ebp\n\t" entry "jmp 1b"                                 \
                 :                                                                                           \
                 :                                                                                           \
                 : "eax", "ebx", "ecx", "edx", "esi", "edi", "memory", "cc")

} // namespace

bool has_sysenter() {
    return l4::processor_has_sysenter();
}

uint32_t round_trips(l4::ThreadId partner, Entry entry, uint32_t rounds) {
    uint32_t result = l4::send_registers;
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
