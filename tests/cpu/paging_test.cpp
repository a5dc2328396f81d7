// Address translation: faults and their error codes, accessed and dirty bits, stale TLB entries.
#include "tests/cpu/cpu_bench.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

constexpr uint32_t present = 1, writable = 2, user = 4, accessed = 0x20, dirty = 0x40, large = 0x80,
                   global = 0x100;
constexpr uint32_t cr0_wp = 1u << 16, cr4_pse = 0x10, cr4_pge = 0x80;

// Paging on, the first 4 MB mapped one to one for everybody; a page of interest at `page`, its entry at
// `entry`.
class Paging : public testing::Test {
protected:
    static constexpr uint32_t directory = 0x20'0000, table = 0x20'1000, second_table = 0x20'2000;
    static constexpr uint32_t page = 0x0040'3000, entry = second_table + 3 * 4, frame = 0x30'3000;

    Paging() {
        bench.install_tables();
        bench.put32(directory, table | present | writable | user);
        bench.put32(directory + 4, second_table | present | writable | user);
        for (uint32_t i = 0; i < 1024; ++i)
            bench.put32(table + i * 4, i << 12 | present | writable | user);
        bench.put32(entry, frame | present | writable | user);
        CpuState s = CpuBench::flat_state();
        s.cr0 |= 0x8000'0000u | cr0_wp;
        s.cr3 = directory;
        s.cr4 = cr4_pse;
        bench.cpu.set_state(s);
    }
    void change(void (*edit)(CpuState&)) {
        CpuState s = bench.cpu.state();
        edit(s);
        bench.cpu.set_state(s);
    }
    // The error code that the handler of a page fault finds on its stack.
    uint32_t error_code() { return bench.get32(bench.cpu.state().general[reg_esp]); }
    void expect_fault(uint32_t error, uint32_t address) {
        const CpuState s = bench.run();
        ASSERT_EQ(bench.halted_in(), 14);
        EXPECT_EQ(error_code(), error);
        EXPECT_EQ(s.cr2, address);
        EXPECT_EQ(bench.get32(s.general[reg_esp] + 4), CpuBench::code_address)
            << "EIP of the faulting instruction";
    }
    void read_page() { bench.code({0xA1, 0x00, 0x30, 0x40, 0x00, 0xF4}); }  // mov eax, [page]
    void write_page() { bench.code({0xA3, 0x00, 0x30, 0x40, 0x00, 0xF4}); } // mov [page], eax

    CpuBench bench;
};

