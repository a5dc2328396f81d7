// Probes: the only way in which the image speaks to the simulator.
//
// A probe is the long NOP 0F 1F 80 disp32 with disp32 = 0x46580000 | event. It is allowed at every privilege level,
// costs nothing in the model and does nothing on real hardware and in QEMU. Arguments travel in EAX, EDX, ECX, EBX.
// (The assembler pads code with a displacement of 0, so padding is never a probe.)
#pragma once

#include <cstdint>

namespace l4 {

inline constexpr uint32_t probe_marker = 0x46580000u, probe_marker_mask = 0xFFFF0000u;

enum class Probe : uint16_t {
    // The kernel's.
    kernel_entry = 1,  // first instruction after the boot loader
    thread_switch = 2, // eax: id of the thread that runs from here on, 0: idle
    fault_begin = 3,   // eax: address, edx: error code; the thread's page fault goes to a pager
    fault_end = 4,     // the same thread, about to repeat the instruction
    panic = 5,         // kernel, checkpoint server or root gives up; the reason is on the console
    task_space = 6,    // eax: task number, edx: physical address of its page directory (0: deleted)

    // The checkpoint server's.
    stop_begin = 16, // eax: epoch; the stop's first instruction
    snapshot = 17,   // eax: epoch; the snapshot's instant (I1), before the first revocation
    stop_end = 18,   // eax: epoch, edx: pages that became frozen, ecx: TCB pages copied
    committed = 19,  // eax: epoch; durable (I9)
    phase = 20,      // eax: Phase of the running thread from here on
    // eax: task (0: a TCB page), edx: page address there, ecx: physical frame, ebx: PageSource; the frame has
    // its content, nothing maps it yet
    page_placed = 21,
    page_released = 22,  // eax: task, edx: page address; the page has left the world
    page_copied = 23,    // eax: task, edx: page address; a frozen page was copied on a write
    delayed = 24,        // eax: epoch; a checkpoint fell due before the last one was durable
    recovery_begin = 25, // the server has found its disk
    // eax: epoch recovered, 0: a fresh start, edx: 1 after a controlled shutdown; persistent threads may run from here on
    recovery_end = 26,
    snapshot_tables = 27, // eax: epoch; the stop's phases apart: revocation is done, the TCB copy begins
    page_evicted =
        28, // eax: task, edx: page address; nobody maps its frame any more, which gets other content

    // The console's. Lines with a number are held until a checkpoint covers them; 0: passed on at once.
    line_received = 32, // eax: number; a program has printed the line
    line_released = 33, // eax: number; the line leaves the machine from here on

    // The workloads'.
    work = 48,           // eax: workload instance, edx: units of work done since the last such probe
    workload_done = 49,  // eax: workload instance, edx: 1 verified, 0 failed
    workload_check = 50, // eax: workload instance, edx: 1 a check on the way held, 0 it failed
};

enum class PageSource : uint32_t {
    fresh = 0, // never used before
    store = 1, // read from the disk
    moved = 2, // a copy of the frame in which it was
};

// What a thread's cycles are spent on; the simulator keeps the last phase of every thread.
enum class Phase : uint32_t {
    normal = 0,
    stop = 1,        // server: from stop_begin to stop_end
    write_fault = 2, // server: serving a write fault on a protected page; kernel: the fault's path
    copy = 3,        // server: copying a frozen page before a write
    read_fault = 4,  // server: any other page fault (first touch, page-in)
    drain = 5,       // server: writing frozen pages
    commit = 6,      // server: directory and root
    recovery = 7,    // server: reading the last checkpoint
};

// The instruction itself, and its arguments' registers. Guest only.
#if defined(__i386__)

template<Probe event>
inline void probe(uint32_t eax = 0, uint32_t edx = 0, uint32_t ecx = 0, uint32_t ebx = 0) {
    asm volatile(".byte 0x0F, 0x1F, 0x80\n\t.long 0x46580000 + %c[number]"
                 :
                 : [number] "i"(static_cast<unsigned>(event)), "a"(eax), "d"(edx), "c"(ecx), "b"(ebx)
                 : "memory");
}
#endif

} // namespace l4
