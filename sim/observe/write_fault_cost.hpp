// What a write to a frozen page costs and where the cycles go, from the instruction that faults to its repetition.
//
// One fault is followed at a time. Between two instants that the simulator knows lies one part:
//
//   before the writing instruction ............ exception     the attempt, the processor's delivery
//   the kernel's page-fault entry ............. kernel_fault  registers saved, the pager found
//   the kernel has made it an IPC ............. ipc           to the server's address space
//   the server's first instruction ............ server        tables, a free frame
//   it copies, to ............................. copy          and takes the copy's checksum
//   the copy is done .......................... server
//   the kernel's IPC entry .................... ipc           the reply
//   the map item is carried out, from ... to .. map           page table, mapping database
//   the writer's thread is current ............ return        registers restored, IRET
//   before the writing instruction, again
//
// What comes in between (device interrupts, and threads that they make ready) is a part of its own, so that the parts add
// up to the time that passes. Only faults that the server answered with a copy count.
#pragma once

#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/types.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

namespace fixpoint::sim {

enum class WriteFaultPart : uint8_t { exception, kernel_fault, ipc, server, copy, map, way_back, interrupts };
inline constexpr std::array<const char*, 8> write_fault_part_names = {
    "exception", "kernel_fault", "ipc", "server", "copy", "map", "return", "interrupts"};

struct WriteFaultCost {
    uint32_t task = 0, address = 0;
    uint64_t begin_cycle = 0, total_cycles = 0;
    std::array<uint64_t, write_fault_part_names.size()> cycles{}; // by part

    [[nodiscard]] uint64_t of(WriteFaultPart part) const { return cycles[static_cast<size_t>(part)]; }
};

class WriteFaultCosts {
public:
    enum class KernelEntry { page_fault, ipc, interrupt, other };

    // The processor is about to execute an instruction at user level.
    void user_instruction(uint64_t cycle, uint32_t linear);
    // It is about to execute the kernel's first one after that, or of an interrupt that came before any.
    void kernel_entered(uint64_t cycle, KernelEntry entry);
    void mapping_begins(uint64_t cycle);
    void mapping_ends(uint64_t cycle);

    // The image's probes.
    void thread_switch(uint64_t cycle, l4::ThreadId thread);
    void fault_begin(uint64_t cycle, uint32_t address, uint32_t error_code);
    void phase(uint64_t cycle, l4::Phase phase);
    void page_copied(uint32_t task, uint32_t page_address);
    void power_cycle();

    [[nodiscard]] const std::vector<WriteFaultCost>& faults() const { return faults_; }

private:
    void begin(uint64_t cycle);
    void go_on_with(uint64_t cycle, WriteFaultPart part);
    void end(uint64_t cycle, uint32_t linear);
    [[nodiscard]] bool serves() const;

    std::vector<WriteFaultCost> faults_;
    l4::ThreadId running_;
    // The newest instruction at user level; while a fault is followed, the one that faulted.
    uint64_t instruction_begin_ = 0;
    uint32_t instruction_ = 0;
    // Of the fault that is followed.
    bool follows_ = false, in_kernel_ = false, copied_ = false;
    l4::ThreadId writer_;
    WriteFaultCost cost_;
    uint64_t charged_ = 0; // up to this cycle
    WriteFaultPart part_ = WriteFaultPart::exception, interrupted_ = WriteFaultPart::server;
};

// A row a fault, with a header line.
[[nodiscard]] std::string to_csv(const std::vector<WriteFaultCost>& faults);

} // namespace fixpoint::sim
