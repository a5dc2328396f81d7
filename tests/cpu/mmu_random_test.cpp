// The Mmu alone, with random tables, accesses, changes of the tables and of the control registers, and
// invalidations, against a walker without TLBs.
//
// TLBs are not coherent, so several answers can be right: what the tables say now, or what they said at some
// time since the address was last flushed, provided that an entry could have been loaded then (accessed set,
// and for writes dirty). All such states of memory are kept. Where no older state is left, the answer must be
// that of the tables as they are, and accessed and dirty bits must be set in memory. A fault is always by the
// tables as they are, and leaves them alone.
#include "models/cpu/mmu.hpp"
#include "tests/cpu/cpu_bench.hpp"
#include "tests/cpu/reference_walker.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <tuple>

namespace fixpoint::models {
namespace {

constexpr uint32_t memory_bytes = 32 * 4096; // table entries may point at any page: all of them are tables
constexpr uint32_t cr0_wp = 1u << 16, cr4_pse = 0x10, cr4_pae = 0x20, cr4_pge = 0x80;

struct OpenBus : CpuBus {
    uint32_t io_read(uint16_t, unsigned) override { return ~0u; }
    void io_write(uint16_t, unsigned, uint32_t) override {}
    uint32_t mmio_read(uint32_t, unsigned) override { return ~0u; }
    void mmio_write(uint32_t, unsigned, uint32_t) override {}
    uint8_t acknowledge_interrupt() override { return 0; }
    unsigned io_cycles(uint16_t) override { return 0; }
};

class RandomMmu {
public:
    explicit RandomMmu(uint64_t seed) : random_{seed} {
        mmu_.restore(Mmu::cr0_pe | Mmu::cr0_pg | (below(2) != 0 ? cr0_wp : 0), 0, 0, 0);
        for (uint32_t i = 0; i < 200; ++i)
            write_random_entry();
        remember();
    }

    void step() {
        const uint32_t what = below(100);
        if (what < 60)
            access();
        else if (what < 88)
            change_tables();
        else if (what < 94)
            invalidate();
        else if (what < 96)
            load_cr3();
        else if (what < 98)
            change_cr0_or_a20();
        else
            change_cr4();
        if (versions_.size() > 60) {
            mmu_.flush(false);
            forget();
        }
    }

    uint64_t stale_answers = 0, faults = 0, mapped = 0, large_pages = 0, pae_answers = 0;

private:
    struct Version {
        ReferenceWalker walker;
        bool only_global = false; // an address space ago: only global entries have stayed
    };

    uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }
    uint32_t page_of_memory() { return below(memory_bytes / 4096) * 4096; }
    // Few pages, so that TLB sets fill and addresses come again.
    uint32_t linear() {
        constexpr uint32_t directories[] = {0, 1, 512, 1023};
        return directories[below(4)] << 22 | below(2) << 21 | below(3) << 12 | below(4096);
    }
    CpuParameters parameters() {
        CpuParameters p = pentium3_parameters();
        p.data_tlb_4k = {8, 2};
        p.instruction_tlb_4k = {4, 4};
        p.data_tlb_4m = {4, 2};
        return p;
    }

    void write_random_entry() {
        const auto walked = now().walk(linear());
        if (walked.entries.empty() || below(8) == 0)
            return put(page_of_memory() + below(512) * 8, random_entry(), 8);
        const auto& entry = walked.entries[below(static_cast<uint32_t>(walked.entries.size()))];
        put(now().mask(entry.address), random_entry(), entry.bytes);
    }
    void put(uint64_t place, uint64_t value, unsigned bytes) {
        if (place + bytes <= memory_.size())
            std::memcpy(memory_.data() + place, &value, bytes);
    }
    // The page-directory-pointer entries for PAE at `place`, mostly valid.
    void write_pointers(uint32_t place) {
        for (uint32_t i = 0; i < 4; ++i) {
            uint64_t value = page_of_memory() | (below(8) != 0 ? 1 : 0) | (below(2) << 3);
            if (below(16) == 0)
                value |= uint64_t{1} << below(40);
            put((place & ~31u) + i * 8, value, 8);
        }
    }
    uint64_t random_entry() {
        uint64_t value = page_of_memory();
        if (below(6) == 0)
            value = random_() & 0x3F'F000; // beyond memory, perhaps by bit 20 only
        value |= random_() & 0x17E;        // all but present and size
        value |= below(12) != 0 ? 1 : 0;
        value |= below(3) != 0 ? 6 : 0;
        if (below(4) == 0)
            value = (value & 0xFFF) | 0x80 | (below(8) << 21);
        if (below(16) == 0)
            value |= uint64_t{1} << (32 + below(10)); // beyond 4 GB, or reserved
        if (below(24) == 0)
            value ^= uint64_t{1} << (12 + below(10));
        return value;
    }

