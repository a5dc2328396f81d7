// Physical address extension: three levels with 64-bit entries, 2 MB pages, pointers in registers.
#include "tests/cpu/paging_fixture.hpp"

namespace fixpoint::models {
namespace {

constexpr uint64_t beyond_address_width = uint64_t{1} << 36;

// Paging with PAE on, the first 2 MB mapped one to one by a large page for everybody; a page of interest at
// `page`, and tables within reach of the first mapping's program.
class Pae : public testing::Test {
protected:
    static constexpr uint32_t pointers = 0x1'0020; // 32-byte aligned is enough
    static constexpr uint32_t directory = 0x1'1000, table = 0x1'2000, frame = 0x30'3000;
    static constexpr uint32_t page = 0x0040'3000, directory_entry = directory + 2 * 8, entry = table + 3 * 8;
    static constexpr uint64_t rights = present | writable | user;

    Pae() {
        bench.install_tables();
        put64(pointers, directory | present);
        for (uint32_t i = 1; i < 4; ++i)
            put64(pointers + i * 8, 0);
        put64(directory, rights | large);
        put64(directory_entry, table | rights);
        put64(entry, frame | rights);
        bench.put32(frame, 0xCAFE);
        CpuState s = CpuBench::flat_state();
        s.cr0 |= cr0_pg | cr0_wp;
        s.cr3 = pointers;
        s.cr4 = cr4_pae;
        bench.cpu.set_state(s);
    }
    void put64(uint32_t address, uint64_t value) {
        bench.put32(address, static_cast<uint32_t>(value));
        bench.put32(address + 4, static_cast<uint32_t>(value >> 32));
    }
    uint64_t get64(uint32_t address) {
        return bench.get32(address) | uint64_t{bench.get32(address + 4)} << 32;
    }
    CpuState run(const Code& code) {
        bench.put(CpuBench::code_address, code.bytes());
        return bench.run();
    }
    void expect_fault(const Code& code, uint32_t error, uint32_t address) {
        const CpuState s = run(code);
        ASSERT_EQ(bench.halted_in(), 14);
        EXPECT_EQ(bench.get32(s.general[reg_esp]), error);
        EXPECT_EQ(s.cr2, address);
    }
    void expect_protection_fault(const Code& code) {
        const CpuState s = run(code);
        ASSERT_EQ(bench.halted_in(), 13);
        EXPECT_EQ(bench.get32(s.general[reg_esp]), 0u);
    }
    const Code read_page = Code{}.load(reg_ebx, page).halt(), write_page = Code{}.store(page, reg_eax).halt();

