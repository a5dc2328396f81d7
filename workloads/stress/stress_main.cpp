// stress: a root task that puts the kernel under load with everything at once, and checks all of it.
//
// Hundreds of threads in ten tasks send messages, map, grant and revoke pages, cancel each other, change priorities,
// create and delete tasks; tasks that are deleted, and mappings that are dropped by the kernel (forget-mappings=MS) at
// any instant must make no difference. All that is done is drawn from the seed (plan.hpp). What comes of it does not
// depend on the order in which threads run, so that it is known: each result is checked where it arrives, and goes
// into a digest, which is the same on every machine.
//
//   operation                   what is known of it
//   message, call, burst        each word, the sender; arrive once, in order, by either entry
//   strings                     each byte, the size of each piece, the dope; what is cut
//   call to a server            the server has counted all calls before it, also those given up or broken off
//   timeout                     both partners send, or both receive: the timeout's code
//   page of a window            its frame by the policy; after revocation the next access faults at the pager; a write
//                               without the right is denied there; the owner finds what it wrote last
//   map, grant to a partner     the receiver sees and writes the sender's frame, until root revokes it; it gets no
//                               right that the sender has not
//   lthread_ex_regs             code of the cancelled phase, old registers; the thread goes on where it was told to
//   task_new                    ids and owners; who talks to the deleted gets "no such thread" or a timeout
//   id_nearest, thread_schedule, x87: exact results
//   the end                     every thread answers, none is lost
//
// Arguments on the module's command line: seed=N operations=N, and plant=none|stale-mapping|lost-call, a fault that
// must be found.
#include "workloads/root/boot_modules.hpp"
#include "workloads/runtime/text_line.hpp"
#include "workloads/stress/conductor.hpp"
#include "workloads/stress/verdict.hpp"

namespace stress {

namespace {

constinit workloads::BootModules modules;

[[noreturn]] void refuse(const char* what, const char* detail) {
    workloads::TextLine().text("stress: ").text(what).text(" ").text(detail).print();
    leave(false);
}

Orders read_orders(const workloads::MultibootInfo& info) {
    if (const char* error = modules.parse(info))
        refuse("boot modules:", error);
    const workloads::BootModule* const self = modules.find("stress.elf");
    workloads::Arguments arguments(self != nullptr ? self->arguments : "");
    constexpr uint64_t operations_max = 1'000'000'000;
    const char* const plants[] = {"none", "stale-mapping", "lost-call"};
    const char* const known[] = {"seed", "operations", "plant"};
    Orders orders;
    orders.seed = static_cast<uint32_t>(arguments.number("seed", 1, 0, 0xFFFFFFFFu));
    orders.operations = arguments.number("operations", 100'000, 1, operations_max);
    orders.plant = arguments.choice("plant", plant_nothing, plants, 3);
    if (arguments.bad_key() != nullptr)
        refuse("cannot read argument", arguments.bad_key());
    if (arguments.unknown_key(known, 3).present())
        refuse("unknown argument; known are", "seed, operations, plant");
    return orders;
}

} // namespace

} // namespace stress

extern "C" [[noreturn, gnu::used]] void stress_main(const workloads::MultibootInfo* info) {
    stress::conduct(stress::read_orders(*info));
}

asm(".section .text.start, \"ax\"\n"
    ".globl _start\n"
    "_start:\n"
    "    movl $stress_stack_end, %esp\n"
    "    xorl %ebp, %ebp\n"
    "    pushl %ebx\n"
    "    call stress_main\n"
    ".section .bss\n"
    "    .balign 4096\n"
    "    .skip 8192\n"
    "stress_stack_end:\n"
    ".text\n");