    // The registers and memory as they are now.
    [[nodiscard]] ReferenceWalker now() const {
        ReferenceWalker walker;
        walker.memory =
            std::make_shared<std::vector<uint8_t>>(memory_.data(), memory_.data() + memory_.size());
        walker.pae = (mmu_.cr4 & cr4_pae) != 0;
        walker.pse = (mmu_.cr4 & cr4_pse) != 0;
        walker.pge = (mmu_.cr4 & cr4_pge) != 0;
        walker.a20 = a20_;
        walker.cr3 = mmu_.cr3;
        walker.pointers = pointers_;
        return walker;
    }
    void remember() {
        ++serial_;
        versions_.emplace(serial_, Version{now(), false});
    }
    void forget() {
        versions_.clear();
        remember();
    }

    void access() {
        const auto kind = static_cast<AccessKind>(below(3));
        const ReferenceAccess access{linear(), kind == AccessKind::write, below(2) != 0,
                                     (mmu_.cr0 & cr0_wp) != 0};
        SCOPED_TRACE(testing::Message() << "linear " << std::hex << access.linear << " kind "
                                        << static_cast<int>(kind) << " user " << access.user);
        const ReferenceWalker before = now();
        const auto tables = before.walk(access.linear);
        Mmu::Translation translation;
        const bool success = mmu_.translate(access.linear, kind, access.user, translation);
        const auto written =
            std::make_shared<std::vector<uint8_t>>(memory_.data(), memory_.data() + memory_.size());
        const uint32_t page = access.linear >> 12;
        uint64_t& flushed = flushed_[{kind == AccessKind::fetch, page}];
        if (!success) {
            ++faults;
            const uint32_t cause = !tables.mapped ? tables.fault : 1;
            ASSERT_FALSE(tables.mapped && tables.permits(access)) << "a fault that the tables do not have";
            ASSERT_EQ(mmu_.fault_error(), cause | (access.write ? 2u : 0) | (access.user ? 4u : 0));
            ASSERT_EQ(mmu_.cr2, access.linear);
            ASSERT_EQ(*written, *before.memory) << "a fault changes no table";
            flushed = serial_;
            return;
        }
        ++mapped;
        const bool by_tables =
            tables.mapped && tables.permits(access) && translation.physical == expected(tables.physical);
        if (*written != *before.memory) {
            ASSERT_TRUE(by_tables) << "only a walk sets bits, and then its answer is used";
            check_bits(before, tables, access, *written);
            remember();
        } else if (by_tables && tables.accessed() && (tables.dirty() || !access.write)) {
            large_pages += tables.entries.size() == 1 ? 1 : 0;
            pae_answers += before.pae ? 1 : 0;
        } else {
            ++stale_answers;
            ASSERT_TRUE(some_version_says(access, translation.physical, flushed))
                << "physical " << std::hex << translation.physical;
        }
        if (translation.writable) {
            const ReferenceAccess further{access.linear, true, access.user, access.write_protect};
            ASSERT_TRUE(some_version_says(further, translation.physical, flushed));
        }
    }

    // A physical address as the processor's bus has it.
    [[nodiscard]] uint32_t expected(uint64_t physical) const {
        if (!a20_)
            physical &= ~0x10'0000ull;
        const auto low = static_cast<uint32_t>(physical);
        return (physical >> 32) == 0 ? low : PhysicalMap::nowhere | (low & (PhysicalMap::nowhere_bytes - 1));
    }

    // Exactly the accessed bits of all levels and, for a write, the dirty bit of the last.
    void check_bits(const ReferenceWalker& before, const ReferenceWalker::Answer& tables,
                    const ReferenceAccess& access, const std::vector<uint8_t>& written) {
        std::vector<uint8_t> right = *before.memory;
        for (const auto& entry : tables.entries) {
            const bool last = &entry == &tables.entries.back();
            const uint64_t place = before.mask(entry.address);
            if (place < right.size())
                right[place] = static_cast<uint8_t>(right[place] | 0x20 | (last && access.write ? 0x40 : 0));
        }
        ASSERT_EQ(written, right);
    }

