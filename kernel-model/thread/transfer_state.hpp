// How far the transfer of a message through memory has come: plain data in the TCBs of both threads, so that a
// transfer can stop at any byte for a page fault, an interrupt or a crash, and go on.
#pragma once

#include "kernel-model/abi/message.hpp"

#include <cstdint>

namespace kernel {

enum class TransferStage : uint8_t { open, map, words, strings, done };

// The sender's; that of ipc/message_transfer.hpp. The first two are read when the sender makes its call, before it waits
// for its partner.
struct TransferProgress {
    l4::MessageDope sending;     // the send dope
    l4::MessageDope sender_size; // where the sender's string dopes begin
    TransferStage stage;
    bool cut;
    uint8_t from_string, to_string;            // numbers of the string dopes at work
    l4::MessageDope receiver_size;             // what the receiver has room for
    l4::Fpage window;                          // of the receiver, for map items
    uint32_t items_done;                       // map items
    uint32_t words_done;                       // doublewords
    uint32_t from_string_done, to_string_done; // bytes of the string dopes at work
    uint32_t result;                           // dope and condition code as the receiver sees them
};

enum class TransferRole : uint8_t { none, sender, receiver };

struct TransferState {
    TransferRole role;
    uint8_t
        entry_vector; // sender: Frame::vector of its system call; there the frame says that the transfer goes on
    uint16_t reserved;
    uint32_t partner;
    TransferProgress progress;
};

} // namespace kernel
