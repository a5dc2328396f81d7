// INT 0x30: ipc.
//
// The touch points come first: the partner's TCB is looked at before anything is changed, so that a TCB fault
// can repeat the whole call. Then the quick case, a register message to a thread that already waits for it
// while the sender waits in turn and nobody more important is ready: the words are copied from frame to frame
// and the partner becomes current; no queue is touched.
#include "kernel-model/abi/message.hpp"
#include "kernel-model/arch/handlers.hpp"
#include "kernel-model/arch/restart.hpp"
#include "kernel-model/ipc/interrupts.hpp"
#include "kernel-model/ipc/ipc_engine.hpp"
#include "kernel-model/ipc/page_fault.hpp"
#include "kernel-model/memory/user_memory.hpp"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/tcb_array.hpp"

namespace kernel {

namespace {

using l4::IpcError;

void fail(Tcb& caller, IpcError error) {
    caller.frame.eax = condition_code(error);
}

constexpr uint32_t timeouts_receive_exponent = 0xF; // zero: infinite

// True: done, the partner is current.
[[gnu::always_inline]] inline bool quick_send_and_wait(Tcb& caller, Tcb& partner) {
    const Frame& frame = caller.frame;
    const bool open = frame.ebp == l4::open_wait;
    if (frame.eax != l4::send_registers || !(open || frame.ebp == l4::receive_registers) ||
        !waits_for(partner, caller.id) || partner.kind != IpcKind::user || partner.wakeup_us != no_wakeup ||
        (frame.ecx & timeouts_receive_exponent) != 0 || !scheduler.may_hand_over(partner))
        return false;
    if (open && (caller.senders != nullptr || caller.interrupt_lines != 0))
        return false;
    Frame& to = partner.frame;
    to.edx = frame.edx;
    to.ebx = frame.ebx;
    to.edi = frame.edi;
    to.esi = caller.id;
    to.eax = 0;
    partner.last_sender = caller.id;
    partner.state = ThreadState::running;
    caller.state = ThreadState::waiting;
    caller.partner = open ? any_partner : partner.id;
    scheduler.hand_over_now(partner);
    return true;
}

// A doubleword of the caller's own memory. False: the call is over, or is made again when the page has come.
bool read_own_memory(Tcb& caller, uint32_t address, uint32_t& value) {
    if (address >= l4::user_space_end) {
        fail(caller, IpcError::send_cut);
        return false;
    }
    if (const UserFault fault = user_fault(address, sizeof value, UserAccess::read); fault.faults) {
        rewind_system_call(caller.frame);
        page_fault_at(fault.address, fault.error);
        return false;
    }
    value = load_from_user<uint32_t>(address);
    return true;
}

// Before the caller waits for its partner, so that who takes registers only need not wait for its page faults.
bool read_send_dopes(Tcb& caller) {
    const uint32_t message = caller.frame.eax & ~3u;
    uint32_t size = 0, sending = 0;
    if (message >= l4::user_space_end) { // the offsets below could reach round to the first page
        fail(caller, IpcError::send_cut);
        return false;
    }
    if (!read_own_memory(caller, message + offsetof(l4::MessageHeader, size), size) ||
        !read_own_memory(caller, message + offsetof(l4::MessageHeader, send), sending))
        return false;
    caller.transfer.progress.sender_size = {size};
    caller.transfer.progress.sending = {sending};
    return true;
}

void send_phase(Tcb& caller, Tcb* partner) {
    const Frame& frame = caller.frame;
    if (partner == nullptr || partner == &caller) {
        fail(caller, IpcError::no_such_thread);
        return;
    }
    if (frame.eax & l4::send_propagated)
        find_thread({caller.last_sender}); // a touch point: its wait may be redirected
    if (l4::descriptor_has_address(frame.eax) && !read_send_dopes(caller))
        return;
    start_send(caller, *partner, l4::Timeouts{frame.ecx}.send_us());
}

// Receive without send.
void receive_phase(Tcb& caller) {
    const Frame& frame = caller.frame;
    const l4::ThreadId source{frame.esi};
    const bool closed = !(frame.ebp & l4::open_wait), at_once = l4::Timeouts{frame.ecx}.receive_us() == 0;
    if (closed && source.is_nil() && at_once) {
        detach_interrupts(caller);
    } else if (closed && source.is_interrupt()) {
        if (at_once && associate_interrupt(caller, source))
            return;
        if (!has_interrupt(caller, source)) {
            fail(caller, IpcError::no_such_thread);
            return;
        }
    } else if (closed && !source.is_nil() && find_thread(source) == nullptr) {
        fail(caller, IpcError::no_such_thread);
        return;
    }
    start_receive(caller);
}

} // namespace

} // namespace kernel

extern "C" void ipc_system_call() {
    using namespace kernel;
    Tcb& caller = *current_thread;
    const Frame& frame = caller.frame;
    if (frame.eax != l4::no_send) {
        Tcb* const partner = find_thread({frame.esi});
        if (partner != nullptr && quick_send_and_wait(caller, *partner)) [[likely]]
            return;
        send_phase(caller, partner);
    } else if (frame.ebp == l4::no_receive) {
        caller.frame.eax = 0;
    } else {
        receive_phase(caller);
    }
    scheduler.reschedule();
}
