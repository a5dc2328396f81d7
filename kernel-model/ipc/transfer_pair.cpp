#include "kernel-model/ipc/transfer_pair.hpp"

#include "kernel-model/arch/entry_layout.h"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/tcb_array.hpp"

namespace kernel {

bool sends_memory(const Tcb& sender) {
    const l4::MessageDope dope = sender.transfer.progress.sending;
    return sender.kind == IpcKind::user && l4::descriptor_has_address(sender.frame.eax) &&
           (dope.words() > l4::register_words || dope.strings() != 0);
}

bool needs_transfer(const Tcb& sender, const Tcb& receiver) {
    const uint32_t receive = receiver.frame.ebp;
    if (sender.kind != IpcKind::user || receiver.kind != IpcKind::user ||
        (receive & l4::receive_window_bit) || !l4::descriptor_has_address(receive))
        return false;
    const bool maps = (sender.frame.eax & l4::send_map) && task_of(sender) != task_of(receiver);
    return maps || sends_memory(sender);
}

void pair_up(Tcb& sender, Tcb& receiver) {
    scheduler.cancel_wakeup(sender);
    scheduler.cancel_wakeup(receiver);
    receiver.transfer = {};
    receiver.transfer.role = TransferRole::receiver;
    receiver.transfer.partner = sender.id;
    receiver.state = ThreadState::locked;
    scheduler.not_ready(receiver);
    TransferProgress& progress = sender.transfer.progress;
    const bool has_memory = l4::descriptor_has_address(sender.frame.eax);
    const l4::MessageDope sending = has_memory ? progress.sending : l4::MessageDope{};
    const l4::MessageDope size = has_memory ? progress.sender_size : l4::MessageDope{};
    sender.transfer = {};
    progress.sending = sending;
    progress.sender_size = size;
    sender.transfer.role = TransferRole::sender;
    sender.transfer.entry_vector = static_cast<uint8_t>(sender.frame.vector);
    sender.transfer.partner = receiver.id;
    sender.frame.vector = VECTOR_IN_TRANSFER;
    scheduler.make_ready(sender);
}

Tcb* partner_in_transfer(const Tcb& thread) {
    if (!is_thread_present({thread.transfer.partner}))
        return nullptr;
    Tcb& partner = tcb_of({thread.transfer.partner});
    const TransferRole other =
        thread.transfer.role == TransferRole::sender ? TransferRole::receiver : TransferRole::sender;
    const bool paired = partner.transfer.role == other && partner.transfer.partner == thread.id;
    return paired ? &partner : nullptr;
}

void leave_transfer(Tcb& thread) {
    if (thread.transfer.role == TransferRole::sender)
        thread.frame.vector = thread.transfer.entry_vector;
    thread.transfer = {};
}

void transfer_page_arrived(Tcb& thread) {
    if (thread.transfer.role == TransferRole::sender) {
        scheduler.make_ready(thread);
        return;
    }
    thread.state = ThreadState::locked;
    Tcb* const sender = partner_in_transfer(thread);
    if (sender != nullptr && sender->state == ThreadState::locked)
        scheduler.make_ready(*sender);
}

} // namespace kernel
