// Tasks that come and go. A few times a round the breeder of a worker task creates a child with three threads and a
// pager, the child creates a grandchild, and at some instant the breeder deletes both, whatever they are doing. Its
// friend talks to them and must get one of the documented codes.
#pragma once

#include "workloads/stress/layout.hpp"

namespace stress {

// Called by lthread 0 of the worker task: starts all its other threads.
void start_participants(unsigned family);

} // namespace stress
