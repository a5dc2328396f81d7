// Address translation: the control registers that steer it, the TLBs, and the page walker.
//
// The P6's paging (Intel SDM vol. 3, chapter 4): two levels with 4 KB and 4 MB pages, PSE-36, and PAE with
// 4 KB and 2 MB pages and the page-directory-pointer entries in registers. Physical addresses have 36 bits;
// nothing answers above 4 GB, so all of that is one window of the 32-bit space that nobody claims.
//
// TLBs are not coherent with the tables: an entry is used until it is flushed or replaced. One that does not
// permit an access, or does not know the page as dirty when it is written, is not believed but looked up
// anew, so that rights which have been raised in memory take effect; a fault drops it.
//
// The walker reads and writes the tables through the data caches. A walk that faults changes nothing: the
// accessed bits of all levels and the dirty bit of the last are set when it is known that the access may be
// made (Bochs does the same; QEMU sets those of the upper levels before; SDM vol. 3, 4.8 permits either).
#pragma once

#include "models/cpu/block_cache.hpp"
#include "models/cpu/cache_hierarchy.hpp"
#include "models/cpu/physical_map.hpp"
#include "models/cpu/tlb.hpp"

#include <array>
#include <vector>

namespace fixpoint::models {

namespace page_fault {
inline constexpr uint32_t protection = 1, write = 2, user = 4, reserved = 8; // error code, SDM vol. 3, 4.7
} // namespace page_fault

enum class AccessKind : uint8_t { read, write, fetch };

class Mmu {
public:
    static constexpr uint32_t cr0_pe = 1u << 0, cr0_mp = 1u << 1, cr0_em = 1u << 2, cr0_ts = 1u << 3,
                              cr0_et = 1u << 4, cr0_ne = 1u << 5, cr0_wp = 1u << 16, cr0_am = 1u << 18,
                              cr0_nw = 1u << 29, cr0_cd = 1u << 30, cr0_pg = 1u << 31;
    // What software may set in CR0; other bits are ignored.
    static constexpr uint32_t cr0_writable =
        cr0_pe | cr0_mp | cr0_em | cr0_ts | cr0_ne | cr0_wp | cr0_am | cr0_nw | cr0_cd | cr0_pg;
    static constexpr uint32_t cr4_vme = 1u << 0, cr4_pvi = 1u << 1, cr4_tsd = 1u << 2, cr4_de = 1u << 3,
                              cr4_pse = 1u << 4, cr4_pae = 1u << 5, cr4_mce = 1u << 6, cr4_pge = 1u << 7,
                              cr4_pce = 1u << 8, cr4_osfxsr = 1u << 9;

    Mmu(const CpuParameters& parameters, PhysicalMap& map, CacheHierarchy& caches, BlockCache& blocks,
        Clock& clock, CpuCounters& counters, FastPath& data_path, FastPath& fetch_path);

    // Sets of both data TLBs or both instruction TLBs together: what FastPath needs to know.
    static uint32_t tlb_sets(const TlbParameters& small, const TlbParameters& large) {
        return small.entries / small.ways + large.entries / large.ways;
    }

    struct Translation {
        uint32_t physical = 0;
        uint32_t tlb_set = 0;  // of the page, counting the large pages' sets after the small ones'
        bool writable = false; // a further write needs no walk and cannot fault, at this privilege
    };
    // False: page fault, with fault_error() its error code.
    [[nodiscard, gnu::always_inline]] bool translate(uint32_t linear, AccessKind kind, bool user,
                                                     Translation& translation) {
        if ((cr0 & cr0_pg) == 0) {
            translation = {linear & a20_mask_, 0, true};
            return true;
        }
        Tlb& tlb = tlbs_[kind == AccessKind::fetch ? 1 : 0][0];
        bool order_changed = false;
        const Tlb::Entry* entry = tlb.lookup(linear, order_changed);
        if (entry == nullptr)
            return translate_elsewhere(linear, kind, user, translation);
        const uint32_t set = tlb.set_of(linear);
        if (order_changed)
            path(kind).drop_tlb_set(set);
        return use(*entry, linear, kind, user, set, false, translation);
    }
    [[nodiscard]] uint32_t fault_error() const { return fault_error_; }

    [[nodiscard]] std::vector<CachedTranslation> cached_translations() const;

    // From the tables alone: no TLB, no effects.
    [[nodiscard]] bool peek(uint32_t linear, uint32_t& physical) const;

    // False: the page-directory-pointer entries that PAE paging would load have reserved bits set (#GP), and
    // nothing has changed.
    bool set_cr0(uint32_t value);
    bool set_cr3(uint32_t value);
    bool set_cr4(uint32_t value);
    // All at once from outside the modelled machine, without checks and without cost.
    void restore(uint32_t new_cr0, uint32_t new_cr2, uint32_t new_cr3, uint32_t new_cr4);
    // The A20 gate: while it is closed, bit 20 of every physical address of the processor is 0.
    void set_a20(bool open);
    [[nodiscard]] bool a20() const { return a20_mask_ == ~0u; }
    void invalidate_page(uint32_t linear);
    void flush(bool keep_global);

