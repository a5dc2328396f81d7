// What looks into a simulation from outside without changing it.
#pragma once

#include "sim/debug/gdb_connection.hpp"

#include <filesystem>

namespace fixpoint::sim {

struct Instruments {
    GdbConnection* gdb = nullptr;  // the machine waits for gdb there; nullptr: no debugger
    std::filesystem::path profile; // where the profile is written; empty: none
    bool write_faults = false;     // every write to a frozen page is followed
};

} // namespace fixpoint::sim
