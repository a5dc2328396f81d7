// The kernel's command line: `tcb-pager=TASK paged-tasks=TASK timer=pit|rtc|apic forget-mappings=MS panic=test`. The
// first word is the file's name.
#pragma once

#include "kernel-model/devices/timer.hpp"

namespace kernel {

struct CommandLine {
    unsigned tcb_pager_task = 0; // 0: none, all TCBs in the kernel's own memory
    unsigned paged_tasks = 0;    // by default from 16 on, without TCB pager none
    TimerSource timer = TimerSource::pit;
    bool panics = false;             // panic=test: by an undefined instruction, once the first threads exist
    unsigned forget_mappings_ms = 0; // 0: never; for tests of I7
};

// Refuses to boot, naming the word, on what it does not understand.
CommandLine parse_command_line(const char* text);

} // namespace kernel
