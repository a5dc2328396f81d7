// What the checkpoint logic needs of the world below it. The image implements it by system calls and probes,
// host tests by a model of memory and of the threads that write to it.
#pragma once

#include <cstdint>

#include "kernel-model/abi/probes.hpp"
#include "pager/store/format.hpp"

namespace pager {

class Platform {
public:
    // The server's own view of a frame, by physical address.
    virtual uint8_t* memory_of(uint32_t frame) = 0;
    // The FPU's registers go to the TCB of the thread that they belong to.
    virtual void save_floating_point() = 0;
    // Nobody but the server can write to `count` adjacent frames any more (recursive in all spaces they were mapped to).
    virtual void revoke_write(uint32_t first_frame, uint32_t count) = 0;
    // What others than the server have done with the frame since the last such call: l4::page_accessed,
    // l4::page_written. unmap: after which nobody else has it mapped.
    virtual uint32_t take_status(uint32_t frame) = 0;
    virtual uint32_t unmap(uint32_t frame) = 0;
    // Which of 2^log2_frames (at most 32) adjacent frames, aligned to their size, others have written to since then: bit i
    // is the i-th.
    virtual uint32_t take_written(uint32_t first_frame, uint32_t log2_frames) = 0;
    // Which of the l4::tcb_group_pages TCB pages from this address on, aligned to their size, the kernel has written to since
    // then: bit i is the i-th.
    virtual uint32_t take_written_tcbs(uint32_t tcb_address) = 0;
    // Copies a TCB page to a frame that holds an earlier copy of it.
    virtual void copy_tcbs(uint32_t to_frame, uint32_t from_frame) = 0;
    virtual uint64_t clock_us() = 0;
    // Between steps of work that may take long: others may run for a moment.
    virtual void pause() = 0;

    // What the simulator's observers hear of.
    virtual void stop_begins(uint32_t epoch) = 0;
    virtual void snapshot(uint32_t epoch) = 0;
    virtual void snapshot_tables(uint32_t epoch) = 0;
    virtual void stop_ends(uint32_t epoch, uint32_t frozen, uint32_t tcb_pages) = 0;
    virtual void committed(uint32_t epoch) = 0;
    virtual void page_placed(store::PageKey key, uint32_t frame, l4::PageSource source) = 0;
    virtual void page_evicted(store::PageKey key) = 0;
    virtual void page_released(store::PageKey key) = 0;
    virtual void page_copied(store::PageKey key) = 0;
    virtual void phase(l4::Phase phase) = 0;

protected:
    ~Platform() = default;
};

} // namespace pager
