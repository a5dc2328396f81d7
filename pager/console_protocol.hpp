// Printing lines by IPC: requests to the console driver (l4::console_driver_thread), and to the console log
// (l4::console_log_thread) that stands between it and the programs in a world with output commit.
//
//   without output commit   program --print--> driver                             printed before the reply
//   with output commit      program --print--> log --print, numbered--> driver    printed when it is durable
//
// w0 = ConsoleRequest. A line is the message's only string, without newline. Replies have w0 = 0, or refused.
#pragma once

#include <cstdint>

#include "kernel-model/abi/message.hpp"

namespace pager {

enum class ConsoleRequest : uint32_t {
    // From a program, w1 = 0. The driver replies when it has printed the line, the log when it is sure to be printed.
    // From the log to the driver, w1 = the line's number, w2 = number of the oldest line that is not known to be
    // released. Reply: w1 = number of the line that the driver expects next, w2 = the newest it has released. A line
    // with another number than the expected one is ignored. The reply comes when there is room for another line.
    print = 1,
    // From a program to the log: the reply comes when all lines that it has by now are released. A checkpoint is taken.
    flush = 2,
    // From the log's collector to the driver: the reply comes when it has released more than up to number w1, or at
    // once to the first such request since the driver's start: w1 = the newest number, w2 = 1 if it is the first.
    released = 3,
    // From the driver's releaser to its main thread: epoch w1 is durable. The reply comes when a line waits for a newer
    // epoch: w1 = that epoch.
    durable = 4,
};

inline constexpr uint32_t console_line_bytes_max = 250;

// Either end's memory for a line. Guest only.
#if defined(__i386__)

using LineMessage = l4::MemoryMessage<l4::register_words, 1>;

inline uint32_t send_line(LineMessage& message, const char* text, uint32_t length) {
    message.send = l4::MessageDope::make(l4::register_words, 1);
    message.strings[0].send_size = length;
    message.strings[0].send_address = reinterpret_cast<uint32_t>(text);
    return l4::send_memory(message);
}
// For an open wait; the string's length is in strings[0].send_size afterwards, if there was a string.
inline uint32_t receive_line(LineMessage& message, char* buffer) {
    message.strings[0].receive_size = console_line_bytes_max;
    message.strings[0].receive_address = reinterpret_cast<uint32_t>(buffer);
    return l4::receive_memory(message, true);
}
#endif

} // namespace pager
