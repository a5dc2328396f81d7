// L1 instruction and data cache and the unified L2: where an access hits decides how long the processor
// stalls.
//
// Misses to memory that follow each other in ascending lines overlap on hardware: the bus moves them at its own
// rate, and only the first costs the whole latency. Streams remembers where such sequences would go on.
//
// Write-back, write-allocate; L2 is neither inclusive nor exclusive (P6). A line in L1I is never dirty in
// L1D: filling L1I cleans the line, and the first write to a clean line drops it from L1I. Devices write
// around the caches (snoop).
#pragma once

#include "models/cpu/cache.hpp"
#include "models/cpu/clock.hpp"
#include "models/cpu/cpu.hpp"
#include "models/cpu/fast_path.hpp"
#include "models/cpu/memory_streams.hpp"

namespace fixpoint::models {

class CacheHierarchy {
public:
    CacheHierarchy(const CpuParameters& parameters, Clock& clock, CpuCounters& counters, FastPath& data_path,
                   FastPath& fetch_path)
        : l1i_{parameters.l1_instruction}, l1d_{parameters.l1_data}, l2_{parameters.l2},
          streams_{parameters.memory_streams, parameters.l1_data.line_bytes},
          memory_latency_{parameters.memory_latency_cycles},
          memory_stream_cycles_{parameters.memory_stream_cycles},
          writeback_cycles_{parameters.writeback_cycles}, clock_{clock}, counters_{counters},
          data_path_{data_path}, fetch_path_{fetch_path} {
        if (l1i_.line_bytes() != l1d_.line_bytes() || l2_.line_bytes() != l1d_.line_bytes())
            throw std::invalid_argument("cache geometry: all levels must have the same line size");
    }

    [[nodiscard]] uint32_t line_bytes() const { return l1d_.line_bytes(); }

    // One access within the line at `physical`.
    [[gnu::always_inline]] void data_access(uint32_t physical, bool write) {
        bool order_changed = false, became_dirty = false;
        if (!l1d_.touch(physical, write, order_changed, became_dirty)) [[unlikely]]
            return data_miss(physical, write);
        if (order_changed)
            data_path_.drop(physical);
        if (became_dirty)
            take_from_fetch(physical);
    }
    [[gnu::always_inline]] void fetch_access(uint32_t physical) {
        bool order_changed = false, became_dirty = false;
        if (!l1i_.touch(physical, false, order_changed, became_dirty)) [[unlikely]]
            return fetch_miss(physical);
        if (order_changed)
            fetch_path_.drop(physical);
    }
    // An access that no cache holds (device memory).
    void uncached_access() { clock_.add_stall(memory_latency_); }

    void snoop(uint32_t physical, uint32_t bytes) {
        if (bytes == 0)
            return;
        const uint32_t line = line_bytes();
        const uint32_t last = (physical + (bytes - 1)) / line;
        for (uint32_t number = physical / line; number <= last; ++number) {
            const uint32_t address = number * line;
            l1i_.invalidate(address);
            l1d_.invalidate(address);
            l2_.invalidate(address);
            data_path_.drop(address);
            fetch_path_.drop(address);
        }
    }
    void invalidate_all() {
        l1i_.invalidate_all();
        l1d_.invalidate_all();
        l2_.invalidate_all();
        streams_.forget_all();
        data_path_.drop_all();
        fetch_path_.drop_all();
    }
    template<class Visitor>
    void visit_state(Visitor&& visit) const {
        for (const Cache* cache : {&l1i_, &l1d_, &l2_})
            for (const uint32_t line : cache->lines())
                visit(line);
        streams_.visit_state(visit);
    }

private:
    // A line that is written leaves the instruction cache.
    void take_from_fetch(uint32_t physical) {
        l1i_.invalidate(physical);
        fetch_path_.drop(physical);
    }
    [[gnu::noinline]] void data_miss(uint32_t physical, bool write) {
        const uint32_t victim = l1d_.bring_in(physical, write);
        data_path_.drop(physical);
        if (write)
            take_from_fetch(physical);
        ++counters_.l1_data_misses;
        if (victim != 0)
            write_back(victim - 1);
        fill_from_l2(physical, true);
    }
    [[gnu::noinline]] void fetch_miss(uint32_t physical) {
        l1i_.bring_in(physical, false);
        fetch_path_.drop(physical);
        ++counters_.l1_instruction_misses;
        if (l1d_.clean(physical)) {
            data_path_.drop(physical);
            write_back(physical);
        }
        fill_from_l2(physical, false);
    }
    void fill_from_l2(uint32_t physical, bool data) {
        if (access_l2(physical, false)) {
            clock_.add_stall(l2_.latency());
            return;
        }
        ++counters_.l2_misses;
        const bool streamed = data && streams_.miss(physical);
        clock_.add_stall(streamed ? memory_stream_cycles_ : l2_.latency() + memory_latency_);
    }
    void write_back(uint32_t physical) {
        ++counters_.writebacks;
        clock_.add_stall(writeback_cycles_);
        access_l2(physical, true);
    }
    // True: a hit. What has to go for the line goes to memory.
    bool access_l2(uint32_t physical, bool write) {
        bool order_changed = false, became_dirty = false;
        if (l2_.touch(physical, write, order_changed, became_dirty))
            return true;
        if (l2_.bring_in(physical, write) != 0) {
            ++counters_.writebacks;
            clock_.add_stall(writeback_cycles_);
        }
        return false;
    }

    Cache l1i_, l1d_, l2_;
    MemoryStreams streams_;
    uint32_t memory_latency_, memory_stream_cycles_, writeback_cycles_;
    Clock& clock_;
    CpuCounters& counters_;
    FastPath &data_path_, &fetch_path_;
};

} // namespace fixpoint::models
