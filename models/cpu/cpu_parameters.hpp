// Timing and geometry of the processor: every value comes from the machine's TOML, none has a default in
// code.
#pragma once

#include <cstdint>

namespace fixpoint::models {

// A set-associative structure. Ranges: ways 1-16, sets a power of two.
struct CacheParameters {
    uint32_t size_bytes;
    uint32_t ways;
    uint32_t line_bytes;     // power of two, the same in all caches
    uint32_t latency_cycles; // added to an access that misses the level above (0 for the first level: in the
                             // base cost)
};

struct TlbParameters {
    uint32_t entries;
    uint32_t ways; // entries / ways: a power of two
};

struct CpuParameters {
    uint64_t frequency_hz;

    CacheParameters l1_instruction, l1_data, l2;
    uint32_t memory_latency_cycles; // an L2 miss, first word
    uint32_t
        memory_stream_cycles;  // instead of L2's and memory's latency, if the line before it was fetched last
    uint32_t memory_streams;   // ascending sequences of misses that may be under way at once, 1-16
    uint32_t writeback_cycles; // eviction of a dirty line to the next level

    TlbParameters instruction_tlb_4k, instruction_tlb_4m, data_tlb_4k, data_tlb_4m;
    uint32_t page_walk_cycles; // fixed part of a walk; its memory accesses go through the caches besides

    uint32_t retire_width; // micro-operations a cycle
    uint32_t multiply_cycles, divide_cycles;
    uint32_t branch_mispredict_cycles;
    uint32_t branch_history_entries, branch_history_bits;
    uint32_t interrupt_cycles;        // INT n, exception or interrupt, same privilege
    uint32_t iret_cycles;             // same privilege
    uint32_t privilege_change_cycles; // added to either when the privilege level changes
    uint32_t sysenter_cycles, sysexit_cycles;
    uint32_t cr3_load_cycles, invlpg_cycles, rdtsc_cycles, cpuid_cycles, segment_load_cycles,
        other_system_cycles;
    uint32_t string_iteration_cycles;
    uint32_t locked_cycles;
    // x87 units that are not pipelined, beyond the micro-operation itself; transcendental: without its micro-operations.
    uint32_t x87_divide_cycles, x87_square_root_cycles, x87_transcendental_cycles;

    uint32_t cpuid_signature; // EAX of CPUID leaf 1: family, model, stepping
    // Bits of EDX of CPUID leaf 1 that this machine's processor lacks, of those that are implemented.
    uint32_t disabled_features;
};

} // namespace fixpoint::models
