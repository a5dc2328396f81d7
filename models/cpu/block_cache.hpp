// The blocks of decoded code, found by physical address and mode, and dropped when their bytes are written.
//
// A write is checked against the 32-byte chunks that hold cached code, so data beside code costs nothing but
// the slow path of its line. Killing the block that runs turns its remaining Ops into exits, so a store into
// the very next instruction takes effect there, as the P6 has it (SDM vol. 3, 11.6). None of this is modelled
// time.
#pragma once

#include "models/cpu/cpu.hpp"
#include "models/cpu/fast_path.hpp"
#include "models/cpu/op.hpp"

#include <array>
#include <memory>
#include <vector>

namespace fixpoint::models {

class BlockCache {
public:
    // `leave`: the handler that replaces those of a killed block.
    BlockCache(size_t memory_bytes, Handler leave, FastPath& data_path, CpuCounters& counters);

    [[nodiscard]] Block* find(uint32_t physical, uint32_t mode) {
        for (Block* block = buckets_[bucket_of(physical, mode)]; block != nullptr;
             block = block->next_in_bucket)
            if (block->physical == physical && block->mode == mode)
                return block;
        return nullptr;
    }
    // No room for another block: flush() first, and forget all pointers to blocks.
    [[nodiscard]] bool full() const { return block_count_ == max_blocks; }
    void flush();
    // A new block with room for its Ops, not yet to be found.
    [[nodiscard]] Block* allocate();
    // Enters the block, whose key and extent are set; unused Ops are given back.
    void insert(Block* block);
    void kill(Block* block);

    // Memory is written: blocks with these bytes die. `bytes` may span pages.
    void written(uint32_t physical, uint32_t bytes) {
        for (uint32_t page = physical / page_bytes; page <= (physical + (bytes - 1)) / page_bytes; ++page)
            if (page < pages_.size() && pages_[page])
                written_in_page(page, physical, bytes);
    }
    // May a write to this line skip written()?
    [[nodiscard]] bool line_has_code(uint32_t physical, uint32_t line_bytes) const {
        const uint32_t page = physical / page_bytes;
        if (page >= pages_.size() || !pages_[page])
            return false;
        const uint32_t first = physical & (page_bytes - 1) & ~(line_bytes - 1);
        for (uint32_t chunk = first / chunk_bytes; chunk <= (first + line_bytes - 1) / chunk_bytes; ++chunk)
            if (pages_[page]->has(chunk))
                return true;
        return false;
    }

private:
    static constexpr uint32_t page_bytes = 4096, chunk_bytes = 32, bucket_count = 1u << 15;
    static constexpr size_t max_blocks = 1u << 16, ops_per_slab = 1u << 14;

    struct CodePage {
        std::array<uint64_t, page_bytes / chunk_bytes / 64> chunks{};
        std::vector<Block*> blocks;

        [[nodiscard]] bool has(uint32_t chunk) const { return (chunks[chunk / 64] >> (chunk % 64) & 1) != 0; }
    };
    struct Extent { // offsets within a page; empty: begin == end
        uint32_t begin, end;
    };

    [[nodiscard]] static uint32_t bucket_of(uint32_t physical, uint32_t mode) {
        return (physical ^ (physical >> 15) ^ (mode << 9)) & (bucket_count - 1);
    }
    [[nodiscard]] static Extent extent_in(const Block& block, uint32_t physical, uint32_t page);
    void written_in_page(uint32_t page, uint32_t physical, uint32_t bytes);
    void mark(CodePage& code, const Extent& extent);

    Handler leave_;
    FastPath& data_path_;
    CpuCounters& counters_;
    std::vector<Block*> buckets_;
    std::vector<std::unique_ptr<CodePage>> pages_;
    std::vector<std::unique_ptr<Block[]>> block_slabs_;
    std::vector<std::unique_ptr<Op[]>> op_slabs_;
    size_t block_count_ = 0, slab_ = 0, slab_used_ = 0;
};

} // namespace fixpoint::models