TEST_F(Paging, ReadSetsAccessedOnly) {
    bench.put32(frame, 0x1234'5678);
    read_page();
    EXPECT_EQ(bench.run().general[reg_eax], 0x1234'5678u);
    EXPECT_EQ(bench.get32(entry), frame | present | writable | user | accessed);
    EXPECT_EQ(bench.get32(directory + 4), second_table | present | writable | user | accessed);
}

TEST_F(Paging, WriteSetsAccessedAndDirty) {
    write_page();
    bench.run();
    EXPECT_EQ(bench.get32(entry), frame | present | writable | user | accessed | dirty);
    EXPECT_EQ(bench.get32(directory + 4) & dirty, 0u) << "only the entry that maps the page";
}

TEST_F(Paging, WriteAfterReadSetsDirtyThroughTheTlbEntry) {
    bench.code({0xA1, 0x00, 0x30, 0x40, 0x00, 0xA3, 0x00, 0x30, 0x40, 0x00, 0xF4});
    bench.run();
    EXPECT_NE(bench.get32(entry) & dirty, 0u);
}

TEST_F(Paging, DirtyBitClearedInMemoryIsSetAgainOnlyAfterInvlpg) {
    // mov [page], eax; and dword [entry], ~dirty; mov [page], eax; mov ebx, [entry]; invlpg [page]; mov
    // [page], eax
    bench.code({0xA3, 0x00, 0x30, 0x40, 0x00, 0x81, 0x25, 0x0C, 0x20, 0x20, 0x00, 0xBF, 0xFF,
                0xFF, 0xFF, 0xA3, 0x00, 0x30, 0x40, 0x00, 0x8B, 0x1D, 0x0C, 0x20, 0x20, 0x00,
                0x0F, 0x01, 0x3D, 0x00, 0x30, 0x40, 0x00, 0xA3, 0x00, 0x30, 0x40, 0x00, 0xF4});
    const CpuState s = bench.run();
    EXPECT_EQ(s.general[reg_ebx] & dirty, 0u) << "the TLB knew the page as dirty";
    EXPECT_NE(bench.get32(entry) & dirty, 0u);
}

TEST_F(Paging, ReadOfAbsentPageFaults) {
    bench.put32(entry, 0);
    read_page();
    expect_fault(0, page);
}
TEST_F(Paging, WriteOfAbsentPageFaults) {
    bench.put32(entry, 0);
    write_page();
    expect_fault(2, page);
}
TEST_F(Paging, AbsentTableFaults) {
    bench.put32(directory + 4, 0);
    write_page();
    expect_fault(2, page);
}
TEST_F(Paging, FaultingWalkLeavesAccessedBitsAlone) {
    bench.put32(entry, 0);
    read_page();
    bench.run();
    EXPECT_EQ(bench.get32(directory + 4) & accessed, 0u);
}
TEST_F(Paging, SupervisorWriteToReadOnlyPageFaultsUnderWriteProtect) {
    bench.put32(entry, frame | present | user);
    write_page();
    expect_fault(3, page);
    EXPECT_EQ(bench.get32(entry) & dirty, 0u);
}
TEST_F(Paging, SupervisorMayWriteReadOnlyPageWithoutWriteProtect) {
    bench.put32(entry, frame | present | user);
    change([](CpuState& s) { s.cr0 &= ~cr0_wp; });
    write_page();
    bench.run();
    EXPECT_EQ(bench.halted_in(), -1);
    EXPECT_NE(bench.get32(entry) & dirty, 0u);
}
TEST_F(Paging, UserReadOfSupervisorPageFaults) {
    bench.put32(entry, frame | present | writable);
    bench.set_user();
    read_page();
    expect_fault(5, page);
}
TEST_F(Paging, UserWriteOfReadOnlyPageFaults) {
    bench.put32(entry, frame | present | user);
    bench.set_user();
    write_page();
    expect_fault(7, page);
}
TEST_F(Paging, DirectoryEntryRestrictsRights) {
    bench.put32(directory + 4, second_table | present | user);
    bench.set_user();
    write_page();
    expect_fault(7, page);
}
TEST_F(Paging, ReadModifyWriteFaultsAsWrite) {
    bench.put32(entry, 0);
    bench.code({0x01, 0x05, 0x00, 0x30, 0x40, 0x00, 0xF4}); // add [page], eax
    expect_fault(2, page);
}
TEST_F(Paging, CompareDoesNotWrite) {
    bench.put32(entry, frame | present | user);
    bench.code({0x39, 0x05, 0x00, 0x30, 0x40, 0x00, 0xF4}); // cmp [page], eax
    bench.run();
    EXPECT_EQ(bench.halted_in(), -1);
    EXPECT_EQ(bench.get32(entry) & dirty, 0u);
}
TEST_F(Paging, FetchFaultHasTheTargetsAddress) {
    bench.put32(entry, 0);
    bench.code({0xE9, 0xFB, 0x2F, 0x30, 0x00}); // jmp page
    const CpuState s = bench.run();
    ASSERT_EQ(bench.halted_in(), 14);
    EXPECT_EQ(s.cr2, page);
    EXPECT_EQ(error_code(), 0u);
    EXPECT_EQ(bench.get32(s.general[reg_esp] + 4), page);
}
TEST_F(Paging, WriteAcrossPagesFaultsBeforeWriting) {
    bench.put32(entry + 4, 0); // the page behind is absent
    bench.put32(frame + 0xFFC, 0xAAAA'AAAA);
    bench.code({0xA3, 0xFE, 0x3F, 0x40, 0x00, 0xF4}); // mov [page + 0xFFE], eax
    expect_fault(2, page + 0x1000);
    EXPECT_EQ(bench.get32(frame + 0xFFC), 0xAAAA'AAAAu);
}
TEST_F(Paging, InstructionAcrossPagesFaultsOnTheSecond) {
    bench.put32(entry + 4, 0);
    bench.put(frame + 0xFFE, {0xB8, 0x01}); // mov eax, imm32: three bytes beyond
    bench.code({0xE9, 0xF9, 0x3F, 0x30, 0x00});
    const CpuState s = bench.run();
    ASSERT_EQ(bench.halted_in(), 14);
    EXPECT_EQ(s.cr2, page + 0x1000);
    EXPECT_EQ(bench.get32(s.general[reg_esp] + 4), page + 0xFFE);
}
TEST_F(Paging, InstructionAcrossPagesFollowsARemappedSecondPage) {
    // mov eax, imm32 across the pages, hlt; run once, map the second page elsewhere, run again.
    bench.put32(entry + 4, 0x31'0000 | present | writable | user);
    bench.put(frame + 0xFFE, {0xB8, 0x01});
    bench.put(0x31'0000, {0x02, 0x03, 0x04, 0xF4});
    bench.put(0x32'0000, {0x12, 0x13, 0x14, 0xF4});
    bench.code({0xE9, 0xF9, 0x3F, 0x30, 0x00});
    EXPECT_EQ(bench.run().general[reg_eax], 0x0403'0201u);
    bench.put32(entry + 4, 0x32'0000 | present | writable | user);
    change([](CpuState& s) {
        s.eip = CpuBench::code_address;
        s.halted = false;
    });
    EXPECT_EQ(bench.run().general[reg_eax], 0x1413'1201u);
}
TEST_F(Paging, InstructionAcrossPagesMayEndInFrameZero) {
    bench.put32(entry + 4, 0 | present | writable | user);
    bench.put(frame + 0xFFE, {0xB8, 0x01});
    bench.put(0, {0x02, 0x03, 0x04, 0xF4});
    bench.code({0xE9, 0xF9, 0x3F, 0x30, 0x00});
    EXPECT_EQ(bench.run().general[reg_eax], 0x0403'0201u);
}
TEST_F(Paging, StaleEntryIsUsedUntilInvlpg) {
    bench.put32(frame, 1);
    bench.put32(0x31'0000, 2);
    // mov eax, [page]; mov dword [entry], new; mov ebx, [page]; invlpg [page]; mov ecx, [page]; hlt
    bench.code({0xA1, 0x00, 0x30, 0x40, 0x00, 0xC7, 0x05, 0x0C, 0x20, 0x20, 0x00, 0x07,
                0x00, 0x31, 0x00, 0x8B, 0x1D, 0x00, 0x30, 0x40, 0x00, 0x0F, 0x01, 0x3D,
                0x00, 0x30, 0x40, 0x00, 0x8B, 0x0D, 0x00, 0x30, 0x40, 0x00, 0xF4});
    const CpuState s = bench.run();
    EXPECT_EQ(s.general[reg_eax], 1u);
    EXPECT_EQ(s.general[reg_ebx], 1u) << "TLBs are not coherent";
    EXPECT_EQ(s.general[reg_ecx], 2u);
}
TEST_F(Paging, RightsRaisedInMemoryTakeEffectWithoutInvlpg) {
    // Read-only in the TLB, made writable in memory: the write succeeds.
    bench.put32(entry, frame | present | user);
    bench.code({0xA1, 0x00, 0x30, 0x40, 0x00, 0xC7, 0x05, 0x0C, 0x20, 0x20, 0x00,
                0x07, 0x30, 0x30, 0x00, 0xA3, 0x00, 0x30, 0x40, 0x00, 0xF4});
    bench.run();
    EXPECT_EQ(bench.cpu.counters().exceptions, 0u);
    EXPECT_EQ(bench.get32(entry) & dirty, dirty);
}
TEST_F(Paging, LoadOfCr3KeepsGlobalPagesOnly) {
    for (const bool is_global : {false, true}) {
        bench.put32(entry, frame | present | writable | user | (is_global ? global : 0));
        change([](CpuState& s) {
            s.cr4 |= cr4_pge;
            s.eip = CpuBench::code_address;
            s.halted = false;
        });
        bench.put32(frame, 1);
        bench.put32(0x31'0000, 2);
        // mov eax, [page]; mov dword [entry], new; mov eax, cr3; mov cr3, eax; mov ebx, [page]; hlt
        bench.code({0xA1, 0x00, 0x30, 0x40, 0x00, 0xC7, 0x05, 0x0C, 0x20, 0x20, 0x00, 0x07, 0x00, 0x31,
                    0x00, 0x0F, 0x20, 0xD8, 0x0F, 0x22, 0xD8, 0x8B, 0x1D, 0x00, 0x30, 0x40, 0x00, 0xF4});
        bench.cpu.snoop_write(CpuBench::code_address, 64);
        EXPECT_EQ(bench.run().general[reg_ebx], is_global ? 1u : 2u);
    }
}
TEST_F(Paging, LargePageMapsFourMegabytes) {
    bench.put32(directory + 8, 0x0000'0000 | present | writable | user | large); // 8 MB -> 0
    bench.put32(0x30'1230, 0xCAFE);
    bench.code({0xA1, 0x30, 0x12, 0xB0, 0x00, 0xA3, 0x34, 0x12, 0xB0, 0x00, 0xF4});
    EXPECT_EQ(bench.run().general[reg_eax], 0xCAFEu);
    EXPECT_EQ(bench.get32(0x30'1234), 0xCAFEu);
    EXPECT_EQ(bench.get32(directory + 8), present | writable | user | large | accessed | dirty);
}
TEST_F(Paging, ReservedBitInLargePageFaults) {
    bench.put32(directory + 8, 0x0020'0000 | present | writable | user | large);
    bench.code({0xA1, 0x30, 0x12, 0xB0, 0x00, 0xF4});
    expect_fault(9, 0x00B0'1230);
}
TEST_F(Paging, RepeatedStoreStopsAtTheFaultAndGoesOnAfterIt) {
    bench.put32(entry + 4, 0);
    // mov edi, page + 0xFF8; mov ecx, 4; rep stosd; hlt
    bench.code({0xBF, 0xF8, 0x3F, 0x40, 0x00, 0xB9, 0x04, 0x00, 0x00, 0x00, 0xF3, 0xAB, 0xF4});
    CpuState s = bench.run();
    ASSERT_EQ(bench.halted_in(), 14);
    EXPECT_EQ(s.general[reg_ecx], 2u);
    EXPECT_EQ(s.general[reg_edi], page + 0x1000);
    EXPECT_EQ(s.cr2, page + 0x1000);
    EXPECT_EQ(bench.get32(s.general[reg_esp] + 4), CpuBench::code_address + 10);
}
TEST_F(Paging, PageFaultWithoutHandlerStackIsADoubleFaultThenShutdown) {
    change([](CpuState& s) { s.general[reg_esp] = page; }); // pushes go to an absent page
    bench.put32(entry - 4, 0);
    bench.put32(entry, 0);
    read_page();
    bench.run();
    EXPECT_EQ(bench.stop, Cpu::Stop::triple_fault);
}
TEST_F(Paging, TranslateFollowsTheTables) {
    uint32_t physical = 0;
    EXPECT_TRUE(bench.cpu.translate(page + 0x123, physical));
    EXPECT_EQ(physical, frame + 0x123);
    bench.put32(entry, 0);
    EXPECT_FALSE(bench.cpu.translate(page, physical));
}
TEST_F(Paging, WalkCostsMoreThanAHit) {
    // rdtsc; mov ebx, eax; mov ecx, [page]; rdtsc; sub eax, ebx -- twice over the same page.
    bench.code({0x0F, 0x31, 0x89, 0xC3, 0x8B, 0x0D, 0x00, 0x30, 0x40, 0x00, 0x0F,
                0x31, 0x29, 0xD8, 0x89, 0xC6, 0x0F, 0x31, 0x89, 0xC3, 0x8B, 0x0D,
                0x00, 0x30, 0x40, 0x00, 0x0F, 0x31, 0x29, 0xD8, 0xF4});
    const CpuState s = bench.run();
    EXPECT_GT(s.general[reg_esi], s.general[reg_eax] + 4);
}

} // namespace
} // namespace fixpoint::models
