#include "kernel-model/ipc/transfer.hpp"

#include "kernel-model/ipc/ipc_engine.hpp"
#include "kernel-model/ipc/message_transfer.hpp"
#include "kernel-model/ipc/page_fault.hpp"
#include "kernel-model/ipc/transfer_memory.hpp"
#include "kernel-model/ipc/transfer_pair.hpp"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/tcb_array.hpp"

namespace kernel {

namespace {

constexpr uint32_t bytes_between_interrupts = 4 * l4::page_size;

TransferStep run(Tcb& sender, const Tcb& receiver) {
    TransferMemory memory(task_of(sender), task_of(receiver));
    const MessageEnds ends{.send_descriptor = sender.frame.eax,
                           .receive_descriptor = receiver.frame.ebp,
                           .w0 = sender.frame.edx,
                           .w1 = sender.frame.ebx,
                           .same_space = task_of(sender) == task_of(receiver)};
    return MessageTransfer(memory, ends, sender.transfer.progress).run(bytes_between_interrupts);
}

// A page of `thread` is missing: its pager is asked, for as long as the other side's timeout allows.
void ask_pager(Tcb& thread, Tcb* pager, const TransferStep& fault, uint64_t timeout_us, uint32_t eip) {
    if (pager == nullptr || timeout_us == 0)
        give_up_page_fault(thread);
    else
        start_kernel_rpc(thread, IpcKind::page_fault, *pager, fault_word(fault.address, fault.write), eip,
                         timeout_us);
}

void wait_for_receiver(Tcb& sender) {
    sender.state = ThreadState::locked;
    scheduler.not_ready(sender);
}

void serve(const TransferStep& step, Tcb& sender, Tcb& receiver) {
    using Outcome = TransferStep::Outcome;
    constexpr uint32_t no_instruction = 0xFFFFFFFFu; // as Hazelnut: the receiver executes none
    Tcb* pager = nullptr;
    switch (step.outcome) {
    case Outcome::done:
        finish_transfer(sender, receiver);
        break;
    case Outcome::budget_spent:
        break;
    case Outcome::sender_fault:
        ask_pager(sender, pager_of(sender), step, l4::Timeouts{receiver.frame.ecx}.receive_page_fault_us(),
                  sender.frame.eip);
        break;
    case Outcome::receiver_fault:
        pager = pager_of(receiver); // a touch point, and so before the change of state
        wait_for_receiver(sender);
        ask_pager(receiver, pager, step, l4::Timeouts{sender.frame.ecx}.send_page_fault_us(), no_instruction);
        break;
    }
}

} // namespace

} // namespace kernel

extern "C" void continue_transfer() {
    using namespace kernel;
    Tcb& sender = *current_thread;
    find_thread({sender.transfer.partner}); // a touch point: it may have to come back from the store
    Tcb* const receiver = partner_in_transfer(sender);
    if (receiver == nullptr)
        abort_transfer(sender);
    else if (receiver->state != ThreadState::locked)
        wait_for_receiver(sender); // its pager has not answered yet
    else
        serve(run(sender, *receiver), sender, *receiver);
    scheduler.reschedule();
}
