// The program's arguments. The only user of CLI11.
#pragma once

namespace fixpoint::sim {

// Parses and runs the command; returns the exit status. Throws what the commands throw.
int run_command_line(int count, char** arguments);

} // namespace fixpoint::sim
