#include "models/cpu/mmu.hpp"

namespace fixpoint::models {

namespace {

// Page-directory and page-table entries, SDM vol. 3, table 4-4 to 4-6.
constexpr uint32_t present = 1u << 0, writable = 1u << 1, user_bit = 1u << 2, accessed = 1u << 5,
                   dirty_bit = 1u << 6, page_size = 1u << 7, global_bit = 1u << 8;
constexpr uint32_t small_frame = 0xFFFF'F000u, large_frame = 0xFFC0'0000u;
constexpr uint32_t large_reserved = 0x003F'E000u; // without PSE-36 bits 21:13 must be 0

uint32_t directory_entry(uint32_t cr3, uint32_t linear) {
    return (cr3 & small_frame) | (linear >> 22 << 2);
}
uint32_t table_entry(uint32_t directory, uint32_t linear) {
    return (directory & small_frame) | ((linear >> 12 & 0x3FF) << 2);
}

} // namespace

Mmu::Mmu(const CpuParameters& parameters, PhysicalMap& map, CacheHierarchy& caches, BlockCache& blocks,
         Clock& clock, CpuCounters& counters, FastPath& data_path, FastPath& fetch_path)
    : page_walk_cycles_{parameters.page_walk_cycles}, map_{map}, caches_{caches}, blocks_{blocks},
      clock_{clock}, counters_{counters}, data_path_{data_path}, fetch_path_{fetch_path},
      tlbs_{{{Tlb{parameters.data_tlb_4k, small_shift}, Tlb{parameters.data_tlb_4m, large_shift}},
             {Tlb{parameters.instruction_tlb_4k, small_shift},
              Tlb{parameters.instruction_tlb_4m, large_shift}}}} {}

bool Mmu::translate_elsewhere(uint32_t linear, AccessKind kind, bool user, Translation& translation) {
    auto& tlbs = tlbs_[kind == AccessKind::fetch ? 1 : 0];
    bool order_changed = false;
    const Tlb::Entry* entry = tlbs[1].lookup(linear, order_changed);
    if (entry == nullptr)
        return translate_by_walk(linear, kind, user, translation);
    const uint32_t set = tlbs[0].sets() + tlbs[1].set_of(linear);
    if (order_changed)
        path(kind).drop_tlb_set(set);
    return use(*entry, linear, kind, user, set, true, translation);
}

bool Mmu::translate_by_walk(uint32_t linear, AccessKind kind, bool user, Translation& translation) {
    auto& tlbs = tlbs_[kind == AccessKind::fetch ? 1 : 0];
    Tlb::Entry entry;
    bool large = false;
    if (!walk(linear, kind, user, entry, large))
        return false;
    Tlb& tlb = tlbs[large ? 1 : 0];
    // An entry of the other size for this address may be left from before the tables were changed.
    tlbs[large ? 0 : 1].invalidate_page(linear);
    tlb.insert(linear, entry);
    const uint32_t set = (large ? tlbs[0].sets() : 0) + tlb.set_of(linear);
    path(kind).drop_tlb_set(set);
    return use(entry, linear, kind, user, set, large, translation);
}

bool Mmu::walk(uint32_t linear, AccessKind kind, bool user, Tlb::Entry& entry, bool& large) {
    ++(kind == AccessKind::fetch ? counters_.instruction_tlb_misses : counters_.data_tlb_misses);
    clock_.add_stall(page_walk_cycles_);
    const bool write = kind == AccessKind::write;
    const uint32_t directory_address = directory_entry(cr3, linear);
    const uint32_t directory = read_table(directory_address);
    if ((directory & present) == 0)
        return fault(linear, kind, user, 0);
    large = (directory & page_size) != 0 && (cr4 & cr4_pse) != 0;
    if (large && (directory & large_reserved) != 0)
        return fault(linear, kind, user, page_fault::protection | page_fault::reserved);

    const uint32_t leaf_address = large ? directory_address : table_entry(directory, linear);
    uint32_t leaf = directory;
    uint32_t rights = directory;
    if (!large) {
        leaf = read_table(leaf_address);
        if ((leaf & present) == 0)
            return fault(linear, kind, user, 0);
        rights &= leaf;
    }
    entry.target = (leaf & (large ? large_frame : small_frame)) |
                   ((rights & user_bit) != 0 ? Tlb::Entry::user : 0) |
                   ((rights & writable) != 0 ? Tlb::Entry::writable : 0) |
                   ((leaf & global_bit) != 0 && (cr4 & cr4_pge) != 0 ? Tlb::Entry::global : 0);
    if ((needed_rights(write, user) & ~entry.target) != 0)
        return fault(linear, kind, user, page_fault::protection);

    if (!large && (directory & accessed) == 0)
        write_table(directory_address, directory | accessed);
    const uint32_t used = leaf | accessed | (write ? dirty_bit : 0);
    if (used != leaf)
        write_table(leaf_address, used);
    entry.target |= (used & dirty_bit) != 0 ? Tlb::Entry::dirty : 0;
    return true;
}

bool Mmu::fault(uint32_t linear, AccessKind kind, bool user, uint32_t cause) {
    // SDM vol. 3, 4.10.4.1: a page fault invalidates what is cached for the address.
    for (Tlb& tlb : tlbs_[kind == AccessKind::fetch ? 1 : 0])
        tlb.invalidate_page(linear);
    cr2 = linear;
    fault_error_ =
        cause | (kind == AccessKind::write ? page_fault::write : 0) | (user ? page_fault::user : 0);
    // The page may have been the most recently used of its set.
    auto& tlbs = tlbs_[kind == AccessKind::fetch ? 1 : 0];
    path(kind).drop_tlb_set(tlbs[0].set_of(linear));
    path(kind).drop_tlb_set(tlbs[0].sets() + tlbs[1].set_of(linear));
    return false;
}

uint32_t Mmu::read_table(uint32_t address) {
    if (!map_.is_memory(address)) {
        caches_.uncached_access();
        return 0; // nothing answers there: not present
    }
    caches_.data_access(address, false);
    return static_cast<uint32_t>(map_.read(address, 4));
}

void Mmu::write_table(uint32_t address, uint32_t value) {
    caches_.data_access(address, true);
    blocks_.written(address, 4);
    map_.write(address, 4, value);
}

bool Mmu::peek(uint32_t linear, uint32_t& physical) const {
    if ((cr0 & cr0_pg) == 0) {
        physical = linear;
        return true;
    }
    const auto read = [this](uint32_t address) {
        return map_.is_memory(address) ? static_cast<uint32_t>(map_.read(address, 4)) : 0u;
    };
    const uint32_t directory = read(directory_entry(cr3, linear));
    if ((directory & present) == 0)
        return false;
    if ((directory & page_size) != 0 && (cr4 & cr4_pse) != 0) {
        physical = (directory & large_frame) | (linear & ~large_frame);
        return true;
    }
    const uint32_t leaf = read(table_entry(directory, linear));
    physical = (leaf & small_frame) | (linear & ~small_frame);
    return (leaf & present) != 0;
}

void Mmu::set_cr0(uint32_t value) {
    const uint32_t changed = cr0 ^ value;
    cr0 = value;
    if ((changed & (cr0_pg | cr0_pe)) != 0)
        flush(false);
    data_path_.drop_all();
    fetch_path_.drop_all();
}

void Mmu::set_cr3(uint32_t value) {
    cr3 = value;
    flush(true);
}

void Mmu::set_cr4(uint32_t value) {
    const uint32_t changed = cr4 ^ value;
    cr4 = value;
    if ((changed & (cr4_pse | cr4_pge)) != 0)
        flush(false);
}

void Mmu::invalidate_page(uint32_t linear) {
    for (auto& side : tlbs_)
        for (Tlb& tlb : side)
            tlb.invalidate_page(linear);
    data_path_.drop_tlb_set(tlbs_[0][0].set_of(linear));
    data_path_.drop_tlb_set(tlbs_[0][0].sets() + tlbs_[0][1].set_of(linear));
    fetch_path_.drop_tlb_set(tlbs_[1][0].set_of(linear));
    fetch_path_.drop_tlb_set(tlbs_[1][0].sets() + tlbs_[1][1].set_of(linear));
}

void Mmu::flush(bool keep_global) {
    for (auto& side : tlbs_)
        for (Tlb& tlb : side)
            tlb.invalidate_all(keep_global);
    data_path_.drop_all();
    fetch_path_.drop_all();
}

} // namespace fixpoint::models
