#include "workloads/root/servers.hpp"

#include "kernel-model/abi/kernel_info.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "kernel-model/abi/system_layout.hpp"
#include "workloads/root/elf_image.hpp"
#include "workloads/root/failure.hpp"
#include "workloads/runtime/memory.hpp"

namespace workloads {

namespace {

constexpr uint32_t servers_low = 0x00D8F000u; // the lowest server's start page
constexpr unsigned pager_lthread = 1;
constexpr unsigned mcp_max = 255;

struct Server {
    const char* file = nullptr;
    l4::ThreadId thread;
    uint32_t link_address = 0, region_end = 0;
    unsigned priority = 0;
    bool optional = false;
    uint32_t low = 0, high = 0; // pages that the pager thread maps to it
};
constinit Server servers[] = {
    {"ide.elf", l4::disk_driver_thread, 0x00E00000u, 0x00EFF000u, l4::priority_disk_driver},
    {"checkpoint.elf", l4::pager_thread, 0x00F00000u, 0x00FFF000u, l4::priority_max},
    {"console.elf", l4::console_driver_thread, servers_low + l4::page_size, 0x00DFF000u,
     l4::priority_console_driver, true},
};

alignas(16) constinit uint8_t pager_stack[4096] = {};

const Server* server_of(l4::ThreadId thread) {
    for (const Server& server : servers)
        if (server.thread.task() == thread.task())
            return &server;
    return nullptr;
}

// The pager thread: answers page faults of the servers, for ever.
[[noreturn]] void serve_page_faults() {
    l4::ThreadId client;
    l4::Message message;
    l4::MessageResult result = l4::wait(client, message);
    for (;;) {
        const uint32_t page = message.w0 & ~(l4::page_size - 1);
        const Server* server = server_of(client);
        if (!result.ok() || !server || page < server->low || page >= server->high) {
            if (result.ok())
                TextLine()
                    .text("root: task ")
                    .decimal(client.task())
                    .text(" faulted at 0x")
                    .hex(message.w0 & ~3u, 8)
                    .text(", EIP 0x")
                    .hex(message.w1, 8)
                    .text(": not a page of its image; it stays stopped")
                    .print();
            result = l4::wait(client, message);
            continue;
        }
        message = {page, l4::Fpage::make(page, l4::page_bits, l4::Fpage::write_bit).raw, 0};
        result = l4::reply_and_wait(client, message, l4::send_map);
    }
}

// Zeroes and fills the server's pages; every first touch of a page gets it from sigma0.
void place(Server& server, const BootModule& module, const ElfImage& image) {
    server.low = server.link_address - l4::page_size;
    server.high = (image.high() + l4::page_size - 1) & ~(l4::page_size - 1);
    memset(reinterpret_cast<void*>(server.low), 0, server.high - server.low);
    for (unsigned i = 0; i < image.segment_count(); ++i) {
        const ElfSegment& segment = image.segment(i);
        memcpy(reinterpret_cast<void*>(segment.address), module.file + segment.file_offset,
               segment.file_bytes);
    }
}

// Writes the start page; returns the initial stack pointer.
uint32_t write_start_page(const Server& server, const BootModule& module) {
    constexpr uint32_t stack_bytes = 2048;
    const size_t length = strlen(module.arguments);
    if (length >= l4::page_size - stack_bytes) {
        TextLine line;
        fail(line.text(server.file).text(": more than 2047 characters of arguments"));
    }
    memcpy(reinterpret_cast<void*>(server.low), module.arguments, length + 1);
    // A call frame: return address 0, then the argument. ESP + 4 is 16-byte aligned, as the System V ABI has
    // it.
    auto* frame = reinterpret_cast<uint32_t*>(server.low + l4::page_size - 20);
    frame[0] = 0;
    frame[1] = server.low;
    return server.low + l4::page_size - 20;
}

// Where the kernel's own memory begins, at the end of the machine's: sigma0 gives nothing from there on.
uint32_t end_of_free_memory() {
    constexpr uint32_t info_window = 0xB0000000u;
    l4::Message message{1, 1, 0}; // asks for the kernel info page
    l4::ThreadId sigma0 = l4::sigma0_thread;
    const l4::MessageResult result = l4::ipc(
        sigma0, l4::send_registers, l4::receive_window(l4::Fpage::make(info_window, l4::page_bits), false),
        l4::Timeouts::infinite(), message);
    const auto* info = reinterpret_cast<const l4::KernelInfo*>(info_window);
    TextLine line;
    if (!result.ok() || !result.mapped() || info->magic != l4::kernel_info_magic)
        fail(line.text("sigma0 gives no kernel info page"));
    return info->reserved1.low;
}

void load_and_start(Server& server, const BootModules& modules, uint32_t memory_end) {
    const BootModule* module = modules.find(server.file);
    TextLine line;
    if (!module && server.optional)
        return;
    if (!module)
        fail(line.text("module ").text(server.file).text(" is missing"));
    ElfImage image;
    if (const char* error =
            image.parse(module->file, module->file_bytes, server.link_address, server.region_end))
        fail(line.text("module ").text(server.file).text(" ").text(error));
    if (image.high() > memory_end)
        fail(line.text("module ")
                 .text(server.file)
                 .text(" does not fit into the machine's memory: the kernel's begins at 0x")
                 .hex(memory_end, 8));
    place(server, *module, image);
    const uint32_t stack = write_start_page(server, *module);

    const l4::ThreadId pager = l4::root_thread.with_lthread(pager_lthread);
    const l4::ThreadId created = l4::task_new(server.thread, mcp_max, image.entry(), stack, pager);
    if (!(created == server.thread))
        fail(line.text("the kernel created task 0x").hex(created.raw, 8).text(" for ").text(server.file));
    l4::thread_schedule(server.thread, l4::schedule_param(server.priority)); // infinite time slice
}

} // namespace

void start_servers(const BootModules& modules) {
    if (modules.high() > servers_low) {
        TextLine line;
        fail(line.text("the boot modules end at 0x")
                 .hex(modules.high(), 8)
                 .text(", above the place of console.elf"));
    }
    l4::lthread_ex_regs(pager_lthread, reinterpret_cast<uint32_t>(&serve_page_faults),
                        reinterpret_cast<uint32_t>(pager_stack) + sizeof pager_stack - 4, l4::sigma0_thread);
    const uint32_t memory_end = end_of_free_memory();
    for (Server& server : servers)
        load_and_start(server, modules, memory_end);
}

} // namespace workloads
