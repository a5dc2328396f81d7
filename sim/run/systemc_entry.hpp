// Runs a function inside sc_main, the only place where SystemC lets modules be built.
#pragma once

#include <functional>

namespace fixpoint::sim {

// At most once a process. Exceptions of `function` must not leave it.
void run_in_systemc(std::function<void()> function);

} // namespace fixpoint::sim
