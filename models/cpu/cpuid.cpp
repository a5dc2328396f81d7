#include "models/cpu/cpuid.hpp"

#include "models/cpu/mmu.hpp"

#include <span>

namespace fixpoint::models {

namespace {

constexpr uint32_t highest_leaf = 2;

// Descriptor bytes of leaf 2 (SDM vol. 2, table 3-12). A geometry that has none is not reported.
struct TlbDescriptor {
    uint32_t entries, ways;
    uint8_t code;
};
constexpr TlbDescriptor instruction_4k[] = {{32, 4, 0x01}}, instruction_4m[] = {{2, 2, 0x02}},
                        data_4k[] = {{64, 4, 0x03}}, data_4m[] = {{8, 4, 0x04}};

struct CacheDescriptor {
    uint32_t kilobytes, ways, line_bytes;
    uint8_t code;
};
constexpr CacheDescriptor instruction_l1[] = {{8, 4, 32, 0x06}, {16, 4, 32, 0x08}},
                          data_l1[] = {{8, 2, 32, 0x0A}, {16, 4, 32, 0x0C}},
                          unified_l2[] = {{128, 4, 32, 0x41},  {256, 4, 32, 0x42},  {512, 4, 32, 0x43},
                                          {1024, 4, 32, 0x44}, {2048, 4, 32, 0x45}, {256, 8, 32, 0x82},
                                          {512, 8, 32, 0x83},  {1024, 8, 32, 0x84}, {2048, 8, 32, 0x85}};

uint32_t descriptor(std::span<const TlbDescriptor> table, const TlbParameters& tlb) {
    for (const TlbDescriptor& entry : table)
        if (entry.entries == tlb.entries && entry.ways == tlb.ways)
            return entry.code;
    return 0;
}
uint32_t descriptor(std::span<const CacheDescriptor> table, const CacheParameters& cache) {
    for (const CacheDescriptor& entry : table)
        if (entry.kilobytes * 1024 == cache.size_bytes && entry.ways == cache.ways &&
            entry.line_bytes == cache.line_bytes)
            return entry.code;
    return 0;
}

// Models from 8 on have a brand index (Intel application note AP-485, table of brand indices).
uint32_t brand_index(uint32_t signature) {
    constexpr uint32_t pentium_iii = 2, first_model = 8;
    const uint32_t family = signature >> 8 & 0xF, model = signature >> 4 & 0xF;
    return family == 6 && model >= first_model ? pentium_iii : 0;
}

} // namespace

// Leaves beyond the highest give the highest one's values, as do the extended ones: the P6 has none.
CpuidResult cpuid(const CpuParameters& p, uint32_t leaf) {
    switch (leaf) {
    case 0: // "GenuineIntel"
        return {highest_leaf, 0x756E'6547, 0x6C65'746E, 0x4965'6E69};
    case 1:
        return {p.cpuid_signature, brand_index(p.cpuid_signature), 0, cpu_features(p)};
    default: {
        constexpr uint32_t times_to_ask = 1;
        const uint32_t eax = times_to_ask | descriptor(instruction_4k, p.instruction_tlb_4k) << 8 |
                             descriptor(instruction_4m, p.instruction_tlb_4m) << 16 |
                             descriptor(data_4k, p.data_tlb_4k) << 24;
        const uint32_t edx = descriptor(unified_l2, p.l2) |
                             descriptor(instruction_l1, p.l1_instruction) << 8 |
                             descriptor(data_4m, p.data_tlb_4m) << 16 | descriptor(data_l1, p.l1_data) << 24;
        return {eax, 0, 0, edx};
    }
    }
}

uint32_t cr4_valid_bits(uint32_t features) {
    struct Pair {
        uint32_t feature, bits;
    };
    constexpr Pair pairs[] = {
        {feature::vme, Mmu::cr4_vme | Mmu::cr4_pvi},
        {feature::tsc, Mmu::cr4_tsd},
        {feature::de, Mmu::cr4_de},
        {feature::pse, Mmu::cr4_pse},
        {feature::pae, Mmu::cr4_pae},
        {feature::mce, Mmu::cr4_mce},
        {feature::pge, Mmu::cr4_pge},
        {feature::fxsr, Mmu::cr4_osfxsr},
    };
    uint32_t bits = Mmu::cr4_pce; // of every P6
    for (const Pair& pair : pairs)
        bits |= (features & pair.feature) != 0 ? pair.bits : 0;
    return bits;
}

} // namespace fixpoint::models
