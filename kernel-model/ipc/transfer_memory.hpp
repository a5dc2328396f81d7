// The memory of a transfer's two sides, as ipc/message_transfer.hpp wants it.
//
// The sender is the current thread: its space is loaded, and its memory is read where it is. The receiver's page is
// mapped to a place of the kernel's for as long as it is needed. Page tables are looked at before every access,
// so no access faults: a page that is missing, or that the receiver may not write at this moment (copy-on-write), is
// its pager's affair, exactly as if the thread itself had touched it.
#pragma once

#include "kernel-model/abi/types.hpp"

#include <cstdint>

namespace kernel {

class TransferMemory {
public:
    TransferMemory(unsigned sender_task, unsigned receiver_task)
        : sender_task_(sender_task), receiver_task_(receiver_task) {}

    bool sender_readable(uint32_t address) const;
    bool receiver_writable(uint32_t address) const;
    const uint32_t* sender_word(uint32_t address) const;
    const uint32_t* receiver_word(uint32_t address) const;
    uint32_t* receiver_word_to_write(uint32_t address);
    void copy(uint32_t to, uint32_t from, uint32_t bytes);
    bool map(uint32_t send_base, l4::Fpage fpage, l4::Fpage window);

private:
    unsigned sender_task_, receiver_task_;
};

} // namespace kernel