    CpuBench bench;
};

TEST_F(Pae, MapsPagesOf4Kilobytes) {
    EXPECT_EQ(run(Code{read_page}).general[reg_ebx], 0xCAFEu);
    EXPECT_EQ(get64(entry), frame | rights | accessed);
    EXPECT_EQ(get64(directory_entry), table | rights | accessed);
    EXPECT_EQ(get64(pointers), directory | present) << "pointers have no accessed bit";
}
TEST_F(Pae, MapsPagesOf2MegabytesWhateverPse) {
    put64(directory + 5 * 8, 0x20'0000 | rights | large);
    EXPECT_EQ(
        run(Code{}.load(reg_ebx, 0xA0'0000 + 0x10'3000).store(0xA0'0000, reg_ebx).halt()).general[reg_ebx],
        0xCAFEu);
    EXPECT_EQ(get64(directory + 5 * 8), 0x20'0000 | rights | large | accessed | dirty);
}
TEST_F(Pae, TheTopTwoBitsOfAnAddressChooseThePointer) {
    put64(pointers + 3 * 8, directory | present);
    CpuState s = bench.cpu.state();
    bench.cpu.set_state(s); // loads the pointers
    EXPECT_EQ(run(Code{}.load(reg_ebx, 0xC000'0000 + page).halt()).general[reg_ebx], 0xCAFEu);
}
TEST_F(Pae, AnAbsentPointerFaults) {
    expect_fault(Code{}.load(reg_ebx, 0x4000'0000).halt(), 0, 0x4000'0000);
}
TEST_F(Pae, AbsentEntriesFault) {
    put64(entry, frame);
    expect_fault(write_page, 2, page);
    EXPECT_EQ(get64(directory_entry) & accessed, 0u);
}
TEST_F(Pae, AnAbsentDirectoryEntryFaults) {
    put64(directory_entry, 0);
    expect_fault(read_page, 0, page);
}
TEST_F(Pae, WriteProtectionFaults) {
    put64(entry, frame | present | user);
    expect_fault(write_page, 3, page);
}
TEST_F(Pae, ReservedBitsFaultAtEveryLevel) {
    for (unsigned bit = 36; bit < 64; ++bit) {
        SCOPED_TRACE(bit);
        for (const uint32_t place : {entry, directory_entry}) {
            const uint64_t before = get64(place);
            put64(place, before | uint64_t{1} << bit);
            CpuState s = CpuBench::flat_state();
            s.cr0 |= cr0_pg | cr0_wp;
            s.cr3 = pointers;
            s.cr4 = cr4_pae;
            bench.cpu.set_state(s);
            bench.cpu.snoop_write(CpuBench::code_address, 64);
            expect_fault(read_page, 9, page);
            put64(place, before);
        }
    }
}
TEST_F(Pae, ReservedBitsOfALargePageFault) {
    const CpuState start = bench.cpu.state();
    for (unsigned bit = 13; bit < 21; ++bit) {
        SCOPED_TRACE(bit);
        put64(directory_entry, 0x20'0000 | rights | large | 1u << bit);
        bench.cpu.set_state(start);
        bench.cpu.snoop_write(CpuBench::code_address, 64);
        expect_fault(write_page, 0xB, page);
    }
}
TEST_F(Pae, ReservedBitsOfAnAbsentEntryMeanNothing) {
    put64(entry, beyond_address_width);
    expect_fault(read_page, 0, page);
}
TEST_F(Pae, PagesBeyondFourGigabytesAreAnsweredByNobody) {
    bench.bus.mmio_value = ~0u;
    put64(entry, uint64_t{1} << 32 | frame | rights);
    EXPECT_EQ(run(Code{}.store(page, reg_eax).load(reg_ebx, page).halt()).general[reg_ebx], ~0u);
    EXPECT_EQ(bench.halted_in(), -1);
    EXPECT_EQ(bench.get32(frame), 0xCAFEu) << "nothing is written at the address modulo 4 GB";
}
TEST_F(Pae, TablesBeyondFourGigabytesHaveReservedBits) {
    bench.bus.mmio_value = ~0u;
    put64(directory_entry, uint64_t{1} << 32 | table | rights);
    expect_fault(read_page, 9, page);
}

// ---- The pointers

TEST_F(Pae, PointersAreReadWhenCr3IsLoadedAndNotBefore) {
    const Code change = Code{}.store_constant(pointers, 0).load(reg_ebx, page);
    EXPECT_EQ(run(Code{change}.invlpg(page).load(reg_esi, page).halt()).general[reg_esi], 0xCAFEu);
}
TEST_F(Pae, LoadingCr3WithTheSameValueReadsThem) {
    // Pointer 1 becomes valid in memory; the access through it before the load faults, after it not.
    expect_fault(
        Code{}.store_constant(pointers + 8, directory | present).load(reg_ebx, 0x4000'0000 + page).halt(), 0,
        0x4000'0000 + page);
    CpuState s = CpuBench::flat_state();
    s.cr0 |= cr0_pg;
    s.cr3 = pointers;
    s.cr4 = cr4_pae;
    put64(pointers + 8, 0);
    bench.cpu.set_state(s);
    bench.cpu.snoop_write(CpuBench::code_address, 64);
    EXPECT_EQ(run(Code{}
                      .store_constant(pointers + 8, directory | present)
                      .reload_cr3()
                      .load(reg_ebx, 0x4000'0000 + page)
                      .halt())
                  .general[reg_ebx],
              0xCAFEu);
}
TEST_F(Pae, ReservedBitsInAPointerAreAProtectionFaultOfMovCr3) {
    constexpr uint32_t other = 0x1'0040;
    for (unsigned i = 0; i < 4; ++i)
        put64(other + i * 8, directory | present | (i == 2 ? 1u << 1 : 0));
    expect_protection_fault(Code{}.set(reg_eax, other).to_cr(3, reg_eax).halt());
    EXPECT_EQ(bench.cpu.state().cr3, pointers) << "nothing has changed";
}
TEST_F(Pae, ReservedBitsInAnAbsentPointerMeanNothing) {
    constexpr uint32_t other = 0x1'0040;
    put64(other, directory | present);
    for (unsigned i = 1; i < 4; ++i)
        put64(other + i * 8, ~uint64_t{1});
    run(Code{}.set(reg_eax, other).to_cr(3, reg_eax).halt());
    EXPECT_EQ(bench.halted_in(), -1);
    EXPECT_EQ(bench.cpu.state().cr3, other);
}
TEST_F(Pae, SwitchingPagingOnReadsThem) {
    put64(pointers + 8, directory | present | beyond_address_width);
    CpuState s = CpuBench::flat_state();
    s.cr3 = pointers;
    s.cr4 = cr4_pae;
    bench.cpu.set_state(s);
    expect_protection_fault(Code{}.toggle_cr(0, cr0_pg).halt());
    EXPECT_EQ(bench.cpu.state().cr0 & cr0_pg, 0u);
}
TEST_F(Pae, SwitchingPaeOnUnderPagingReadsThem) {
    // The same memory serves as a two-level directory whose first entry is a 4 MB page.
    constexpr uint32_t both = 0x2'0000;
    put64(both, 0x2'1000 | present);
    for (uint32_t i = 1; i < 4; ++i)
        put64(both + i * 8, 0);
    put64(0x2'1000, rights | large);
    put64(0x2'1000 + 2 * 8, table | rights);
    bench.put32(0x2'2000, present | writable | large);
    CpuState s = CpuBench::flat_state();
    s.cr0 |= cr0_pg;
    s.cr3 = 0x2'2000;
    s.cr4 = cr4_pse;
    bench.cpu.set_state(s);
    // As a table of pointers, 0x22000 has one with reserved bits (page size).
    expect_protection_fault(Code{}.toggle_cr(4, cr4_pae).halt());
    EXPECT_EQ(bench.cpu.state().cr4, cr4_pse);
}
TEST_F(Pae, TogglingPaeEmptiesTheTlbs) {
    const CpuState s = run(Code{}
                               .load(reg_esi, page)
                               .toggle_cr(0, cr0_pg)
                               .toggle_cr(4, cr4_pae)
                               .store_constant(entry, 0x30'4000 | present | writable)
                               .toggle_cr(4, cr4_pae)
                               .toggle_cr(0, cr0_pg)
                               .load(reg_edi, page)
                               .halt());
    EXPECT_EQ(s.general[reg_esi], 0xCAFEu);
    EXPECT_EQ(s.general[reg_edi], 0u);
}
TEST_F(Pae, GlobalPagesSurviveCr3Loads) {
    CpuState s = bench.cpu.state();
    s.cr4 |= cr4_pge;
    bench.cpu.set_state(s);
    put64(entry, frame | rights | global);
    const CpuState after = run(Code{}
                                   .load(reg_esi, page)
                                   .store_constant(entry, 0x30'4000 | present | writable)
                                   .reload_cr3()
                                   .load(reg_edi, page)
                                   .invlpg(page)
                                   .load(reg_ebp, page)
                                   .halt());
    EXPECT_EQ(after.general[reg_edi], 0xCAFEu);
    EXPECT_EQ(after.general[reg_ebp], 0u);
}
TEST_F(Pae, TranslateFollowsTheTables) {
    uint32_t physical = 0;
    EXPECT_TRUE(bench.cpu.translate(page + 0x123, physical));
    EXPECT_EQ(physical, frame + 0x123);
    EXPECT_TRUE(bench.cpu.translate(0x12'3456, physical));
    EXPECT_EQ(physical, 0x12'3456u);
    EXPECT_FALSE(bench.cpu.translate(0x8000'0000, physical));
}

} // namespace
} // namespace fixpoint::models