    uint32_t cr0 = 0, cr2 = 0, cr3 = 0, cr4 = 0;

    template<class Visitor>
    void visit_state(Visitor&& visit) const {
        for (const auto& side : tlbs_)
            for (const Tlb& tlb : side)
                for (const Tlb::Entry& entry : tlb.entries()) {
                    visit(entry.page);
                    visit(entry.target);
                }
    }

private:
    static constexpr unsigned small_shift = 12, large_shift = 22, pae_large_shift = 21;

    // The entries that map an address, as they stand in memory. Without PAE they have 32 bits.
    struct Path {
        uint32_t directory_address = 0, leaf_address = 0;
        uint64_t directory = 0, leaf = 0; // the same where the page is large
        bool large = false;
    };
    enum class Finding : uint8_t { mapped, absent, reserved_bits };

    // The rights that an access needs in the entry; the dirty bit apart.
    [[nodiscard]] uint32_t needed_rights(bool write, bool user) const {
        const bool checks_write = write && (user || (cr0 & cr0_wp) != 0);
        return (user ? Tlb::Entry::user : 0) | (checks_write ? Tlb::Entry::writable : 0);
    }
    [[nodiscard, gnu::always_inline]] bool use(const Tlb::Entry& entry, uint32_t linear, AccessKind kind,
                                               bool user, uint32_t set, bool large,
                                               Translation& translation) {
        const bool write = kind == AccessKind::write;
        const uint32_t needed = needed_rights(write, user) | (write ? Tlb::Entry::dirty : 0);
        if ((needed & ~entry.target) != 0)
            return translate_by_walk(linear, kind, user, translation);
        const uint32_t offset_mask = (1u << (large ? large_shift_ : small_shift)) - 1;
        const uint32_t to_write = needed_rights(true, user) | Tlb::Entry::dirty;
        translation = {(entry.frame() | (linear & offset_mask)) & a20_mask_, set,
                       (to_write & ~entry.target) == 0};
        return true;
    }
    // What the small pages' TLB does not know: the large pages' TLB, then the tables.
    [[nodiscard]] bool translate_elsewhere(uint32_t linear, AccessKind kind, bool user,
                                           Translation& translation);
    [[nodiscard]] bool translate_by_walk(uint32_t linear, AccessKind kind, bool user,
                                         Translation& translation);
    [[nodiscard]] bool walk(uint32_t linear, AccessKind kind, bool user, Tlb::Entry& entry, bool& large);
    // `read(address, width)` reads an entry of the type of `width`.
    template<class Read>
    [[nodiscard]] Finding find(uint32_t linear, Read&& read, Path& path) const;
    template<class Read>
    [[nodiscard]] Finding find_two_level(uint32_t linear, Read&& read, Path& path) const;
    template<class Read>
    [[nodiscard]] Finding find_pae(uint32_t linear, Read&& read, Path& path) const;
    [[nodiscard]] uint32_t frame_of(const Path& path) const;
    [[nodiscard]] bool pae_paging(uint32_t with_cr0, uint32_t with_cr4) const {
        return (with_cr0 & cr0_pg) != 0 && (with_cr4 & cr4_pae) != 0;
    }
    template<class Read>
    [[nodiscard]] bool load_pointers(uint32_t from_cr3, Read&& read);
    bool fault(uint32_t linear, AccessKind kind, bool user, uint32_t cause);
    void update_large_shift();
    // Tables may stand anywhere: in device memory, or where nothing answers and all bits read as 1.
    template<class T>
    [[nodiscard]] T read_table(uint32_t address, T width);
    template<class T>
    [[nodiscard]] T peek_table(uint32_t address, T width) const;
    void write_table(uint32_t address, uint64_t value); // the low doubleword; nothing else changes
    [[nodiscard]] FastPath& path(AccessKind kind) {
        return kind == AccessKind::fetch ? fetch_path_ : data_path_;
    }

    uint32_t fault_error_ = 0, page_walk_cycles_;
    uint32_t a20_mask_ = ~0u;
    unsigned large_shift_ = large_shift;
    uint32_t large_reserved_;            // bits of a 4 MB page's entry that must be 0
    std::array<uint64_t, 4> pointers_{}; // PAE: the page-directory-pointer registers
    PhysicalMap& map_;
    CacheHierarchy& caches_;
    BlockCache& blocks_;
    Clock& clock_;
    CpuCounters& counters_;
    FastPath &data_path_, &fetch_path_;
    std::array<std::array<Tlb, 2>, 2> tlbs_; // [fetch][large]
};

} // namespace fixpoint::models
