// Address translation: the control registers that steer it, the TLBs, and the page walker.
//
// IA-32 two-level paging with 4 KB and 4 MB pages (Intel SDM vol. 3, chapter 4): CR0.WP, CR4.PSE, CR4.PGE.
// TLBs are not coherent with the tables; a fault drops the faulting page's entry. The walker reads and writes
// the tables through the data caches; it sets accessed and dirty bits only in walks that do not fault.
#pragma once

#include "models/cpu/block_cache.hpp"
#include "models/cpu/cache_hierarchy.hpp"
#include "models/cpu/physical_map.hpp"
#include "models/cpu/tlb.hpp"

#include <array>

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
    static constexpr uint32_t cr4_tsd = 1u << 2, cr4_de = 1u << 3, cr4_pse = 1u << 4, cr4_pge = 1u << 7;

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
            translation = {linear, 0, true};
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

    // From the tables alone: no TLB, no effects.
    [[nodiscard]] bool peek(uint32_t linear, uint32_t& physical) const;

    void set_cr0(uint32_t value);
    void set_cr3(uint32_t value);
    void set_cr4(uint32_t value);
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
    static constexpr unsigned small_shift = 12, large_shift = 22;

    // The rights that an access needs in the entry; the dirty bit apart.
    [[nodiscard]] uint32_t needed_rights(bool write, bool user) const {
        const bool checks_write = write && (user || (cr0 & cr0_wp) != 0);
        return (user ? Tlb::Entry::user : 0) | (checks_write ? Tlb::Entry::writable : 0);
    }
    [[nodiscard, gnu::always_inline]] bool use(const Tlb::Entry& entry, uint32_t linear, AccessKind kind,
                                               bool user, uint32_t set, bool large,
                                               Translation& translation) {
        const bool write = kind == AccessKind::write;
        if ((needed_rights(write, user) & ~entry.target) != 0)
            return fault(linear, kind, user, page_fault::protection);
        if (write && (entry.target & Tlb::Entry::dirty) == 0)
            return translate_by_walk(linear, kind, user, translation); // which sets the dirty bit
        const uint32_t offset_mask = (1u << (large ? large_shift : small_shift)) - 1;
        const uint32_t to_write = needed_rights(true, user) | Tlb::Entry::dirty;
        translation = {entry.frame() | (linear & offset_mask), set, (to_write & ~entry.target) == 0};
        return true;
    }
    // What the small pages' TLB does not know: the large pages' TLB, then the tables.
    [[nodiscard]] bool translate_elsewhere(uint32_t linear, AccessKind kind, bool user,
                                           Translation& translation);
    [[nodiscard]] bool translate_by_walk(uint32_t linear, AccessKind kind, bool user,
                                         Translation& translation);
    [[nodiscard]] bool walk(uint32_t linear, AccessKind kind, bool user, Tlb::Entry& entry, bool& large);
    bool fault(uint32_t linear, AccessKind kind, bool user, uint32_t cause);
    [[nodiscard]] uint32_t read_table(uint32_t address);
    void write_table(uint32_t address, uint32_t value);
    [[nodiscard]] FastPath& path(AccessKind kind) {
        return kind == AccessKind::fetch ? fetch_path_ : data_path_;
    }

    uint32_t fault_error_ = 0, page_walk_cycles_;
    PhysicalMap& map_;
    CacheHierarchy& caches_;
    BlockCache& blocks_;
    Clock& clock_;
    CpuCounters& counters_;
    FastPath &data_path_, &fetch_path_;
    std::array<std::array<Tlb, 2>, 2> tlbs_; // [fetch][large]
};

} // namespace fixpoint::models
