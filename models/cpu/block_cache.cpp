#include "models/cpu/block_cache.hpp"

#include <algorithm>

namespace fixpoint::models {

namespace {
constexpr size_t blocks_per_slab = 1024;
constexpr size_t ops_per_block = 2 * Block::max_instructions + 1; // observed ones have two Ops an instruction
} // namespace

BlockCache::BlockCache(size_t memory_bytes, Handler leave, FastPath& data_path, CpuCounters& counters)
    : leave_{leave}, data_path_{data_path}, counters_{counters}, buckets_(bucket_count, nullptr),
      pages_(memory_bytes / page_bytes) {}

void BlockCache::flush() {
    std::fill(buckets_.begin(), buckets_.end(), nullptr);
    for (auto& page : pages_)
        page.reset();
    for (size_t i = 0; i < block_count_; ++i) // somebody may still hold a hint
        block_slabs_[i / blocks_per_slab][i % blocks_per_slab].mode |= Block::dead;
    block_count_ = slab_ = slab_used_ = 0;
}

Block* BlockCache::allocate() {
    if (block_count_ / blocks_per_slab == block_slabs_.size())
        block_slabs_.push_back(std::make_unique<Block[]>(blocks_per_slab));
    Block* block = &block_slabs_[block_count_ / blocks_per_slab][block_count_ % blocks_per_slab];
    if (slab_used_ + ops_per_block > ops_per_slab) {
        ++slab_;
        slab_used_ = 0;
    }
    if (slab_ == op_slabs_.size())
        op_slabs_.push_back(std::make_unique<Op[]>(ops_per_slab));
    *block = Block{};
    block->ops = &op_slabs_[slab_][slab_used_];
    return block;
}

BlockCache::Extent BlockCache::extent_in(const Block& block, uint32_t physical, uint32_t page) {
    const uint32_t offset = physical % page_bytes;
    if (page == physical / page_bytes)
        return {offset, std::min<uint32_t>(offset + block.extent, page_bytes)};
    if (block.second_page != Block::no_page && page == block.second_page / page_bytes)
        // Nothing, of an invalid instruction.
        return {0, std::max(offset + block.bytes, page_bytes) - page_bytes};
    return {0, 0};
}

void BlockCache::mark(CodePage& code, const Extent& extent) {
    for (uint32_t chunk = extent.begin / chunk_bytes; chunk * chunk_bytes < extent.end; ++chunk)
        code.chunks[chunk / 64] |= uint64_t{1} << (chunk % 64);
}

void BlockCache::insert(Block* block) {
    ++block_count_;
    slab_used_ += block->op_count;
    ++counters_.blocks_decoded;
    Block*& bucket = buckets_[bucket_of(block->physical, block->mode)];
    block->next_in_bucket = bucket;
    bucket = block;
    for (const uint32_t address : {block->physical, block->second_page}) {
        const uint32_t page = address / page_bytes;
        if (page >= pages_.size() || address == Block::no_page)
            continue;
        if (!pages_[page])
            pages_[page] = std::make_unique<CodePage>();
        const Extent extent = extent_in(*block, block->physical, page);
        mark(*pages_[page], extent);
        pages_[page]->blocks.push_back(block);
        // Lines that hold code from now on must not be written by the short cut.
        for (uint32_t offset = extent.begin & ~15u; offset < extent.end; offset += 16)
            data_path_.drop(page * page_bytes + offset);
    }
}

void BlockCache::kill(Block* block) {
    Block** link = &buckets_[bucket_of(block->physical, block->mode)];
    while (*link != block)
        link = &(*link)->next_in_bucket;
    *link = block->next_in_bucket;
    const uint32_t physical = block->physical;
    block->mode |= Block::dead;
    for (unsigned i = 0; i < block->op_count; ++i)
        block->ops[i].handler = leave_;
    ++counters_.blocks_invalidated;
    for (const uint32_t address : {physical, block->second_page}) {
        const uint32_t page = address / page_bytes;
        if (page >= pages_.size() || address == Block::no_page || !pages_[page])
            continue;
        CodePage& code = *pages_[page];
        std::erase(code.blocks, block);
        code.chunks = {};
        for (const Block* other : code.blocks)
            mark(code, extent_in(*other, other->physical, page));
        if (code.blocks.empty())
            pages_[page].reset();
    }
}

void BlockCache::written_in_page(uint32_t page, uint32_t physical, uint32_t bytes) {
    const uint32_t page_begin = page * page_bytes;
    const uint32_t begin = physical > page_begin ? physical - page_begin : 0;
    const uint64_t end64 = uint64_t{physical} + bytes - page_begin;
    const uint32_t end = end64 > page_bytes ? page_bytes : static_cast<uint32_t>(end64);
    bool touched = false;
    for (uint32_t chunk = begin / chunk_bytes; chunk * chunk_bytes < end && !touched; ++chunk)
        touched = pages_[page]->has(chunk);
    if (!touched)
        return;
    const std::vector<Block*> blocks = pages_[page]->blocks; // kill() changes the list
    for (Block* block : blocks) {
        const Extent extent = extent_in(*block, block->physical, page);
        if ((block->mode & Block::dead) == 0 && extent.begin < end && begin < extent.end)
            kill(block);
    }
}

} // namespace fixpoint::models
