// The processor: a P6-class IA-32 CPU with MMU, TLBs, caches and branch prediction, cycle-approximate.
//
// The caller owns time: run() executes until a cycle count, a halt or a requested stop, and counts integer
// cycles. Everything that happens is a function of the initial state, the memory and the calls made: two CPUs
// that are given the same are the same, cycle by cycle. Devices hear of accesses through CpuBus at the exact
// cycle of the access.
//
// Inside, instructions are decoded once into blocks keyed by physical address (block_cache.hpp) and the
// common memory access costs one compare without losing exactness of the modelled caches and TLBs
// (fast_path.hpp).
#pragma once

#include "models/cpu/cpu_bus.hpp"
#include "models/cpu/cpu_parameters.hpp"
#include "models/cpu/cpu_state.hpp"
#include "models/cpu/exception_record.hpp"
#include "models/cpu/instruction_observer.hpp"
#include "models/memory/physical_memory.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace fixpoint::models {

class Core;

// What happened inside since construction; all are counts of events.
struct CpuCounters {
    uint64_t instruction_tlb_misses, data_tlb_misses;
    uint64_t l1_instruction_misses, l1_data_misses, l2_misses, writebacks;
    uint64_t branch_mispredictions;
    uint64_t exceptions, interrupts; // exceptions: faults, traps and INT n
    uint64_t blocks_decoded, blocks_invalidated;
};

// What a TLB holds, whatever the tables say by now.
struct CachedTranslation {
    bool fetch, large; // which of the four TLBs
    uint32_t linear;   // of the page
    uint64_t physical;
    bool user, writable, dirty, global;
};

class Cpu {
public:
    // Throws std::invalid_argument when a geometry is impossible. Memory and bus outlive the CPU.
    Cpu(const CpuParameters& parameters, PhysicalMemory& memory, CpuBus& bus);
    ~Cpu();
    Cpu(const Cpu&) = delete;
    Cpu& operator=(const Cpu&) = delete;

    void set_probe_sink(ProbeSink* sink); // nullptr: nobody listens

    // Real-mode reset state, caches and TLBs empty. The counters below go on monotonically (the TSC starts at
    // 0).
    // From a callback: once the block that called it has ended.
    void power_cycle();
    void reset();
    // Inside run(): a callback, or its caller, waits in the middle of an instruction.
    [[nodiscard]] bool is_running() const;

    [[nodiscard]] CpuState state() const; // also inside callbacks
    // Not inside callbacks; flushes TLBs, keeps the caches. Reserved bits of flags, control and debug registers are
    // as the processor has them, whatever the state says.
    void set_state(const CpuState& state);

    enum class Stop {
        limit,           // cycles() has reached the limit
        halted,          // HLT: waits for an interrupt
        halted_for_ever, // HLT with interrupts off
        triple_fault,    // shutdown; only reset() helps
        requested,       // request_stop()
        observer,        // the observer wants a stop before the instruction at EIP
        watchpoint,      // after an instruction that touched a watchpoint; see take_watch_hit()
    };
    // An edge on NMI.
    void raise_nmi();
    [[nodiscard]] bool nmi_pending() const; // and not blocked
    // Model-specific registers, as firmware and debuggers reach them. False: there is no such register, or not
    // that value.
    [[nodiscard]] bool read_msr(uint32_t number, uint64_t& value);
    [[nodiscard]] bool write_msr(uint32_t number, uint64_t value);
    // The firmware's ROM and the chipset's steering below 1 MB, see physical_map.hpp.
    void set_rom(std::span<const uint8_t> rom);
    void steer(uint32_t begin, uint32_t bytes, bool reads, bool writes);
    // The A20 gate's line: closed, bit 20 of the processor's physical addresses is 0. Open at first; reset()
    // leaves it alone. Also from callbacks.
    void set_a20(bool open);

    Stop run(uint64_t until_cycle);
    void set_limit(uint64_t until_cycle);      // also from callbacks: shortens or extends the current run
    void request_stop();                       // from callbacks: run() returns after the current block
    void set_interrupt_line(bool level);       // INTR, sampled at block boundaries
    void set_ignore_numeric_error(bool level); // IGNNE#: pending x87 exceptions do not stop the processor
    [[nodiscard]] bool halted() const;
    void skip_to(uint64_t cycle); // while halted: time passes without work and is counted as idle

    // Exact at every call, also inside callbacks.
    [[nodiscard]] uint64_t cycles() const;       // everything: work, stalls, idle time
    [[nodiscard]] uint64_t instructions() const; // retired; probes do not count
    [[nodiscard]] uint64_t stall_cycles() const; // the part of cycles() spent on TLB walks and cache misses
    [[nodiscard]] uint64_t idle_cycles() const;  // the part of cycles() passed by skip_to()
    [[nodiscard]] CpuCounters counters() const;

    // DMA or the host wrote memory: cached code and cache lines there are dropped. Also from callbacks.
    void snoop_write(uint32_t physical, uint32_t bytes);

    // A debugger's view of the current address space: present pages at supervisor privilege, from the page
    // tables in memory; no side effects, no time.
    [[nodiscard]] bool translate(uint32_t linear, uint32_t& physical) const;

    // A debugger's view of physical memory: main memory and ROM, not what devices answer. Without effects; false
    // where any of it is neither.
    [[nodiscard]] bool peek(uint32_t physical, std::span<uint8_t> bytes) const;
    [[nodiscard]] bool is_memory(uint32_t physical, size_t bytes) const; // which can be written
    // False, and nothing written, unless is_memory(). Cached code and cache lines there are dropped.
    [[nodiscard]] bool poke(uint32_t physical, std::span<const uint8_t> bytes);

    // Set by set, the most recently used first; no effects.
    [[nodiscard]] std::vector<CachedTranslation> tlb_entries() const;
    // Parts of state() that are wanted often; also inside callbacks.
    [[nodiscard]] uint32_t cr3() const;
    [[nodiscard]] uint32_t general(RegisterIndex index) const;

    // Debuggers and profilers; also inside callbacks, from the next block on. nullptr: nobody listens.
    void set_observer(InstructionObserver* observer);
    void set_watchpoints(std::vector<Watchpoint> watchpoints);
    // The linear address at which the last Stop::watchpoint touched one; run() stops again until it is taken.
    [[nodiscard]] std::optional<uint32_t> take_watch_hit();
    // Linear addresses at which the last straight runs of instructions began, the newest first.
    [[nodiscard]] std::array<uint32_t, 16> last_branches() const;
    // Exceptions and interrupts delivered last, or tried to, the newest first; not INT n.
    [[nodiscard]] std::vector<ExceptionRecord> last_exceptions() const;

    // Tests: switches the exact short cut of memory accesses off or on; results must not depend on it.
    void set_fast_path(bool enabled);
    // Tests: a digest of the modelled caches, TLBs and branch predictor.
    [[nodiscard]] uint64_t timing_state_digest() const;

private:
    std::unique_ptr<Core> core_;
};

} // namespace fixpoint::models
