// Handlers of entries from user level. Each acts on current_thread->frame and may make another thread
// current.
#pragma once

namespace kernel {

void handle_exception();
void handle_breakpoint();
void handle_no_fpu();
void handle_protection();
void handle_page_fault();
void handle_interrupt();

void call_id_nearest();
void call_fpage_unmap();
void call_thread_switch();
void call_thread_schedule();
void call_lthread_ex_regs();
void call_task_new();
void call_recovery();

} // namespace kernel

extern "C" void ipc_system_call();
