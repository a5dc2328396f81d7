#include "kernel-model/boot/start_servers.hpp"

#include "kernel-model/arch/layout.hpp"
#include "kernel-model/boot/elf_loader.hpp"
#include "kernel-model/panic.hpp"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/task.hpp"
#include "kernel-model/thread/tcb_array.hpp"

namespace kernel {

namespace {

constexpr unsigned mcp_max = 255;

l4::MemoryRange payload(const multiboot::Module& module) {
    return {module.start, module.end};
}

Tcb& start(l4::ThreadId id, const l4::BootServer& server, l4::ThreadId pager, uint32_t eax, uint32_t ebx) {
    Tcb& thread = tcb_of(id);
    const unsigned page = index_of(thread) / tcbs_per_page;
    require(provide_tcb_page(page), "no memory for the first TCBs");
    require(activate_task(id, id.chief(), mcp_max), "no memory for the first address spaces");
    initialise_thread(thread, id, server.eip, server.esp, pager, l4::priority_boot, default_slice_us);
    thread.frame.eax = eax;
    thread.frame.ebx = ebx;
    scheduler.make_ready(thread);
    return thread;
}

} // namespace

void load_servers(const BootInformation& boot) {
    if (boot.servers_loaded)
        return;
    OccupiedRange occupied[modules_max + 4];
    unsigned count = 0;
    occupied[count++] = {kernel_info.reserved0, "the kernel"};
    occupied[count++] = {kernel_info.reserved1, "the kernel's memory"};
    occupied[count++] = {{boot.information, boot.used_end}, "the boot information"};
    for (unsigned index = 0; index < boot.module_count; ++index)
        occupied[count++] = {payload(boot.modules[index]), "a module's file"};

    const LoadedProgram sigma0 =
        load_elf("sigma0", payload(boot.modules[0]), occupied, count, boot.memory_bytes);
    occupied[count++] = {sigma0.memory, "sigma0"};
    const LoadedProgram root = load_elf("root", payload(boot.modules[1]), occupied, count, boot.memory_bytes);
    kernel_info.sigma0.eip = sigma0.entry;
    kernel_info.sigma0.memory = sigma0.memory;
    kernel_info.root.eip = root.entry;
    kernel_info.root.memory = root.memory;
}

void start_servers(const BootInformation& boot) {
    const uint32_t info_page = image_to_physical(&kernel_info);
    start(l4::sigma0_thread, kernel_info.sigma0, l4::nil_thread, info_page, info_page);
    start(l4::root_thread, kernel_info.root, l4::sigma0_thread, multiboot::loader_magic, boot.information);
    scheduler.reschedule();
}

} // namespace kernel
