// Giving memory back to the checkpoint server (pager::Request::discard).
#pragma once

#include "kernel-model/abi/syscalls.hpp"
#include "kernel-model/abi/system_layout.hpp"
#include "pager/protocol.hpp"

namespace workloads {

struct Discarded {
    uint32_t pages = 0;
    bool refused = false;
    bool repeated = false; // a recovery has rolled the caller back: the number of pages may be too low
};

// Pages of the own task, or of another that is the caller's to delete. They read as zeros afterwards.
inline Discarded discard_pages(l4::Fpage fpage, unsigned task = 0) {
    Discarded discarded;
    for (uint32_t from = 0;;) {
        l4::Message message{pager::request_word(pager::Request::discard, task), fpage.raw, from};
        l4::ThreadId server = l4::pager_thread;
        if (!l4::call(server, message).ok()) {
            discarded.repeated = true;
            from = 0;
            continue;
        }
        discarded.refused = message.w0 == pager::refused;
        if (discarded.refused)
            return discarded;
        discarded.pages += message.w1;
        from = message.w2;
        if (from == 0)
            return discarded;
    }
}

} // namespace workloads
