// A program's own use of checkpoints: what EUMEL's programs did with `fixpoint` and the session number.
//
//     const uint32_t old = session();
//     fixpoint();                     // what has been done up to here is never lost
//     if (session() != old) ...       // the world was set back to here: what left it since then must be done again
//
// A world that goes on after a power cut cannot tell, but by the session's number, which is new at every start.
#pragma once

#include "kernel-model/abi/syscalls.hpp"
#include "kernel-model/abi/system_layout.hpp"
#include "pager/protocol.hpp"

namespace workloads {

// The checkpoint server is not persistent: a call that a recovery finds in its midst is aborted. False: that, or the server
// has too many such calls waiting.
inline bool ask_checkpoint_server(pager::Request request, l4::Message& message) {
    message = {pager::request_word(request)};
    l4::ThreadId server = l4::pager_thread;
    return l4::call(server, message).ok() && message.w0 != pager::refused;
}

inline uint32_t session() {
    l4::Message message;
    while (!ask_checkpoint_server(pager::Request::status, message)) {
    }
    return message.w1;
}

// Returns when a checkpoint that has this call in it is durable: its epoch. 0: the world was set back to somewhere before
// or in this call, or the server is too busy.
inline uint32_t fixpoint() {
    l4::Message message;
    return ask_checkpoint_server(pager::Request::checkpoint, message) ? message.w0 : 0;
}

} // namespace workloads
