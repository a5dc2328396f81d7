// The workload programs of this boot: every module that is no server is one instance, numbered in the order
// of the modules; its tasks get the next free task numbers from l4::first_persistent_task on. Numbers and ids
// depend only on the boot modules, so a recovered world finds the same ones.
//
// console_log.elf is no instance, as nobody waits for its end: with it the world is one with output commit, whose programs
// print through it. Otherwise they print through the console driver, if that is there.
#pragma once

#include "workloads/root/boot_modules.hpp"
#include "workloads/root/elf_image.hpp"
#include "workloads/runtime/startup.hpp"

namespace workloads {

struct Instance {
    const BootModule* module = nullptr;
    ElfImage image;
    uint32_t number = 0; // reported in probes and messages
    unsigned first_task = 0, task_count = 0;
    unsigned started_count =
        0; // the first of them; the rest are numbers for the first task to create tasks with
};

class Instances {
public:
    static constexpr unsigned max_instances = 16;

    // Reads and checks the programs; ends by fail() with what is wrong.
    void parse(const BootModules& modules);
    // What programs are told of the processor.
    void set_processor_frequency(uint32_t hz) { processor_frequency_hz_ = hz; }
    // Gives every task that is started its pages and its start-up page, then starts all of them.
    void start() const;

    unsigned count() const { return count_; }
    const Instance& operator[](unsigned i) const { return instances_[i]; }

private:
    void read_program(Instance& instance, const BootModule& module) const;
    void add(const BootModule& module);
    void add_console_log(const BootModule& module);
    void load(const Instance& instance) const;
    void start_tasks(const Instance& instance, unsigned priority) const;
    void give_numbers(const Instance& instance) const;

    Instance instances_[max_instances] = {};
    unsigned count_ = 0;
    unsigned next_task_ = l4::first_persistent_task;
    Instance console_log_ = {}; // without module: there is none
    l4::ThreadId console_ = l4::nil_thread;
    uint32_t processor_frequency_hz_ = 0;
};

} // namespace workloads
