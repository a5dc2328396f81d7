// A small machine for tests, and a process of its own for each: SystemC elaborates once.
#pragma once

#include "sim/machine/machine.hpp"

#include <filesystem>
#include <functional>
#include <string>

namespace fixpoint::sim::test {

inline constexpr uint64_t disk_sectors = 8192;

// A Pentium III with round timings, 64 MiB, and an ideal drive.
[[nodiscard]] MachineParameters test_machine();
// The same with a mechanical drive.
[[nodiscard]] MachineParameters test_machine_with_mechanics();

[[nodiscard]] std::filesystem::path guest(const std::string& program);

// Runs `body` in a forked child; its expectations count for the calling test.
void in_child(const std::function<void()>& body);

struct Result {
    RunEnd end;
    std::string console;
};
// Boots and runs until something ends the run, 20 s of modelled time at most.
Result boot_and_run(Machine& machine, const BootImage& image);

} // namespace fixpoint::sim::test
