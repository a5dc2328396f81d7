// IPC by either entry, INT 0x30 or SYSENTER, as a bit of a random number says.
#pragma once

#include "kernel-model/abi/syscalls.hpp"
#include "workloads/stress/world.hpp"

namespace stress {

using l4::IpcError;

inline constexpr uint64_t for_ever = l4::Timeouts::infinite_us;

inline l4::MessageResult ipc(uint32_t entry, l4::ThreadId& dest, uint32_t send_descriptor,
                             uint32_t receive_descriptor, l4::Timeouts timeouts, l4::Message& message) {
    if (world.sysenter && (entry & 1) != 0)
        return l4::ipc_sysenter(dest, send_descriptor, receive_descriptor, timeouts, message);
    return l4::ipc_int30(dest, send_descriptor, receive_descriptor, timeouts, message);
}

inline l4::MessageResult send(uint32_t entry, l4::ThreadId dest, l4::Message message,
                              uint64_t timeout_us = for_ever) {
    return ipc(entry, dest, l4::send_registers, l4::no_receive, l4::Timeouts::make(timeout_us, for_ever),
               message);
}
inline l4::MessageResult receive(uint32_t entry, l4::ThreadId from, l4::Message& message,
                                 uint64_t timeout_us = for_ever) {
    return ipc(entry, from, l4::no_send, l4::receive_registers, l4::Timeouts::make(for_ever, timeout_us),
               message);
}
inline l4::MessageResult call(uint32_t entry, l4::ThreadId dest, l4::Message& message) {
    return ipc(entry, dest, l4::send_registers, l4::receive_registers, l4::Timeouts::infinite(), message);
}

inline bool has_error(l4::MessageResult result, IpcError error) {
    return result.error() == static_cast<unsigned>(error);
}

// The entry point of a thread that is told a number: its ESP points to it.
inline void push(uint32_t& esp, uint32_t value) {
    esp -= sizeof(uint32_t);
    *reinterpret_cast<uint32_t*>(esp) = value;
}
// ESP for `entry(number)`, as if it had been called.
inline uint32_t stack_for(const Stack& stack, uint32_t number) {
    uint32_t esp = stack.top();
    push(esp, number);
    push(esp, 0); // it never returns
    return esp;
}

} // namespace stress
