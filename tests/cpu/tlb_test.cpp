// Translation look-aside buffers: what they keep although the tables have changed, and what empties them.
#include "tests/cpu/paging_fixture.hpp"

namespace fixpoint::models {
namespace {

constexpr uint32_t other_frame = 0x31'0000;

// The page reads as 1 through its frame, and as 2 once it is mapped to another one.
class TlbCoherence : public Paging {
protected:
    TlbCoherence() {
        bench.put32(frame, 1);
        bench.put32(other_frame, 2);
    }
    // Reads the page, maps it elsewhere, does `between`, reads it again into EBX.
    uint32_t second_read(const Code& between, uint32_t new_flags = 0) {
        Code code;
        code.load(reg_eax, page).store_constant(entry, other_frame | present | writable | user | new_flags);
        code.append(between);
        const CpuState s = run(code.load(reg_ebx, page).halt());
        EXPECT_EQ(bench.halted_in(), -1);
        return s.general[reg_ebx];
    }
    void map_globally() {
        bench.put32(entry, frame | present | writable | user | global);
        change([](CpuState& s) { s.cr4 |= cr4_pge; });
    }
};

TEST_F(TlbCoherence, StaleEntryIsUsedUntilInvlpg) {
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

TEST_F(TlbCoherence, RightsRaisedInMemoryTakeEffectWithoutInvlpg) {
    // Read-only in the TLB, made writable in memory: the write succeeds.
    bench.put32(entry, frame | present | user);
    bench.code({0xA1, 0x00, 0x30, 0x40, 0x00, 0xC7, 0x05, 0x0C, 0x20, 0x20, 0x00,
                0x07, 0x30, 0x30, 0x00, 0xA3, 0x00, 0x30, 0x40, 0x00, 0xF4});
    bench.run();
    EXPECT_EQ(bench.cpu.counters().exceptions, 0u);
    EXPECT_EQ(bench.get32(entry) & dirty, dirty);
}

TEST_F(TlbCoherence, LoadOfCr3KeepsGlobalPagesOnly) {
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

TEST_F(TlbCoherence, DirtyBitClearedInMemoryIsSetAgainOnlyAfterInvlpg) {
    // mov [page], eax; and dword [entry], ~dirty; mov [page], eax; mov ebx, [entry]; invlpg [page]; mov
    // [page], eax
    bench.code({0xA3, 0x00, 0x30, 0x40, 0x00, 0x81, 0x25, 0x0C, 0x20, 0x20, 0x00, 0xBF, 0xFF,
                0xFF, 0xFF, 0xA3, 0x00, 0x30, 0x40, 0x00, 0x8B, 0x1D, 0x0C, 0x20, 0x20, 0x00,
                0x0F, 0x01, 0x3D, 0x00, 0x30, 0x40, 0x00, 0xA3, 0x00, 0x30, 0x40, 0x00, 0xF4});
    const CpuState s = bench.run();
    EXPECT_EQ(s.general[reg_ebx] & dirty, 0u) << "the TLB knew the page as dirty";
    EXPECT_NE(bench.get32(entry) & dirty, 0u);
}

TEST_F(TlbCoherence, WalkCostsMoreThanAHit) {
    // rdtsc; mov ebx, eax; mov ecx, [page]; rdtsc; sub eax, ebx -- twice over the same page.
    bench.code({0x0F, 0x31, 0x89, 0xC3, 0x8B, 0x0D, 0x00, 0x30, 0x40, 0x00, 0x0F,
                0x31, 0x29, 0xD8, 0x89, 0xC6, 0x0F, 0x31, 0x89, 0xC3, 0x8B, 0x0D,
                0x00, 0x30, 0x40, 0x00, 0x0F, 0x31, 0x29, 0xD8, 0xF4});
    const CpuState s = bench.run();
    EXPECT_GT(s.general[reg_esi], s.general[reg_eax] + 4);
}

TEST_F(TlbCoherence, InvlpgDropsGlobalPages) {
    map_globally();
    EXPECT_EQ(second_read(Code{}.invlpg(page + 0x123)), 2u);
}
TEST_F(TlbCoherence, InvlpgDropsOnlyThatPage) {
    EXPECT_EQ(second_read(Code{}.invlpg(page + 0x1000).invlpg(page - 1)), 1u);
}
TEST_F(TlbCoherence, GlobalBitMeansNothingWithoutPge) {
    bench.put32(entry, frame | present | writable | user | global);
    EXPECT_EQ(second_read(Code{}.reload_cr3()), 2u);
}
TEST_F(TlbCoherence, TogglingPgeDropsGlobalPages) {
    map_globally();
    EXPECT_EQ(second_read(Code{}.toggle_cr(4, cr4_pge).toggle_cr(4, cr4_pge)), 2u);
}
TEST_F(TlbCoherence, TogglingPseDropsGlobalPages) {
    map_globally();
    EXPECT_EQ(second_read(Code{}.toggle_cr(4, cr4_pse)), 2u);
}
TEST_F(TlbCoherence, TogglingPagingDropsGlobalPages) {
    map_globally();
    EXPECT_EQ(second_read(Code{}.toggle_cr(0, cr0_pg).toggle_cr(0, cr0_pg)), 2u);
}
TEST_F(TlbCoherence, OtherBitsOfCr4DropNothing) {
    EXPECT_EQ(second_read(Code{}.toggle_cr(4, 1u << 8)), 1u) << "PCE";
}
TEST_F(TlbCoherence, LoadingCr3WithAnotherDirectoryChangesTheSpace) {
    constexpr uint32_t second_directory = 0x20'3000, third_table = 0x20'4000;
    bench.put32(second_directory, table | present | writable | user);
    bench.put32(second_directory + 4, third_table | present | writable | user);
    bench.put32(third_table + 3 * 4, other_frame | present | writable | user);
    const CpuState s = run(Code{}
                               .load(reg_esi, page)
                               .set(reg_eax, second_directory)
                               .to_cr(3, reg_eax)
                               .load(reg_edi, page)
                               .halt());
    EXPECT_EQ(s.general[reg_esi], 1u);
    EXPECT_EQ(s.general[reg_edi], 2u);
}
TEST_F(TlbCoherence, WriteProtectTakesEffectAtOnceForKnownPages) {
    bench.put32(entry, frame | present | user | dirty);
    change([](CpuState& s) { s.cr0 &= ~cr0_wp; });
    run(Code{}.store(page, reg_eax).toggle_cr(0, cr0_wp).store(page, reg_eax).halt());
    EXPECT_EQ(bench.halted_in(), 14);
    EXPECT_EQ(error_code(), 3u);
}
TEST_F(TlbCoherence, RightsLoweredInMemoryAreNotSeenBeforeInvlpg) {
    run(Code{}
            .store(page, reg_eax)
            .store_constant(entry, frame | present | user)
            .store(page, reg_eax)
            .invlpg(page)
            .set(reg_esi, 1)
            .store(page, reg_eax)
            .halt());
    EXPECT_EQ(bench.halted_in(), 14);
    EXPECT_EQ(bench.cpu.state().general[reg_esi], 1u) << "the first two writes passed";
}
TEST_F(TlbCoherence, AnAbsentEntryIsNeverKept) {
    bench.put32(entry, 0);
    bench.put(CpuBench::handler(14), Code{}
                                         .store_constant(entry, other_frame | present | writable | user)
                                         .raw({0x83, 0xC4, 0x04, 0xCF}) // add esp, 4; iret
                                         .bytes());
    bench.gate(14, 0x5000); // room for it
    bench.put(0x5000, std::span{bench.memory.data() + CpuBench::handler(14), 32});
    EXPECT_EQ(run(Code{}.load(reg_ebx, page).halt()).general[reg_ebx], 2u);
    EXPECT_EQ(bench.cpu.counters().exceptions, 1u);
}
TEST_F(TlbCoherence, DataAndInstructionsHaveTheirOwn) {
    // A routine at `page` is called, the page is mapped elsewhere, read as data (new: never read before) and
    // called again (old).
    bench.put(frame, Code{}.raw({0x43, 0xC3}).bytes());            // inc ebx; ret
    bench.put(other_frame, Code{}.raw({0x4B, 0xC3}).bytes());      // dec ebx; ret
    const Code call = Code{}.set(reg_eax, page).raw({0xFF, 0xD0}); // call eax
    Code code = call;
    code.store_constant(entry, other_frame | present | writable | user).load(reg_esi, page);
    code.append(call);
    const CpuState s = run(code.halt());
    EXPECT_EQ(s.general[reg_esi] & 0xFFFF, 0xC34Bu);
    EXPECT_EQ(s.general[reg_ebx], 2u);
}
TEST_F(TlbCoherence, TheFifthPageOfASetOfFourReplacesTheOldest) {
    // 64 entries in four ways: pages 16 apart share a set. Tables: page 3 of the second table and 19, 35, ...
    Code others;
    for (uint32_t i = 1; i <= 4; ++i) {
        bench.put32(entry + i * 16 * 4, frame | present | writable | user);
        if (i <= 3)
            others.load(reg_ecx, page + i * 0x1'0000);
    }
    EXPECT_EQ(second_read(others), 1u) << "three more have room";
    change([](CpuState& s) {
        s.eip = CpuBench::code_address;
        s.halted = false;
    });
    bench.put32(entry, frame | present | writable | user);
    bench.cpu.snoop_write(CpuBench::code_address, 64);
    EXPECT_EQ(second_read(others.load(reg_ecx, page + 0x4'0000)), 2u);
}
TEST_F(TlbCoherence, WalksGoThroughTheCaches) {
    // A walk whose entries are in the caches costs less than one whose entries are not.
    const auto cost_of_walk = [this](bool flushed) {
        Code code;
        code.load(reg_eax, page);
        if (flushed)
            code.raw({0x0F, 0x09}); // wbinvd
        code.invlpg(page).raw({0x0F, 0x31}).raw({0x89, 0xC6}).load(reg_ecx, page).raw({0x0F, 0x31});
        code.raw({0x29, 0xF0}).halt(); // sub eax, esi
        change([](CpuState& s) {
            s.eip = CpuBench::code_address;
            s.halted = false;
        });
        bench.cpu.snoop_write(CpuBench::code_address, 64);
        return run(code).general[reg_eax];
    };
    EXPECT_GT(cost_of_walk(true), cost_of_walk(false) + 2 * 60) << "two entries and the data from memory";
}

// ---- Large pages

class LargePages : public Paging {};

TEST_F(LargePages, LargePageMapsFourMegabytes) {
    bench.put32(directory + 8, 0x0000'0000 | present | writable | user | large); // 8 MB -> 0
    bench.put32(0x30'1230, 0xCAFE);
    bench.code({0xA1, 0x30, 0x12, 0xB0, 0x00, 0xA3, 0x34, 0x12, 0xB0, 0x00, 0xF4});
    EXPECT_EQ(bench.run().general[reg_eax], 0xCAFEu);
    EXPECT_EQ(bench.get32(0x30'1234), 0xCAFEu);
    EXPECT_EQ(bench.get32(directory + 8), present | writable | user | large | accessed | dirty);
}

TEST_F(LargePages, ReservedBitInLargePageFaults) {
    const CpuState start = bench.cpu.state();
    for (unsigned bit = 17; bit < 22; ++bit) {
        SCOPED_TRACE(bit);
        bench.put32(directory + 8, 1u << bit | present | writable | user | large);
        bench.cpu.set_state(start);
        bench.code({0xA1, 0x30, 0x12, 0xB0, 0x00, 0xF4});
        expect_fault(9, 0x00B0'1230);
    }
}
TEST_F(LargePages, WithoutPseTheBitIsIgnored) {
    bench.put32(directory + 4, second_table | present | writable | user | large);
    change([](CpuState& s) { s.cr4 = 0; });
    bench.put32(frame, 0xCAFE);
    EXPECT_EQ(run(Code{}.load(reg_ebx, page).halt()).general[reg_ebx], 0xCAFEu);
}
TEST_F(LargePages, InvlpgOfAnyAddressDropsTheWholePage) {
    bench.put32(directory + 8, present | writable | user | large);
    bench.put32(0x30'0000, 1);
    bench.put32(0x70'0000, 2);
    const uint32_t address = 0x80'0000 + 0x30'0000;
    const CpuState s = run(Code{}
                               .load(reg_eax, address)
                               .store_constant(directory + 8, 0x40'0000 | present | writable | user | large)
                               .load(reg_ebx, address)
                               .invlpg(0x80'0000)
                               .load(reg_ecx, address)
                               .halt());
    EXPECT_EQ(s.general[reg_ebx], 1u);
    EXPECT_EQ(s.general[reg_ecx], 2u);
}
TEST_F(LargePages, Pse36AddressesBeyondFourGigabytesAreAnsweredByNobody) {
    bench.bus.mmio_value = ~0u;
    bench.put32(directory + 8, 0x0000'2000 | present | writable | user | large); // bit 13: address bit 32
    EXPECT_EQ(run(Code{}.store(0x80'0000, reg_eax).load(reg_ebx, 0x80'0000).halt()).general[reg_ebx], ~0u);
    expect_no_fault();
    EXPECT_EQ(bench.get32(0), 0u) << "nothing is written at the address modulo 4 GB";
}
TEST_F(LargePages, WithoutPse36TheAddressBitsAreReserved) {
    CpuParameters parameters = pentium3_parameters();
    parameters.disabled_features = 1u << 17;
    CpuBench plain{parameters};
    plain.install_tables();
    plain.put32(directory, present | writable | user | large);
    plain.put32(directory + 8, 0x0000'2000 | present | writable | user | large);
    plain.cpu.set_state(bench.cpu.state());
    plain.put(CpuBench::code_address, Code{}.load(reg_ebx, 0x80'0000).halt().bytes());
    const CpuState s = plain.run();
    ASSERT_EQ(plain.halted_in(), 14);
    EXPECT_EQ(plain.get32(s.general[reg_esp]), 9u);
}

} // namespace
} // namespace fixpoint::models
