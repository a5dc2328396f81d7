// The independent witness of recovery: copies of the whole persistent world at each snapshot's instant, taken
// from guest memory and from the page tables, never from the server's own tables.
//
// At a snapshot (I1) every page that was placed is copied, and every present page of a persistent task is
// looked up by walking the page tables: it must lie in a frame that was placed. After a power cut each page
// is compared with the copy when it is put into memory, before kernel or thread touch it, and all of them are
// read from the disk besides. A page that is evicted is copied as it goes and compared when it comes back.
#pragma once

#include "kernel-model/abi/probes.hpp"
#include "models/memory/physical_memory.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace fixpoint::sim {

// A page of the persistent world: task and page address there; task 0: a page of the TCB array.
struct PageKey {
    uint32_t task = 0, address = 0;

    auto operator<=>(const PageKey&) const = default; // NOLINT(modernize-use-nullptr): clang-tidy 14 is wrong
};

// "TCB page 0xe0200000", "page 0x400000 of task 16"
[[nodiscard]] std::string name_of(PageKey page);

inline constexpr size_t page_bytes = 4096;
using PageContent = std::span<const uint8_t, page_bytes>;

// Hands every page of the newest checkpoint on the disk to `visit`. Returns its epoch (0: there is none), or
// nothing if the disk cannot be read, with the reason in `error`.
using StoreReader = std::function<std::optional<uint32_t>(
    const std::function<void(PageKey, PageContent)>& visit, std::string& error)>;

class Snapshots {
public:
    explicit Snapshots(const models::PhysicalMemory& memory) : memory_(memory) {}

    void page_placed(PageKey page, uint32_t frame, l4::PageSource source);
    void page_released(PageKey page);
    void page_evicted(PageKey page); // its frame still has its content
    void task_space(uint32_t task, uint32_t page_directory);
    void snapshot(uint32_t epoch);
    void committed(uint32_t epoch);

    // The image has switched the machine off, memory is still there: no page may have changed since the newest snapshot.
    void switched_off();
    // Memory is gone. The copies stay: one of them is what comes back.
    void power_cycle();
    // The server has recovered `epoch` (0: a fresh start); the disk still holds what it recovered from.
    void recovered(uint32_t epoch, const StoreReader& read_store);

    // Whether everything since the last recovery was as in the snapshot; nothing before a recovery, or if the
    // snapshot was taken by an earlier simulation.
    [[nodiscard]] std::optional<bool> identical() const { return identical_; }
    // What did not hold, in words; at most `messages_max`.
    [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }

    static constexpr size_t messages_max = 20;

private:
    using Page = std::array<uint8_t, page_bytes>;
    using Copy = std::vector<std::pair<PageKey, std::shared_ptr<const Page>>>; // ascending keys

    [[nodiscard]] PageContent frame_content(uint32_t frame) const;
    [[nodiscard]] static std::shared_ptr<const Page> copied(PageContent content);
    static void merge(Copy& copy, const Copy& more);
    void forget_frame(PageKey page);
    void check_move(PageKey page, uint32_t frame);
    void compare_disk(uint32_t epoch, bool is_known, const StoreReader& read_store);
    void check_page_tables(uint32_t epoch);
    void check_address_space(uint32_t epoch, uint32_t task, uint32_t page_directory);
    void check_tcb_array(uint32_t epoch, uint32_t page_directory);
    void compare(PageKey page, PageContent content, const char* where);
    void mismatch(std::string message);
    void violation(std::string message);
    [[nodiscard]] std::optional<uint32_t> read_word(uint32_t address) const;

    const models::PhysicalMemory& memory_;
    std::map<PageKey, uint32_t> placed_;  // frame by page
    std::map<uint32_t, unsigned> frames_; // number of pages placed in a frame
    std::map<PageKey, std::shared_ptr<const Page>> evicted_;
    std::map<uint32_t, uint32_t> page_directories_; // by task
    std::map<uint32_t, Copy> copies_;               // by epoch: the newest committed one and everything later
    Copy last_;                                     // shares unchanged pages with the next
    uint32_t newest_committed_ = 0;

    std::optional<Copy> recovered_; // what must come back
    std::set<PageKey> came_back_;   // compared already, or released: from then on a page goes its own way
    bool recovering_ = true;        // from power-on to recovered()
    std::vector<std::pair<PageKey, std::shared_ptr<const Page>>> placed_early_; // before the epoch was known
    std::optional<bool> identical_;
    std::vector<std::string> violations_;
};

} // namespace fixpoint::sim
