// A server in each worker task: anybody calls it, it counts the calls of each client.
//
// A client numbers its calls; the server checks that each number follows the last. So every message arrives once and
// in order, whether its client waits for ever, gives up after a timeout or is moved or deleted while it waits or in the
// middle of a transfer: some calls bring a string, and pages of it may be missing.
#pragma once

#include "workloads/stress/world.hpp"

namespace stress {

// Lthread 0 of a worker task: starts the task's other threads, then serves.
[[noreturn]] void server_main(unsigned family);

// A call to the family's server that gets its answer, which is returned.
uint32_t call_server(workloads::Random& random, unsigned slot, unsigned family);
// The same with short timeouts: again and again until the message has been taken, with or without the answer.
void call_server_in_haste(workloads::Random& random, unsigned slot, unsigned family);

// A new client in this slot: the server counts from zero.
void greet_server(workloads::Random& random, unsigned slot, unsigned family);
// A call has been cut short: asks the server whether it has got it. Afterwards no late answer can come any more.
void settle_with_server(workloads::Random& random, unsigned slot, unsigned family);

bool server_answers(unsigned family);

} // namespace stress
