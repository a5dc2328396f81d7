#include "sim/machine/kernel_layout.hpp"

#include "sim/machine/memory_map.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace fixpoint::sim {
namespace {

std::string span_of(uint64_t begin, uint64_t end) {
    return fmt::format("{:#x} to {:#x}", begin, end - 1);
}

void check_place(const BootFile& file, const KernelPiece& piece, uint64_t memory_bytes) {
    if (piece.end() > memory_bytes)
        file.refuse({piece.name, "addresses " + span_of(piece.address, piece.end()),
                     fmt::format("none above {:#x}, the end of memory", memory_bytes - 1),
                     more_memory(piece.end())});
    if (piece.address < upper_memory && piece.end() > video_memory)
        file.refuse({piece.name, "addresses " + span_of(piece.address, piece.end()),
                     fmt::format("none in {}, where video memory and the BIOS are",
                                 span_of(video_memory, upper_memory)),
                     "link it at 0x100000 or above"});
}

void check_overlaps(const BootFile& file, const KernelLayout& layout) {
    std::vector<const KernelPiece*> order;
    for (const KernelPiece& piece : layout.pieces)
        if (!piece.content.empty())
            order.push_back(&piece);
    std::ranges::stable_sort(order, {}, &KernelPiece::address);
    for (size_t i = 1; i < order.size(); ++i) {
        const KernelPiece &lower = *order[i - 1], &upper = *order[i];
        if (const uint64_t lower_end = lower.address + lower.content.size(); lower_end > upper.address)
            file.refuse(
                {upper.name, fmt::format("content from {:#x} on", upper.address),
                 fmt::format("none before {:#x}, where the content of {} ends", lower_end, lower.name),
                 "check the load addresses (AT) in the linker script"});
    }
}

} // namespace

uint64_t KernelLayout::end() const {
    uint64_t highest = 0;
    for (const KernelPiece& piece : pieces)
        highest = std::max(highest, piece.end());
    return highest;
}

void check_layout(const BootFile& file, const KernelLayout& layout, uint64_t memory_bytes) {
    if (layout.pieces.empty())
        file.refuse({"the file", "nothing to load", "a kernel", "check how it was linked"});
    for (const KernelPiece& piece : layout.pieces)
        check_place(file, piece, memory_bytes);
    check_overlaps(file, layout);
    if (std::ranges::none_of(layout.pieces,
                             [&](const KernelPiece& piece) { return piece.contains(layout.entry); }))
        file.refuse({layout.entry_name, fmt::format("{:#x}", layout.entry), "an address that is loaded",
                     "check the entry point (ENTRY in the linker script, or the header's field)"});
}

} // namespace fixpoint::sim
