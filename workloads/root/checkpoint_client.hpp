// The root task's side of pager/protocol.hpp.
#pragma once

#include "pager/protocol.hpp"

namespace workloads {

struct CheckpointStatus {
    uint32_t epoch;   // this start was recovered from it; 0: a fresh start
    uint32_t session; // counts the starts of this disk
};

// Waits until the server has found its disk and read its last checkpoint; ends by fail() if it cannot.
CheckpointStatus wait_for_checkpoint_server();

// Puts a copy of the page at `content` (page-aligned, the root task's own) to `address` of a persistent task.
void load_page(unsigned task, uint32_t address, const uint8_t* content);

// The world is set up: checkpoints begin.
void begin_checkpoints();

// The world stops for good. Returns when its last checkpoint is durable: the epoch.
uint32_t take_last_checkpoint();

} // namespace workloads
