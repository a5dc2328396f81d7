// What the root task and a workload program agree on: the program header at the start of the image, the
// start-up page in every task's memory, and the message with which an instance reports its end.
//
// One ELF file makes one *instance* of one or more *tasks*. All tasks of an instance run the same program and
// differ only in their start-up page; the page is part of the persistent world like any other, so a recovered
// task finds it again.
#pragma once

#include "kernel-model/abi/system_layout.hpp"

#include <cstddef>
#include <cstdint>

namespace workloads {

// Address space of a workload task. Everything below l4::user_space_end but page 0 is zero-filled on demand.
inline constexpr uint32_t startup_page_address = 0x00010000u;
inline constexpr uint32_t program_base = 0x00400000u; // program.ld
inline constexpr uint32_t stack_top = program_base;   // grows downwards
inline constexpr uint32_t heap_base = 0x10000000u;    // programs lay out their large tables from here

inline constexpr unsigned max_tasks_per_instance = 128;
inline constexpr unsigned argument_bytes = 1024;

// The first bytes of a program's image (section .program_header, see program.ld): the number of its tasks is
// extra_tasks plus the value of the argument named tasks_argument, or default_tasks where that is not given.
struct ProgramHeader {
    uint32_t magic = 0;
    uint32_t extra_tasks = 0;
    uint32_t default_tasks = 0;
    char tasks_argument[16] = {}; // empty: always extra_tasks + default_tasks
    // The root task starts so many of them. It gives the numbers of the rest to the first task, which may create
    // tasks with them (task_new) and is their chief then; their memory comes from whatever pager it names.
    uint32_t started_tasks = all_tasks;

    static constexpr uint32_t all_tasks = 0xFFFFFFFFu;
};
static_assert(sizeof(ProgramHeader) == 32);
inline constexpr uint32_t program_header_magic = 0x50475046u; // "FPGP"

struct StartupPage {
    uint32_t magic;
    uint32_t instance;   // number of the instance, the first argument of the workload probes
    uint32_t task_index; // own place in threads[]
    uint32_t task_count;
    uint32_t processor_frequency_hz; // 0: not known
    l4::ThreadId
        threads[max_tasks_per_instance]; // lthread 0 of every task; version 0: not started, the first task's
    char arguments[argument_bytes];      // "key=value key=value", NUL-terminated
    l4::ThreadId console; // who prints lines (pager/console_protocol.hpp); nil: only the kernel
};
static_assert(sizeof(StartupPage) <= l4::page_size);
static_assert(offsetof(StartupPage, threads) == 20);
inline constexpr uint32_t startup_magic = 0x53475046u; // "FPGS"

// Report to the root task: w0 = report_tag | instance, w1 = 1 verified, 0 failed. It is sent again and again,
// because the root task is not persistent: after a power cut a new one knows nothing of earlier reports.
inline constexpr uint32_t report_tag = 0x52500000u, report_tag_mask = 0xFFFF0000u;
inline constexpr uint32_t report_interval_us = 50'000;

} // namespace workloads
