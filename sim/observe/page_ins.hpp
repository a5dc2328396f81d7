// How long threads wait for pages that have to be read from the disk: from the fault to the repeated instruction.
#pragma once

#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/types.hpp"
#include "sim/observe/sample.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace fixpoint::sim {

class PageIns {
public:
    void fault_begin(const Sample& at, l4::ThreadId thread, uint32_t address);
    // Neighbours that are read with a page that somebody waits for are nobody's page-in.
    void page_placed(uint32_t task, uint32_t address, l4::PageSource source);
    void fault_end(const Sample& at, l4::ThreadId thread);
    // Faults that were under way never end.
    void power_cycle() { waiting_.clear(); }

    [[nodiscard]] const std::vector<models::Picoseconds>& latencies() const { return latencies_; }

private:
    struct Fault {
        models::Picoseconds begin = 0;
        uint32_t page = 0; // its address
        bool from_store = false;
    };
    std::map<uint32_t, Fault> waiting_; // by thread
    std::vector<models::Picoseconds> latencies_;
};

} // namespace fixpoint::sim
