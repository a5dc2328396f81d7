#include "sim/observe/disk_check.hpp"

#include "pager/store/crc32c.hpp"
#include "pager/store/sector.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <map>

namespace fixpoint::sim {
namespace {

constexpr const char* copy_names[2] = {"first", "second"};

PageKey page_key(store::PageKey key) {
    return {store::key_task(key), store::key_address(key)};
}

class DiskCheck {
public:
    DiskCheck(OpenedStore& disk, store::BlockDevice& device)
        : disk_(disk), device_(device), geometry_(disk->geometry()) {}

    std::vector<std::string> run() {
        sectors<store::LabelSector>("label", store::label_sector, store::label_magic);
        sectors<store::SessionSector>("session", store::session_sector, store::session_magic);
        sectors<store::RootSector>("root of the even generations", store::root_sector[0], store::root_magic);
        sectors<store::RootSector>("root of the odd generations", store::root_sector[1], store::root_magic);
        if (disk_.status() == store::OpenStatus::checkpoint) {
            recent_entries();
            directory();
            pages();
        } else if (disk_.status() != store::OpenStatus::empty) {
            problem(disk_.explanation());
        }
        return std::move(problems_);
    }

private:
    void problem(std::string text) { problems_.push_back(std::move(text)); }

    template<class Sector>
    void sectors(const char* what, const uint32_t (&places)[2], uint32_t magic) {
        for (uint32_t copy = 0; copy < 2; ++copy) {
            Sector sector;
            const store::SectorState state = read_sector(device_, places[copy], magic, sector);
            if (state == store::SectorState::ours && sector.header.kind == disk_->kind())
                continue;
            if (state == store::SectorState::zero && magic != store::label_magic)
                continue; // never written
            problem(fmt::format("the {} copy of the {}, sector {}, is {}", copy_names[copy], what,
                                places[copy],
                                state == store::SectorState::unreadable ? "unreadable" : "bad"));
        }
    }

    // The bytes of a block, if they have the checksum.
    bool has(uint32_t sector, uint32_t checksum) {
        return device_.read(sector, block_, store::sectors_per_block) == store::DeviceStatus::ok &&
               store::crc32c(block_, sizeof block_) == checksum;
    }

    // Opening does without these; what they say must be what the directory says.
    void recent_entries() {
        const store::RootSector& root = disk_->root();
        for (uint32_t number = 0; number < store::recent_blocks; ++number)
            for (uint32_t copy = 0; copy < 2; ++copy) {
                const uint32_t sector = geometry_.recent_sector(root.generation & 1, copy, number);
                store::RecentBlock recent;
                if (has(sector, root.recent_checksum[number]))
                    std::memcpy(&recent, block_, sizeof recent);
                else
                    bad_copy("recent-entries", number, copy, sector);
                for (uint32_t i = 0; i < std::min(recent.count, store::RecentBlock::capacity); ++i) {
                    const auto& [slot, entry] = recent.item[i];
                    if (slot >= disk_->slots() || std::memcmp(&entry, &disk_->entry(slot), sizeof entry) != 0)
                        problem(fmt::format(
                            "recent-entries block {}, copy {}: slot {} is other than in the directory",
                            number, copy, slot));
                }
            }
    }

    // Opening has found one good copy of each block. The checksums of the directory blocks are in the index.
    void directory() {
        const store::RootSector& root = disk_->root();
        const uint32_t parity = root.generation & 1;
        std::vector<uint32_t> checksums;
        for (uint32_t number = 0; number * store::children_per_index < root.directory_blocks; ++number) {
            store::IndexBlock index;
            for (uint32_t copy = 0; copy < 2; ++copy) {
                const uint32_t sector = geometry_.index_sector(parity, copy, number);
                if (has(sector, root.index_checksum[number]))
                    std::memcpy(&index, block_, sizeof index);
                else
                    bad_copy("index", number, copy, sector);
            }
            checksums.insert(checksums.end(), std::begin(index.checksum), std::end(index.checksum));
        }
        for (uint32_t number = 0; number < root.directory_blocks; ++number)
            for (uint32_t copy = 0; copy < 2; ++copy) {
                const uint32_t sector = geometry_.directory_sector(parity, copy, number);
                if (!has(sector, checksums[number]))
                    bad_copy("directory", number, copy, sector);
            }
    }