    // Could an entry that was loaded since the flush give this answer?
    [[nodiscard]] bool some_version_says(const ReferenceAccess& access, uint32_t physical,
                                         uint64_t since) const {
        for (auto version = versions_.lower_bound(since); version != versions_.end(); ++version) {
            const auto answer = version->second.walker.walk(access.linear);
            if (!answer.mapped || !answer.permits(access) || expected(answer.physical) != physical ||
                !answer.accessed() || (access.write && !answer.dirty()))
                continue;
            if (!version->second.only_global || (answer.global() && version->second.walker.pge))
                return true;
        }
        return false;
    }

    void change_tables() {
        write_random_entry();
        remember();
    }
    void invalidate() {
        const uint32_t address = linear();
        mmu_.invalidate_page(address);
        for (const bool fetch : {false, true})
            flushed_[{fetch, address >> 12}] = serial_;
    }
    void load_cr3() {
        const uint32_t value = page_of_memory() | below(128) << 5 | (below(2) << 3);
        const bool pae = (mmu_.cr4 & cr4_pae) != 0;
        if (pae)
            write_pointers(value);
        remember();
        const auto pointers = now().load_pointers(value);
        const uint32_t old = mmu_.cr3;
        ASSERT_EQ(mmu_.set_cr3(value), !pae || pointers.has_value());
        if (pae && !pointers) {
            ASSERT_EQ(mmu_.cr3, old);
            return;
        }
        if (pae)
            pointers_ = *pointers;
        for (auto& [serial, version] : versions_)
            version.only_global = true;
        remember();
    }
    void change_cr0_or_a20() {
        if (below(2) != 0) {
            ASSERT_TRUE(mmu_.set_cr0(mmu_.cr0 ^ cr0_wp));
            return;
        }
        a20_ = !a20_;
        mmu_.set_a20(a20_);
        remember();
    }
    void change_cr4() {
        constexpr uint32_t bits[] = {cr4_pse, cr4_pae, cr4_pge};
        const uint32_t value = mmu_.cr4 ^ bits[below(3)];
        if ((value & cr4_pae) != 0)
            write_pointers(mmu_.cr3);
        remember();
        const auto pointers = now().load_pointers(mmu_.cr3);
        const bool pae = (value & cr4_pae) != 0, valid = !pae || pointers.has_value();
        ASSERT_EQ(mmu_.set_cr4(value), valid);
        if (!valid)
            return;
        if (pae)
            pointers_ = *pointers;
        forget();
    }

    std::mt19937_64 random_;
    PhysicalMemory memory_{memory_bytes};
    OpenBus bus_;
    PhysicalMap map_{memory_, bus_};
    Clock clock_;
    CpuCounters counters_{};
    CpuParameters parameters_ = parameters();
    FastPath data_path_{128, 32, Mmu::tlb_sets(parameters_.data_tlb_4k, parameters_.data_tlb_4m)};
    FastPath fetch_path_{128, 32,
                         Mmu::tlb_sets(parameters_.instruction_tlb_4k, parameters_.instruction_tlb_4m)};
    CacheHierarchy caches_{parameters_, clock_, counters_, data_path_, fetch_path_};
    BlockCache blocks_{memory_bytes, nullptr, data_path_, counters_};
    Mmu mmu_{parameters_, map_, caches_, blocks_, clock_, counters_, data_path_, fetch_path_};

    bool a20_ = true;
    std::array<uint64_t, 4> pointers_{};
    uint64_t serial_ = 0;
    std::map<uint64_t, Version> versions_;                   // since the last flush of everything
    std::map<std::tuple<bool, uint32_t>, uint64_t> flushed_; // fetch, page: no version before this one
};

class MmuAgainstReference : public testing::TestWithParam<uint64_t> {};

TEST_P(MmuAgainstReference, TranslatesAsTheTablesSayOrSaidSinceTheFlush) {
    SCOPED_TRACE(testing::Message() << "seed " << GetParam());
    RandomMmu mmu{GetParam()};
    for (unsigned step = 0; step < 3000 && !testing::Test::HasFatalFailure(); ++step) {
        SCOPED_TRACE(testing::Message() << "step " << step);
        mmu.step();
    }
    EXPECT_GT(mmu.mapped, 50u);
    EXPECT_GT(mmu.faults, 50u);
    EXPECT_GT(mmu.stale_answers, 0u);
    EXPECT_GT(mmu.large_pages, 0u);
    EXPECT_GT(mmu.pae_answers, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, MmuAgainstReference, testing::Range<uint64_t>(1, 41));

} // namespace
} // namespace fixpoint::models
