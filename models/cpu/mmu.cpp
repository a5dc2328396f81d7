#include "models/cpu/mmu.hpp"

#include "models/cpu/cpuid.hpp"

#include <cstring>

namespace fixpoint::models {

namespace {

// Entries of all levels, SDM vol. 3, tables 4-3 to 4-6 and 4-8 to 4-11.
constexpr uint32_t present = 1u << 0, writable = 1u << 1, user_bit = 1u << 2, accessed = 1u << 5,
                   dirty_bit = 1u << 6, page_size = 1u << 7, global_bit = 1u << 8;
constexpr uint32_t small_frame = 0xFFFF'F000u, large_frame = 0xFFC0'0000u;

// Bits of the entry of a 4 MB page that must be 0. With PSE-36, bits 16:13 are address bits 35:32; bit 12 is
// the PAT's where there is one.
constexpr uint32_t pse36_reserved = 0x003E'0000u, pse36_address = 0x0001'E000u, large_pat = 1u << 12;
constexpr unsigned pse36_shift = 32 - 13;

// PAE: 36 address bits, and nothing above them (there is no execute-disable bit on a P6).
constexpr uint64_t pae_reserved = 0xFFFF'FFF0'0000'0000u, pae_address = 0x0000'000F'FFFF'F000u;
constexpr uint32_t pae_large_reserved = 0x001F'E000u, pae_large_offset = 0x001F'FFFFu;
constexpr uint64_t pointer_reserved = pae_reserved | 0x1E6u; // bits 2:1 and 8:5
constexpr uint32_t pointer_table = 0xFFFF'FFE0u;             // of CR3

constexpr uint32_t a20_line = 1u << 20;

uint32_t reserved_in_large(const CpuParameters& parameters) {
    const uint32_t features = cpu_features(parameters);
    return pse36_reserved | ((features & feature::pse36) != 0 ? 0 : pse36_address) |
           ((features & feature::pat) != 0 ? 0 : large_pat);
}

} // namespace

Mmu::Mmu(const CpuParameters& parameters, PhysicalMap& map, CacheHierarchy& caches, BlockCache& blocks,
         Clock& clock, CpuCounters& counters, FastPath& data_path, FastPath& fetch_path)
    : page_walk_cycles_{parameters.page_walk_cycles}, large_reserved_{reserved_in_large(parameters)},
      map_{map}, caches_{caches}, blocks_{blocks}, clock_{clock}, counters_{counters}, data_path_{data_path},
      fetch_path_{fetch_path}, tlbs_{{{Tlb{parameters.data_tlb_4k, small_shift},
                                       Tlb{parameters.data_tlb_4m, large_shift}},
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
    tlb.insert(linear, entry);
    const uint32_t set = (large ? tlbs[0].sets() : 0) + tlb.set_of(linear);
    path(kind).drop_tlb_set(set);
    // An entry of the other size for this address may be left from before the tables were changed.
    Tlb& other = tlbs[large ? 0 : 1];
    if (other.invalidate_page(linear))
        path(kind).drop_tlb_set((large ? 0 : tlbs[0].sets()) + other.set_of(linear));
    return use(entry, linear, kind, user, set, large, translation);
}

// ---- The tables

template<class T>
T Mmu::read_table(uint32_t address, T) {
    address &= a20_mask_;
    const uint8_t* place = map_.readable(address);
    if (place == nullptr) {
        caches_.uncached_access();
        return static_cast<T>(map_.read(address, sizeof(T)));
    }
    caches_.data_access(address, false);
    T value;
    std::memcpy(&value, place, sizeof(T));
    return value;
}

template<class T>
T Mmu::peek_table(uint32_t address, T) const {
    address &= a20_mask_;
    T value = static_cast<T>(~T{0}); // what a device would answer is not asked for
    if (const uint8_t* place = map_.readable(address))
        std::memcpy(&value, place, sizeof(T));
    return value;
}

template<class Read>
Mmu::Finding Mmu::find(uint32_t linear, Read&& read, Path& path) const {
    return (cr4 & cr4_pae) != 0 ? find_pae(linear, read, path) : find_two_level(linear, read, path);
}

template<class Read>
Mmu::Finding Mmu::find_two_level(uint32_t linear, Read&& read, Path& path) const {
    path.directory_address = (cr3 & small_frame) | (linear >> 22 << 2);
    path.directory = read(path.directory_address, uint32_t{});
    if ((path.directory & present) == 0)
        return Finding::absent;
    path.large = (path.directory & page_size) != 0 && (cr4 & cr4_pse) != 0;
    if (path.large) {
        path.leaf_address = path.directory_address;
        path.leaf = path.directory;
        return (path.leaf & large_reserved_) == 0 ? Finding::mapped : Finding::reserved_bits;
    }
    path.leaf_address = (static_cast<uint32_t>(path.directory) & small_frame) | ((linear >> 12 & 0x3FF) << 2);
    path.leaf = read(path.leaf_address, uint32_t{});
    return (path.leaf & present) != 0 ? Finding::mapped : Finding::absent;
}

template<class Read>
Mmu::Finding Mmu::find_pae(uint32_t linear, Read&& read, Path& path) const {
    const uint64_t pointer = pointers_[linear >> 30];
    if ((pointer & present) == 0)
        return Finding::absent;
    path.directory_address = PhysicalMap::reachable((pointer & pae_address) | ((linear >> 21 & 0x1FF) << 3));
    path.directory = read(path.directory_address, uint64_t{});
    if ((path.directory & present) == 0)
        return Finding::absent;
    path.large = (path.directory & page_size) != 0; // whatever CR4.PSE
    if ((path.directory & (pae_reserved | (path.large ? pae_large_reserved : 0))) != 0)
        return Finding::reserved_bits;
    if (path.large) {
        path.leaf_address = path.directory_address;
        path.leaf = path.directory;
        return Finding::mapped;
    }
    path.leaf_address =
        PhysicalMap::reachable((path.directory & pae_address) | ((linear >> 12 & 0x1FF) << 3));
    path.leaf = read(path.leaf_address, uint64_t{});
    if ((path.leaf & present) == 0)
        return Finding::absent;
    return (path.leaf & pae_reserved) == 0 ? Finding::mapped : Finding::reserved_bits;
}

uint32_t Mmu::frame_of(const Path& path) const {
    if ((cr4 & cr4_pae) != 0)
        return PhysicalMap::reachable(path.leaf & pae_address & ~uint64_t{path.large ? pae_large_offset : 0});
    if (!path.large)
        return static_cast<uint32_t>(path.leaf) & small_frame;
    return PhysicalMap::reachable((path.leaf & large_frame) | (path.leaf & pse36_address) << pse36_shift);
}

bool Mmu::walk(uint32_t linear, AccessKind kind, bool user, Tlb::Entry& entry, bool& large) {
    ++(kind == AccessKind::fetch ? counters_.instruction_tlb_misses : counters_.data_tlb_misses);
    clock_.add_stall(page_walk_cycles_);
    const bool write = kind == AccessKind::write;
    Path path;
    const auto read = [this](uint32_t address, auto width) { return read_table(address, width); };
    switch (find(linear, read, path)) {
    case Finding::absent:
        return fault(linear, kind, user, 0);
    case Finding::reserved_bits:
        return fault(linear, kind, user, page_fault::protection | page_fault::reserved);
    case Finding::mapped:
        break;
    }
    large = path.large;
    const uint64_t rights = path.directory & path.leaf;
    entry.target = frame_of(path) | ((rights & user_bit) != 0 ? Tlb::Entry::user : 0) |
                   ((rights & writable) != 0 ? Tlb::Entry::writable : 0) |
                   ((path.leaf & global_bit) != 0 && (cr4 & cr4_pge) != 0 ? Tlb::Entry::global : 0);
    if ((needed_rights(write, user) & ~entry.target) != 0)
        return fault(linear, kind, user, page_fault::protection);

    if (!large && (path.directory & accessed) == 0)
        write_table(path.directory_address, path.directory | accessed);
    const uint64_t used = path.leaf | accessed | (write ? dirty_bit : 0);
    if (used != path.leaf)
        write_table(path.leaf_address, used);
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

void Mmu::write_table(uint32_t address, uint64_t value) {
    address &= a20_mask_;
    if (map_.writable(address) != nullptr)
        caches_.data_access(address, true);
    else
        caches_.uncached_access();
    blocks_.written(address, 4);
    map_.write(address, 4, static_cast<uint32_t>(value));
}

std::vector<CachedTranslation> Mmu::cached_translations() const {
    std::vector<CachedTranslation> all;
    for (const bool fetch : {false, true})
        for (const bool large : {false, true})
            for (const Tlb::Entry& entry : tlbs_[fetch ? 1 : 0][large ? 1 : 0].entries())
                if (entry.holds_page())
                    all.push_back(
                        {fetch, large, entry.page, entry.frame(), (entry.target & Tlb::Entry::user) != 0,
                         (entry.target & Tlb::Entry::writable) != 0, (entry.target & Tlb::Entry::dirty) != 0,
                         (entry.target & Tlb::Entry::global) != 0});
    return all;
}

bool Mmu::peek(uint32_t linear, uint32_t& physical) const {
    if ((cr0 & cr0_pg) == 0) {
        physical = linear & a20_mask_;
        return true;
    }
    Path path;
    const auto read = [this](uint32_t address, auto width) { return peek_table(address, width); };
    if (find(linear, read, path) != Finding::mapped)
        return false;
    const uint32_t offset_mask = (1u << (path.large ? large_shift_ : small_shift)) - 1;
    physical = (frame_of(path) | (linear & offset_mask)) & a20_mask_;
    return true;
}

// ---- Control registers

// SDM vol. 3, 4.4.1.
template<class Read>
bool Mmu::load_pointers(uint32_t from_cr3, Read&& read) {
    std::array<uint64_t, 4> loaded{};
    bool valid = true;
    for (uint32_t i = 0; i < loaded.size(); ++i) {
        loaded[i] = read((from_cr3 & pointer_table) + i * 8, uint64_t{});
        valid = valid && ((loaded[i] & present) == 0 || (loaded[i] & pointer_reserved) == 0);
    }
    if (valid)
        pointers_ = loaded;
    return valid;
}

bool Mmu::set_cr0(uint32_t value) {
    const uint32_t changed = cr0 ^ value;
    const auto read = [this](uint32_t address, auto width) { return read_table(address, width); };
    if (pae_paging(value, cr4) && (changed & (cr0_pg | cr0_cd | cr0_nw)) != 0 && !load_pointers(cr3, read))
        return false;
    cr0 = value;
    if ((changed & (cr0_pg | cr0_pe)) != 0)
        flush(false);
    data_path_.drop_all();
    fetch_path_.drop_all();
    return true;
}

bool Mmu::set_cr3(uint32_t value) {
    const auto read = [this](uint32_t address, auto width) { return read_table(address, width); };
    if (pae_paging(cr0, cr4) && !load_pointers(value, read))
        return false;
    cr3 = value;
    flush(true);
    return true;
}

bool Mmu::set_cr4(uint32_t value) {
    const uint32_t changed = cr4 ^ value;
    const auto read = [this](uint32_t address, auto width) { return read_table(address, width); };
    if (pae_paging(cr0, value) && (changed & (cr4_pae | cr4_pge | cr4_pse)) != 0 && !load_pointers(cr3, read))
        return false;
    cr4 = value;
    if ((changed & (cr4_pse | cr4_pge | cr4_pae)) != 0)
        flush(false);
    update_large_shift();
    return true;
}

void Mmu::restore(uint32_t new_cr0, uint32_t new_cr2, uint32_t new_cr3, uint32_t new_cr4) {
    cr0 = new_cr0;
    cr2 = new_cr2;
    cr3 = new_cr3;
    cr4 = new_cr4;
    flush(false);
    update_large_shift();
    const auto read = [this](uint32_t address, auto width) { return peek_table(address, width); };
    if (!pae_paging(cr0, cr4) || !load_pointers(cr3, read))
        pointers_ = {};
}

// The TLBs are empty whenever the size changes.
void Mmu::update_large_shift() {
    large_shift_ = (cr4 & cr4_pae) != 0 ? pae_large_shift : large_shift;
    for (auto& side : tlbs_)
        side[1].set_page_shift(large_shift_);
}

void Mmu::set_a20(bool open) {
    a20_mask_ = open ? ~0u : ~a20_line;
    data_path_.drop_all();
    fetch_path_.drop_all();
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
