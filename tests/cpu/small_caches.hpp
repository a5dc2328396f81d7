// A Pentium III with small caches and TLBs of random shapes, so that their sets conflict all the time.
#pragma once

#include "tests/cpu/cpu_bench.hpp"

namespace fixpoint::models {

// `below(n)`: a random number less than n.
template<class Below>
CpuParameters with_small_caches(Below below) {
    CpuParameters p = pentium3_parameters();
    const uint32_t line = 16u << below(3);
    const uint32_t ways[] = {1u + below(2) * 3, 1u + below(2) * 3};
    p.l1_data = {line * ways[0] << below(9), ways[0], line, 0};
    p.l1_instruction = {line * ways[1] << below(6), ways[1], line, 0};
    p.l2 = {line * 4 << (4 + below(6)), 4, line, 10};
    p.data_tlb_4k = {4u << below(3), 4};
    p.instruction_tlb_4k = {2u << below(3), 2};
    p.data_tlb_4m = {2, 2};
    return p;
}

} // namespace fixpoint::models
