#include "workloads/root/instances.hpp"

#include "kernel-model/abi/syscalls.hpp"
#include "workloads/root/checkpoint_client.hpp"
#include "workloads/root/failure.hpp"
#include "workloads/runtime/memory.hpp"

namespace workloads {

namespace {

// Below the root task and sigma0 (l4::priority_boot), so that their answers never wait for a busy workload.
constexpr unsigned workload_priority = 40, console_log_priority = 45;
// 4^(15-11) * 40 us: 10.24 ms, Hazelnut's time slice as near as the format can say it.
constexpr unsigned time_slice_exponent = 11, time_slice_mantissa = 40;
static_assert(l4::Timeouts::decode_us(time_slice_exponent, time_slice_mantissa) == 10'240);

// Pages on their way to the checkpoint server.
alignas(l4::page_size) constinit uint8_t staging_page[l4::page_size] = {};

l4::ThreadId task_thread(const Instance& instance, unsigned index) {
    if (index >= instance.started_count)
        return l4::ThreadId::make(instance.first_task + index, 0, 0, instance.first_task);
    return l4::ThreadId::make(instance.first_task + index, 0, 1, l4::root_task);
}

[[noreturn]] void fail_to_create(l4::ThreadId created, l4::ThreadId wanted) {
    TextLine line;
    fail(line.text("the kernel created task 0x").hex(created.raw, 8).text(" for 0x").hex(wanted.raw, 8));
}

TextLine& describe(TextLine& line, const Instance& instance) {
    return line.text("module ").text(instance.module->name.data, instance.module->name.length).text(" ");
}

// The number of tasks: argument "tasks", else what the program's header says.
unsigned tasks_wanted(const Instance& instance, const ProgramHeader& header, Arguments& arguments) {
    char key[sizeof header.tasks_argument + 1] = {};
    memcpy(key, header.tasks_argument, sizeof header.tasks_argument);
    uint64_t tasks = header.default_tasks;
    if (key[0])
        tasks = arguments.number(key, tasks, 1, max_tasks_per_instance - header.extra_tasks);
    tasks =
        arguments.number("tasks", tasks + header.extra_tasks, 1 + header.extra_tasks, max_tasks_per_instance);
    if (arguments.bad_key()) {
        TextLine line;
        fail(describe(line, instance).text("has a bad value of argument ").text(arguments.bad_key()));
    }
    return static_cast<unsigned>(tasks);
}

} // namespace

void Instances::parse(const BootModules& modules) {
    const char* const servers[] = {"sigma0.elf", "root.elf", "ide.elf", "checkpoint.elf", "console.elf"};
    if (modules.find("console.elf"))
        console_ = l4::console_driver_thread;
    if (const BootModule* const log = modules.find("console_log.elf"))
        add_console_log(*log);
    for (unsigned i = 0; i < modules.count(); ++i) {
        bool is_program = !modules[i].name.equals("console_log.elf");
        for (const char* const server : servers)
            is_program = is_program && !modules[i].name.equals(server);
        if (is_program)
            add(modules[i]);
    }
}

void Instances::read_program(Instance& instance, const BootModule& module) const {
    TextLine line;
    instance.module = &module;
    if (const char* error = instance.image.parse(module.file, module.file_bytes, program_base, heap_base))
        fail(describe(line, instance).text(error));
    const auto* header =
        reinterpret_cast<const ProgramHeader*>(instance.image.bytes_at(program_base, sizeof(ProgramHeader)));
    if (!header || header->magic != program_header_magic)
        fail(describe(line, instance).text("is no workload program: it has no program header"));
    if (strlen(module.arguments) >= argument_bytes)
        fail(describe(line, instance).text("has more than 1023 characters of arguments"));
    Arguments arguments(module.arguments);
    instance.task_count = tasks_wanted(instance, *header, arguments);
    instance.started_count =
        header->started_tasks < instance.task_count ? header->started_tasks : instance.task_count;
}

void Instances::add(const BootModule& module) {
    TextLine line;
    if (count_ == max_instances)
        fail(line.text("more than 16 workload programs"));
    Instance& instance = instances_[count_];
    read_program(instance, module);
    Arguments arguments(module.arguments);
    instance.number = static_cast<uint32_t>(arguments.number("instance", count_, 0, max_instances - 1));
    for (unsigned other = 0; other < count_; ++other)
        if (instances_[other].number == instance.number)
            fail(describe(line, instance).text("has the instance number of another module"));
    instance.first_task = next_task_;
    next_task_ += instance.task_count;
    const unsigned end = console_log_.module ? l4::console_log_task : l4::task_count;
    if (next_task_ > end)
        fail(line.text("the workload programs need more than ")
                 .decimal(end - l4::first_persistent_task)
                 .text(" tasks"));
    ++count_;
}

void Instances::add_console_log(const BootModule& module) {
    TextLine line;
    if (console_.is_nil())
        fail(line.text("module console_log.elf needs console.elf"));
    read_program(console_log_, module);
    console_log_.first_task = l4::console_log_task;
    console_ = l4::console_log_thread;
}

void Instances::load(const Instance& instance) const {
    const uint32_t first_page = instance.image.low() & ~(l4::page_size - 1);
    for (unsigned index = 0; index < instance.started_count; ++index) {
        const unsigned task = instance.first_task + index;
        for (uint32_t page = first_page; page < instance.image.file_high(); page += l4::page_size) {
            if (!instance.image.page_has_content(page))
                continue;
            instance.image.copy_page(page, staging_page);
            load_page(task, page, staging_page);
        }
        memset(staging_page, 0, sizeof staging_page);
        auto& startup = *reinterpret_cast<StartupPage*>(staging_page);
        startup.magic = startup_magic;
        startup.instance = instance.number;
        startup.task_index = index;
        startup.task_count = instance.task_count;
        startup.processor_frequency_hz = processor_frequency_hz_;
        for (unsigned i = 0; i < instance.task_count; ++i)
            startup.threads[i] = task_thread(instance, i);
        memcpy(startup.arguments, instance.module->arguments, strlen(instance.module->arguments) + 1);
        startup.console = &instance == &console_log_ ? l4::nil_thread : console_;
        load_page(task, startup_page_address, staging_page);
    }
}

void Instances::start_tasks(const Instance& instance, unsigned priority) const {
    for (unsigned index = 0; index < instance.started_count; ++index) {
        const l4::ThreadId thread = task_thread(instance, index);
        const l4::ThreadId created =
            l4::task_new(thread, priority, instance.image.entry(), stack_top, l4::pager_thread);
        if (!(created == thread))
            fail_to_create(created, thread);
        l4::thread_schedule(thread, l4::schedule_param(priority, time_slice_exponent, time_slice_mantissa));
    }
}

void Instances::give_numbers(const Instance& instance) const {
    for (unsigned index = instance.started_count; index < instance.task_count; ++index) {
        const l4::ThreadId number = task_thread(instance, index);
        const l4::ThreadId given = l4::task_new(l4::ThreadId::make(number.task(), 0, 0, l4::root_task),
                                                instance.first_task, 0, 0, l4::nil_thread);
        if (!(given == number))
            fail_to_create(given, number);
    }
}

void Instances::start() const {
    if (console_log_.module) {
        load(console_log_);
        start_tasks(console_log_, console_log_priority);
    }
    for (unsigned i = 0; i < count_; ++i)
        load(instances_[i]);
    for (unsigned i = 0; i < count_; ++i) {
        give_numbers(instances_[i]); // before its first task looks for them
        start_tasks(instances_[i], workload_priority);
    }
}

} // namespace workloads
