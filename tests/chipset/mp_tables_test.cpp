// The MP tables are read as an operating system does it (MP specification 1.4, chapter 4), from an image of the first
// megabyte.
#include "sim/machine/mp_tables.hpp"

#include "models/cpu/cpuid.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>
#include <optional>
#include <string>

namespace fixpoint::sim {
namespace {

constexpr uint32_t bios_begin = 0xF'0000, bios_end = 0x10'0000;

class MpTablesTest : public testing::Test {
protected:
    MpTablesTest() : low_memory(bios_end) {
        cpu.cpuid_signature = 0x673;
        cpu.disabled_features = models::feature::pae;
        const MpTables tables = mp_tables(cpu);
        std::ranges::copy(tables.bytes, low_memory.begin() + tables.address);
        put16(0x40E, 0x9FC0);
        put16(0x413, 639);
    }
    void put16(uint32_t address, uint16_t value) { std::memcpy(&low_memory[address], &value, sizeof value); }
    [[nodiscard]] uint32_t number(uint32_t address, unsigned bytes) const {
        uint32_t value = 0;
        std::memcpy(&value, &low_memory[address], bytes);
        return value;
    }
    [[nodiscard]] std::string text(uint32_t address, unsigned bytes) const {
        return {low_memory.begin() + address, low_memory.begin() + address + bytes};
    }
    [[nodiscard]] bool adds_up(uint32_t address, uint32_t bytes) const {
        const auto first = low_memory.begin() + address;
        return std::accumulate(first, first + bytes, 0u) % 256 == 0;
    }
    // 16-byte boundaries only.
    [[nodiscard]] std::optional<uint32_t> search(uint32_t begin, uint32_t end) const {
        for (uint32_t at = begin; at < end; at += 16)
            if (text(at, 4) == "_MP_" && adds_up(at, 16))
                return at;
        return std::nullopt;
    }
    // In the specification's order: extended BIOS data area, end of base memory, BIOS.
    [[nodiscard]] uint32_t floating_pointer() const {
        const uint32_t extended = number(0x40E, 2) << 4, base_end = number(0x413, 2) << 10;
        for (const auto& [begin, end] :
             {std::pair{extended, extended + 1024}, std::pair{base_end - 1024, base_end},
              std::pair{bios_begin, bios_end}})
            if (const std::optional<uint32_t> found = search(begin, end))
                return *found;
        return 0;
    }
    [[nodiscard]] uint32_t header() const { return number(floating_pointer() + 4, 4); }
    // Addresses of the entries of one type.
    [[nodiscard]] std::vector<uint32_t> entries(uint8_t type) const {
        std::vector<uint32_t> found;
        uint32_t at = header() + 44;
        for (uint32_t left = number(header() + 34, 2); left != 0; --left) {
            if (low_memory[at] == type)
                found.push_back(at);
            at += low_memory[at] == 0 ? 20 : 8;
        }
        EXPECT_EQ(at, header() + number(header() + 4, 2));
        return found;
    }

