// Exceptions of user threads.
#pragma once

#include "kernel-model/thread/tcb.hpp"

namespace kernel {

// Halts the thread and says so on the console: which thread, why, vector, EIP, error code, address.
void stop_thread(Tcb& thread, const char* reason, uint32_t address = 0);

} // namespace kernel
