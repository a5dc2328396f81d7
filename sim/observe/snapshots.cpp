#include "sim/observe/snapshots.hpp"

#include "kernel-model/abi/system_layout.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <utility>

namespace fixpoint::sim {
namespace {

// Page directory and page table entries (Intel SDM vol. 3, 4.3).
constexpr uint32_t entry_present = 1, entry_writable = 2, entry_user = 4, entry_large = 0x80;
constexpr uint32_t entries_per_table = 1024, entry_bytes = 4, frame_mask = 0xFFFFF000u;

bool is_zero(PageContent content) {
    return std::all_of(content.begin(), content.end(), [](uint8_t byte) { return byte == 0; });
}

} // namespace

std::string name_of(PageKey page) {
    return page.task == 0 ? fmt::format("TCB page {:#x}", page.address)
                          : fmt::format("page {:#x} of task {}", page.address, page.task);
}

PageContent Snapshots::frame_content(uint32_t frame) const {
    return PageContent(memory_.data() + frame, page_bytes);
}

std::shared_ptr<const Snapshots::Page> Snapshots::copied(PageContent content) {
    auto page = std::make_shared<Page>();
    std::copy(content.begin(), content.end(), page->begin());
    return page;
}

std::optional<uint32_t> Snapshots::read_word(uint32_t address) const {
    if (!memory_.contains(address, entry_bytes))
        return std::nullopt;
    uint32_t word;
    std::memcpy(&word, memory_.data() + address, entry_bytes);
    return word;
}

void Snapshots::violation(std::string message) {
    if (violations_.size() < messages_max)
        violations_.push_back(std::move(message));
}

void Snapshots::mismatch(std::string message) {
    identical_ = false;
    violation(std::move(message));
}

void Snapshots::page_placed(PageKey page, uint32_t frame, l4::PageSource source) {
    page.address &= frame_mask;
    frame &= frame_mask;
    if (!memory_.contains(frame, page_bytes)) {
        violation(fmt::format("{} was placed outside of memory, at {:#x}", name_of(page), frame));
        return;
    }
    if (source == l4::PageSource::moved)
        check_move(page, frame);
    forget_frame(page);
    placed_[page] = frame;
    ++frames_[frame];

    if (const auto before = evicted_.find(page); before != evicted_.end()) {
        const PageContent content = frame_content(frame);
        if (!std::equal(content.begin(), content.end(), before->second->begin()))
            violation(fmt::format("{} came back from its eviction with other content", name_of(page)));
        evicted_.erase(before);
    } else if (recovering_) {
        placed_early_.emplace_back(page, copied(frame_content(frame)));
    } else if (recovered_ && came_back_.insert(page).second) {
        compare(page, frame_content(frame),
                source == l4::PageSource::store ? "when it came from the disk"
                                                : "when it came back as a fresh page");
    }
}

void Snapshots::check_move(PageKey page, uint32_t frame) {
    const auto before = placed_.find(page);
    if (before == placed_.end()) {
        violation(fmt::format("{} was moved and was nowhere before", name_of(page)));
        return;
    }
    const PageContent from = frame_content(before->second), to = frame_content(frame);
    if (!std::equal(from.begin(), from.end(), to.begin()))
        violation(fmt::format("{} has other content in the frame that it was moved to", name_of(page)));
}

void Snapshots::page_released(PageKey page) {
    page.address &= frame_mask;
    came_back_.insert(page); // if it comes again, it comes anew
    evicted_.erase(page);
    forget_frame(page);
}

void Snapshots::page_evicted(PageKey page) {
    page.address &= frame_mask;
    const auto found = placed_.find(page);
    if (found == placed_.end()) {
        violation(fmt::format("{} was evicted, but had not been placed", name_of(page)));
        return;
    }
    evicted_[page] = copied(frame_content(found->second));
    forget_frame(page);
}

void Snapshots::forget_frame(PageKey page) {
    const auto found = placed_.find(page);
    if (found == placed_.end())
        return;
    if (--frames_[found->second] == 0)
        frames_.erase(found->second);
    placed_.erase(found);
}

void Snapshots::task_space(uint32_t task, uint32_t page_directory) {
    if (page_directory == 0)
        page_directories_.erase(task);
    else
        page_directories_[task] = page_directory & frame_mask;
}

void Snapshots::snapshot(uint32_t epoch) {
    check_page_tables(epoch);
    Copy copy;
    copy.reserve(placed_.size());
    auto before = last_.begin(); // both ascend by key
    for (const auto& [page, frame] : placed_) {
        const PageContent content = frame_content(frame);
        while (before != last_.end() && before->first < page)
            ++before;
        if (before != last_.end() && before->first == page &&
            std::equal(content.begin(), content.end(), before->second->begin()))
            copy.push_back(*before);
        else
            copy.emplace_back(page, copied(content));
    }
    merge(copy, Copy(evicted_.begin(), evicted_.end()));
    // What has not come back since the last recovery is part of the world as it lies on the disk.
    if (recovered_) {
        Copy absent;
        for (const auto& entry : *recovered_)
            if (!came_back_.contains(entry.first))
                absent.push_back(entry);
        merge(copy, absent);
    }
    last_ = copy;
    copies_[epoch] = std::move(copy);
}

void Snapshots::merge(Copy& copy, const Copy& more) {
    const auto middle = static_cast<std::ptrdiff_t>(copy.size());
    copy.insert(copy.end(), more.begin(), more.end());
    std::inplace_merge(copy.begin(), copy.begin() + middle, copy.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
}

void Snapshots::committed(uint32_t epoch) {
    newest_committed_ = epoch;
    copies_.erase(copies_.begin(),
                  copies_.lower_bound(epoch)); // I9: only this one or a newer one may come back
}

// The kernel may write to TCBs: it stops the threads when they fault.
void Snapshots::switched_off() {
    for (const auto& [page, frame] : placed_) {
        if (page.task == 0)
            continue;
        const auto before = std::lower_bound(last_.begin(), last_.end(), page,
                                             [](const auto& a, const PageKey& key) { return a.first < key; });
        const PageContent content = frame_content(frame);
        if (before == last_.end() || before->first != page ||
            !std::equal(content.begin(), content.end(), before->second->begin()))
            violation(fmt::format("{} changed after the last checkpoint of a shutdown", name_of(page)));
    }
}

void Snapshots::power_cycle() {
    placed_.clear();
    frames_.clear();
    evicted_.clear();
    page_directories_.clear();
    placed_early_.clear();
    recovered_.reset();
    came_back_.clear();
    identical_.reset();
    recovering_ = true;
}

void Snapshots::recovered(uint32_t epoch, const StoreReader& read_store) {
    recovering_ = false;
    const auto early = std::exchange(placed_early_, {});
    if (epoch < newest_committed_)
        mismatch(fmt::format("I9: epoch {} was recovered although {} had been reported committed", epoch,
                             newest_committed_));
    const auto copy = copies_.find(epoch);
    const bool is_known = copy != copies_.end();
    if (epoch != 0) {
        recovered_ = is_known ? copy->second : Copy();
        compare_disk(epoch, is_known, read_store);
        for (const auto& [page, content] : early) {
            compare(page, *content, "when it came from the disk");
            came_back_.insert(page);
        }
        if (is_known && !identical_)
            identical_ = true;
    }
    copies_.clear(); // later epochs will be taken anew
    last_.clear();
    if (recovered_)
        last_ = copies_[epoch] = *recovered_;
    newest_committed_ = epoch;
}

void Snapshots::compare_disk(uint32_t epoch, bool is_known, const StoreReader& read_store) {
    if (!is_known && newest_committed_ != 0)
        mismatch(fmt::format("epoch {} was recovered, which was never taken", epoch));
    std::string error;
    Copy on_disk;
    const auto disk_epoch = read_store(
        [&](PageKey page, PageContent content) { on_disk.emplace_back(page, copied(content)); }, error);
    if (!disk_epoch)
        mismatch(fmt::format("the disk cannot be read after recovery: {}", error));
    else if (*disk_epoch != epoch)
        mismatch(fmt::format("the server recovered epoch {}, the disk holds {}", epoch, *disk_epoch));
    const auto by_page = [](const auto& a, const auto& b) { return a.first < b.first; };
    std::sort(on_disk.begin(), on_disk.end(), by_page);
    if (!is_known) { // taken by an earlier simulation: there is only the disk to go by
        recovered_ = std::move(on_disk);
        return;
    }
    for (const auto& [page, content] : on_disk)
        compare(page, *content, "on the disk");
    for (const auto& entry : *recovered_)
        if (!std::binary_search(on_disk.begin(), on_disk.end(), entry, by_page) && !is_zero(*entry.second))
            mismatch(fmt::format("{} is missing on the disk", name_of(entry.first)));
}

void Snapshots::compare(PageKey page, PageContent content, const char* where) {
    const auto found =
        std::lower_bound(recovered_->begin(), recovered_->end(), page,
                         [](const auto& entry, const PageKey& key) { return entry.first < key; });
    if (found == recovered_->end() || found->first != page) {
        // A page that the snapshot did not have is empty when it appears.
        if (!is_zero(content))
            mismatch(fmt::format("{} was not in the snapshot, but has content {}", name_of(page), where));
        return;
    }
    const auto difference = std::mismatch(content.begin(), content.end(), found->second->begin());
    if (difference.first != content.end())
        mismatch(fmt::format("{} differs {}: byte {:#x} is {:#04x}, was {:#04x}", name_of(page), where,
                             difference.first - content.begin(), *difference.first, *difference.second));
}

void Snapshots::check_page_tables(uint32_t epoch) {
    for (const auto& [task, page_directory] : page_directories_)
        if (task >= l4::first_persistent_task)
            check_address_space(epoch, task, page_directory);
    // The kernel's half is the same in every address space.
    if (!page_directories_.empty())
        check_tcb_array(epoch, page_directories_.begin()->second);
}

void Snapshots::check_address_space(uint32_t epoch, uint32_t task, uint32_t page_directory) {
    constexpr uint32_t user_tables = l4::user_space_end >> l4::superpage_bits;
    for (uint32_t table = 0; table < user_tables; ++table) {
        const auto directory_entry = read_word(page_directory + table * entry_bytes);
        if (!directory_entry || !(*directory_entry & entry_present) || !(*directory_entry & entry_user))
            continue;
        const uint32_t first = table << l4::superpage_bits;
        if (*directory_entry & entry_large) {
            violation(fmt::format("epoch {}: task {} has a 4 MB page at {:#x}", epoch, task, first));
            continue;
        }
        for (uint32_t index = 0; index < entries_per_table; ++index) {
            const auto entry = read_word((*directory_entry & frame_mask) + index * entry_bytes);
            if (!entry || (*entry & (entry_present | entry_user)) != (entry_present | entry_user))
                continue;
            const PageKey page{task, first + (index << l4::page_bits)};
            const uint32_t frame = *entry & frame_mask;
            const auto placed = placed_.find(page);
            // A page that another persistent task has mapped to this one is placed under that task's name.
            const bool known = placed != placed_.end() ? placed->second == frame : frames_.contains(frame);
            if (!known)
                violation(fmt::format("epoch {}: {} lies in frame {:#x}, where nothing was placed", epoch,
                                      name_of(page), frame));
        }
    }
}

void Snapshots::check_tcb_array(uint32_t epoch, uint32_t page_directory) {
    constexpr uint32_t task_bytes = l4::threads_per_task * l4::tcb_size;
    constexpr uint32_t first = l4::tcb_array_base + l4::first_persistent_task * task_bytes;
    constexpr uint32_t last = l4::tcb_array_base + (l4::tcb_array_size - l4::page_size);
    for (uint32_t address = first; address <= last; address += l4::page_size) {
        const auto directory_entry =
            read_word(page_directory + (address >> l4::superpage_bits) * entry_bytes);
        if (!directory_entry || !(*directory_entry & entry_present))
            continue;
        const auto entry = read_word((*directory_entry & frame_mask) +
                                     (address >> l4::page_bits) % entries_per_table * entry_bytes);
        // Read only: the page of zeros that stands for TCBs never used.
        if (!entry || (*entry & (entry_present | entry_writable)) != (entry_present | entry_writable))
            continue;
        const auto placed = placed_.find({0, address});
        if (placed == placed_.end() || placed->second != (*entry & frame_mask))
            violation(fmt::format("epoch {}: TCB page {:#x} lies in frame {:#x}, where it was not placed",
                                  epoch, address, *entry & frame_mask));
    }
}

} // namespace fixpoint::sim