    models::CpuParameters cpu{};
    std::vector<uint8_t> low_memory;
};

TEST_F(MpTablesTest, TheFloatingPointerIsFoundInTheBiosArea) {
    const uint32_t at = floating_pointer();
    EXPECT_GE(at, bios_begin);
    EXPECT_EQ(at, mp_tables(cpu).address);
    EXPECT_EQ(low_memory[at + 8], 1u); // paragraphs
    EXPECT_EQ(low_memory[at + 9], 4u); // specification 1.4
    EXPECT_EQ(number(at + 11, 4), 0u); // there is a table; virtual wire mode
}

TEST_F(MpTablesTest, TheTableIsWholeAndAddsUp) {
    EXPECT_EQ(text(header(), 4), "PCMP");
    EXPECT_EQ(low_memory[header() + 6], 4u);
    EXPECT_TRUE(adds_up(header(), number(header() + 4, 2)));
    EXPECT_EQ(text(header() + 8, 20), "FIXPOINTPC 2000     ");
    EXPECT_EQ(number(header() + 36, 4), 0xFEE0'0000u);
    EXPECT_LE(header() + number(header() + 4, 2), bios_end);
}

TEST_F(MpTablesTest, NothingLiesOutsideTheBytesGiven) {
    const MpTables tables = mp_tables(cpu);
    EXPECT_EQ(tables.address + tables.bytes.size(), header() + number(header() + 4, 2));
}

TEST_F(MpTablesTest, EntriesAreInAscendingOrderOfType) {
    std::vector<uint32_t> all;
    for (uint8_t type = 0; type <= 4; ++type) {
        const std::vector<uint32_t> some = entries(type);
        EXPECT_FALSE(some.empty());
        all.insert(all.end(), some.begin(), some.end());
    }
    EXPECT_TRUE(std::ranges::is_sorted(all));
    EXPECT_EQ(all.size(), number(header() + 34, 2));
}

TEST_F(MpTablesTest, TheProcessorIsTheConfiguredOne) {
    const std::vector<uint32_t> processors = entries(0);
    ASSERT_EQ(processors.size(), 1u);
    const uint32_t at = processors[0];
    EXPECT_EQ(low_memory[at + 1], 0u);
    EXPECT_EQ(low_memory[at + 2], 0x11u);
    EXPECT_EQ(low_memory[at + 3], 3u); // usable, bootstrap
    EXPECT_EQ(number(at + 4, 4), 0x673u);
    EXPECT_EQ(number(at + 8, 4), models::cpu_features(cpu));
    EXPECT_EQ(number(at + 8, 4) & models::feature::pae, 0u);
}

TEST_F(MpTablesTest, TheBusesArePciAndIsa) {
    const std::vector<uint32_t> buses = entries(1);
    ASSERT_EQ(buses.size(), 2u);
    EXPECT_EQ(low_memory[buses[0] + 1], 0u);
    EXPECT_EQ(text(buses[0] + 2, 6), "PCI   ");
    EXPECT_EQ(low_memory[buses[1] + 1], 1u);
    EXPECT_EQ(text(buses[1] + 2, 6), "ISA   ");
}

TEST_F(MpTablesTest, ThereIsOneIoApic) {
    const std::vector<uint32_t> io_apics = entries(2);
    ASSERT_EQ(io_apics.size(), 1u);
    EXPECT_EQ(number(io_apics[0], 4), 0x0111'0002u); // identifier 0, version 0x11, usable
    EXPECT_EQ(number(io_apics[0] + 4, 4), 0xFEC0'0000u);
}

TEST_F(MpTablesTest, EveryLineHasItsPinAndTheTimerPin2) {
    std::map<uint32_t, uint32_t> pin_of_line; // ISA
    for (const uint32_t at : entries(3)) {
        EXPECT_EQ(low_memory[at + 1], 0u); // vectored
        EXPECT_EQ(low_memory[at + 6], 0u); // the I/O APIC
        if (low_memory[at + 4] == 1) {
            EXPECT_EQ(number(at + 2, 2), 0u); // as ISA has it: edge, active high
            EXPECT_TRUE(pin_of_line.emplace(low_memory[at + 5], low_memory[at + 7]).second);
        }
    }
    for (uint32_t line = 0; line < 16; ++line) {
        const bool is_isa = line != 2 && line != 9; // the cascade; PCI's
        ASSERT_EQ(pin_of_line.contains(line), is_isa) << line;
        if (is_isa) {
            EXPECT_EQ(pin_of_line[line], line == 0 ? 2 : line);
        }
    }
}

TEST_F(MpTablesTest, ThePowerManagementFunctionsInterruptIsAtPin9) {
    std::vector<uint32_t> pci;
    for (const uint32_t at : entries(3))
        if (low_memory[at + 4] == 0)
            pci.push_back(at);
    ASSERT_EQ(pci.size(), 1u);
    EXPECT_EQ(number(pci[0] + 2, 2), 1u);       // active high
    EXPECT_EQ(low_memory[pci[0] + 5], 1u << 2); // device 1, INTA
    EXPECT_EQ(low_memory[pci[0] + 7], 9u);
}

TEST_F(MpTablesTest, NoPinHasTwoSources) {
    std::map<uint8_t, int> sources;
    for (const uint32_t at : entries(3))
        EXPECT_EQ(++sources[low_memory[at + 7]], 1) << int{low_memory[at + 7]};
}

TEST_F(MpTablesTest, The8259IsAtLint0AndNmiAtLint1) {
    const std::vector<uint32_t> local = entries(4);
    ASSERT_EQ(local.size(), 2u);
    EXPECT_EQ(low_memory[local[0] + 1], 3u); // ExtINT
    EXPECT_EQ(low_memory[local[0] + 6], 0u);
    EXPECT_EQ(low_memory[local[0] + 7], 0u);
    EXPECT_EQ(low_memory[local[1] + 1], 1u);    // NMI
    EXPECT_EQ(low_memory[local[1] + 6], 0xFFu); // of all
    EXPECT_EQ(low_memory[local[1] + 7], 1u);
}

} // namespace
} // namespace fixpoint::sim
