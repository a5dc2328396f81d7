// Start of the checkpoint server: memory from sigma0, then its two threads.
#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "kernel-model/abi/system_layout.hpp"
#include "pager/checkpoint/server.hpp"
#include "pager/runtime/console_line.hpp"

extern "C" char image_start[], image_end[]; // server.ld

namespace pager {
namespace {

constexpr uint32_t checkpointer_stack_bytes = 16384;
alignas(16) uint8_t checkpointer_stack[checkpointer_stack_bytes];
Server* server_of_checkpointer;

void checkpointer_entry() {
    run_checkpointer_thread(*server_of_checkpointer);
}

// I6: no page of the server's own may be absent later.
void touch_own_image() {
    for (auto* at = reinterpret_cast<volatile char*>(image_start); at < image_end; at += l4::page_size)
        (void)*at;
}

void start_checkpointer(Server& server) {
    server_of_checkpointer = &server;
    const auto stack_top = reinterpret_cast<uint32_t>(checkpointer_stack) + checkpointer_stack_bytes;
    l4::lthread_ex_regs(l4::checkpointer_thread.lthread(), reinterpret_cast<uint32_t>(&checkpointer_entry),
                        stack_top - sizeof(uint32_t), l4::root_thread.with_lthread(1));
    // A priority above all persistent threads, and never preempted by its equal: see server.hpp.
    l4::thread_schedule(l4::checkpointer_thread, l4::schedule_param(l4::priority_max));
}

} // namespace

void assertion_failed(const char* what) {
    ConsoleLine().text("checkpoint: broken invariant: ").text(what).print();
    stop_for_ever();
}

// At the highest priority: no persistent thread runs beside it, and the newest checkpoint stays as it is.
void stop_for_ever() {
    l4::probe<l4::Probe::panic>();
    for (;;)
        asm volatile("" ::: "memory");
}

} // namespace pager

extern "C" [[noreturn]] void server_main(const char* arguments) {
    using namespace pager;
    touch_own_image();
    l4::thread_schedule(l4::pager_thread, l4::schedule_param(l4::priority_max));

    ServerMemory memory;
    const l4::KernelInfo* const info = memory.ask_for_kernel_info();
    check(info != nullptr, "sigma0 gives no kernel info page");
    Options options;
    const char* bad_word = nullptr;
    const bool understood = options.parse(arguments, bad_word);
    Server server{*info, memory, options};
    if (understood) {
        memory.ask_for_all(*info);
        start_checkpointer(server);
    } else {
        ConsoleLine().text("checkpoint: unknown argument: ").text(bad_word).print();
        server.readiness = Readiness::failed;
    }
    run_pager_thread(server);
}
