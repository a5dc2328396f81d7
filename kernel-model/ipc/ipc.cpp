// INT 0x30: ipc.
//
// The touch points come first: the partner's TCB is looked at before anything is changed, so that a TCB fault
// can repeat the whole call. Then the quick case, a register message to a thread that already waits for it
// while the sender waits in turn and nobody more important is ready: the words are copied from frame to frame
// and the partner becomes current; no queue is touched.
#include "kernel-model/arch/handlers.hpp"
#include "kernel-model/ipc/interrupts.hpp"
#include "kernel-model/ipc/ipc_engine.hpp"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/tcb_array.hpp"

namespace kernel {

namespace {

using l4::IpcError;

void fail(Tcb& caller, IpcError error) {
    caller.frame.eax = condition_code(error);
}

constexpr uint32_t timeouts_receive_exponent = 0xF; // zero: infinite

// Memory messages (descriptors with an address) are not offered: the message would be cut.
bool has_memory_part(uint32_t descriptor) {
    return (descriptor & ~3u) != 0;
}
bool has_receive_memory_part(uint32_t descriptor) {
    return !(descriptor & l4::receive_window_bit) && has_memory_part(descriptor);
}

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
    partner.state = ThreadState::running;
    caller.state = ThreadState::waiting;
    caller.partner = open ? any_partner : partner.id;
    caller.wakeup_us = no_wakeup;
    scheduler.hand_over_now(partner);
    return true;
}

void send_phase(Tcb& caller, Tcb* partner) {
    const Frame& frame = caller.frame;
    if (partner == nullptr || partner == &caller) {
        fail(caller, IpcError::no_such_thread);
        return;
    }
    if (has_memory_part(frame.eax)) {
        fail(caller, IpcError::send_cut);
        return;
    }
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
        if (frame.ebp != l4::no_receive && has_receive_memory_part(frame.ebp))
            fail(caller, IpcError::receive_cut);
        else
            send_phase(caller, partner);
    } else if (frame.ebp == l4::no_receive) {
        caller.frame.eax = 0;
    } else if (has_receive_memory_part(frame.ebp)) {
        fail(caller, IpcError::receive_cut);
    } else {
        receive_phase(caller);
    }
    scheduler.reschedule();
}