    void bad_copy(const char* what, uint32_t number, uint32_t copy, uint32_t sector) {
        problem(fmt::format("the {} copy of {} block {}, sector {}, is bad", copy_names[copy], what, number,
                            sector));
    }

    void pages() {
        std::map<store::PageKey, uint32_t> slot_of_page;
        std::map<uint32_t, uint32_t> slot_of_block;
        for (uint32_t slot = 0; slot < disk_->slots(); ++slot) {
            const store::DirectoryEntry& entry = disk_->entry(slot);
            if (!entry.is_used())
                continue;
            if (const auto [other, is_new] = slot_of_page.emplace(entry.key(), slot); !is_new)
                problem(fmt::format("slots {} and {} are both {}", other->second, slot,
                                    name_of(page_key(entry.key()))));
            if (!entry.has_block())
                continue;
            if (const auto [other, is_new] = slot_of_block.emplace(entry.block, slot); !is_new)
                problem(
                    fmt::format("slots {} and {} are both in block {}", other->second, slot, entry.block));
            const store::LoadStatus status = disk_->load(slot, block_);
            if (status != store::LoadStatus::ok)
                problem(fmt::format(
                    "{}, sector {}, {}", name_of(page_key(entry.key())), geometry_.block_sector(entry.block),
                    status == store::LoadStatus::unreadable ? "is unreadable" : "has a wrong checksum"));
        }
    }

    OpenedStore& disk_;
    store::BlockDevice& device_;
    const store::Geometry& geometry_;
    std::vector<std::string> problems_;
    alignas(8) uint8_t block_[store::block_bytes] = {};
};

using Block = std::array<uint8_t, store::block_bytes>;

std::map<PageKey, uint32_t> slots_by_page(OpenedStore& disk) {
    std::map<PageKey, uint32_t> slots;
    for (uint32_t slot = 0; slot < disk->slots(); ++slot)
        if (disk->entry(slot).is_used())
            slots.emplace(page_key(disk->entry(slot).key()), slot);
    return slots;
}

// Zeros where the checkpoint has no such page. False: it has, but it cannot be read.
bool load_page(OpenedStore& disk, const std::map<PageKey, uint32_t>& slots, PageKey page, Block& content) {
    const auto found = slots.find(page);
    content.fill(0);
    return found == slots.end() || disk->load(found->second, content.data()) == store::LoadStatus::ok;
}

} // namespace

std::vector<std::string> check_disk(OpenedStore& disk, store::BlockDevice& device) {
    return DiskCheck(disk, device).run();
}

DiskDifference compare_disks(OpenedStore& first, OpenedStore& second) {
    const std::map<PageKey, uint32_t> slots[2] = {slots_by_page(first), slots_by_page(second)};
    std::map<PageKey, uint32_t> all = slots[0];
    all.insert(slots[1].begin(), slots[1].end());
    DiskDifference difference;
    Block contents[2];
    for (const auto& [page, slot] : all) {
        if (!load_page(first, slots[0], page, contents[0]) ||
            !load_page(second, slots[1], page, contents[1])) {
            difference.unreadable.push_back(name_of(page));
            continue;
        }
        const auto at = std::mismatch(contents[0].begin(), contents[0].end(), contents[1].begin());
        if (at.first != contents[0].end())
            difference.pages.push_back(fmt::format("{} differs from byte {:#x} on: {:#04x}, {:#04x}",
                                                   name_of(page), at.first - contents[0].begin(), *at.first,
                                                   *at.second));
    }
    return difference;
}

} // namespace fixpoint::sim
