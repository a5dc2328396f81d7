// The A20 gate: closed, the processor's physical addresses have no bit 20, whatever led to them.
#include "tests/cpu/paging_fixture.hpp"

namespace fixpoint::models {
namespace {

constexpr uint32_t low = 0x5'0000, high = 0x15'0000;

class A20 : public testing::Test {
protected:
    // The program is where bit 20 is 0.
    static constexpr uint32_t code_address = 0x20'0000;

    A20() {
        bench.install_tables();
        bench.put32(low, 1);
        bench.put32(high, 2);
        CpuState s = CpuBench::flat_state();
        s.eip = code_address;
        bench.cpu.set_state(s);
    }
    CpuState run(const Code& code) {
        bench.put(code_address, code.bytes());
        return bench.run();
    }
    // out 0x92, al closes the gate if AL is 0, as the chipset would.
    void connect() {
        bench.bus.on_write = [this] { bench.cpu.set_a20(bench.bus.writes.back().value != 0); };
    }
    static Code& out92(Code& code, uint8_t value) { return code.raw({0xB0, value, 0xE6, 0x92}); }

    CpuBench bench;
};

TEST_F(A20, IsOpenAtFirst) {
    EXPECT_EQ(run(Code{}.load(reg_ebx, high).halt()).general[reg_ebx], 2u);
}
TEST_F(A20, ClosedOddMegabytesAreTheEvenOnesBelow) {
    bench.cpu.set_a20(false);
    EXPECT_EQ(run(Code{}.load(reg_ebx, high).store_constant(high + 4, 3).halt()).general[reg_ebx], 1u);
    EXPECT_EQ(bench.get32(low + 4), 3u);
    EXPECT_EQ(bench.get32(high + 4), 0u);
}
TEST_F(A20, TakesEffectWithTheNextAccessAlsoOfALineJustUsed) {
    connect();
    Code code;
    code.load(reg_ebx, high).load(reg_ecx, high);
    out92(code, 0).load(reg_edx, high).store_constant(high + 8, 5);
    out92(code, 1).load(reg_esi, high).store_constant(high + 12, 6).halt();
    const CpuState s = run(code);
    EXPECT_EQ(s.general[reg_ebx], 2u);
    EXPECT_EQ(s.general[reg_edx], 1u);
    EXPECT_EQ(s.general[reg_esi], 2u);
    EXPECT_EQ(bench.get32(low + 8), 5u);
    EXPECT_EQ(bench.get32(high + 12), 6u);
}
TEST_F(A20, AppliesToFetchesAndKeepsCachedCodeApart) {
    bench.put(low, Code{}.raw({0xBB}).word(1).raw({0xC3}).bytes());  // mov ebx, 1; ret
    bench.put(high, Code{}.raw({0xBB}).word(2).raw({0xC3}).bytes()); // mov ebx, 2; ret
    connect();
    const Code call = Code{}.set(reg_edx, high).raw({0xFF, 0xD2}); // call edx
    Code code;
    for (unsigned round = 0; round < 3; ++round) {
        code.append(call);
        code.raw({0x89, 0xDE}); // mov esi, ebx: as with the gate open
        out92(code, 0);
        code.append(call);
        code.raw({0x89, 0xDF}); // mov edi, ebx: as with the gate closed
        out92(code, 1);
    }
    const CpuState s = run(code.halt());
    EXPECT_EQ(s.general[reg_esi], 2u);
    EXPECT_EQ(s.general[reg_edi], 1u);
}
TEST_F(A20, TwoAddressesOfOneByteOfCodeAreKeptCoherent) {
    // Code at `low`, called there, is changed through its alias.
    bench.cpu.set_a20(false);
    bench.put(low, Code{}.raw({0xBB}).word(1).raw({0xC3}).bytes());
    const Code call = Code{}.set(reg_edx, low).raw({0xFF, 0xD2});
    Code code = call;
    code.store_constant(high + 1, 7);
    code.append(call);
    EXPECT_EQ(run(code.halt()).general[reg_ebx], 7u);
}
TEST_F(A20, RealModeAddressesWrapAtOneMegabyte) {
    CpuState s = CpuBench::flat_state();
    s.cr0 = 0x10;
    for (SegmentState& segment : s.segment)
        segment = {0, 0x93, 0, 0xFFFF};
    s.segment[seg_ds] = {0xFFFF, 0x93, 0xF'FFF0, 0xFFFF};
    s.eip = 0x7000;
    bench.put32(0x500, 0x1111);
    bench.put32(0x10'0500, 0x2222);
    bench.put(0x7000, {0xA1, 0x10, 0x05, 0xF4}); // mov ax, [FFFF:0510]
    for (const bool open : {true, false}) {
        bench.cpu.set_state(s);
        bench.cpu.set_a20(open);
        EXPECT_EQ(bench.run().general[reg_eax] & 0xFFFF, open ? 0x2222u : 0x1111u);
    }
}
TEST_F(A20, StaysAsItIsOverAReset) {
    bench.cpu.set_a20(false);
    bench.cpu.reset();
    CpuState s = CpuBench::flat_state();
    s.eip = code_address;
    bench.cpu.set_state(s);
    EXPECT_EQ(run(Code{}.load(reg_ebx, high).halt()).general[reg_ebx], 1u);
}

// Under paging: linear 8 MB upwards is physical 1 MB, known to the TLB before the gate closes.
class A20Paging : public A20 {
protected:
    static constexpr uint32_t directory = 0x6'0000, table = 0x6'1000;

    A20Paging() {
        for (uint32_t i = 0; i < 2; ++i)
            bench.put32(directory + i * 4, i << 22 | present | writable | large);
        bench.put32(directory + 8, table | present | writable);
        bench.put32(table, high | present | writable);
        CpuState s = bench.cpu.state();
        s.cr0 |= cr0_pg;
        s.cr3 = directory;
        s.cr4 = cr4_pse;
        bench.cpu.set_state(s);
        connect();
    }
};

TEST_F(A20Paging, AppliesToPagesThatTheTlbKnows) {
    Code code;
    code.load(reg_ebx, 0x80'0000).load(reg_esi, high);
    out92(code, 0).load(reg_ecx, 0x80'0000).load(reg_edi, high);
    out92(code, 1).load(reg_edx, 0x80'0000).halt();
    const CpuState s = run(code);
    EXPECT_EQ(s.general[reg_ebx], 2u);
    EXPECT_EQ(s.general[reg_ecx], 1u);
    EXPECT_EQ(s.general[reg_edx], 2u);
    EXPECT_EQ(s.general[reg_esi], 2u) << "through a large page";
    EXPECT_EQ(s.general[reg_edi], 1u);
}
TEST_F(A20Paging, AppliesToTheTablesThemselves) {
    bench.put32(directory + 8, (table + 0x10'0000) | present | writable); // its alias
    Code code;
    out92(code, 0).load(reg_ebx, 0x80'0000).halt();
    EXPECT_EQ(run(code).general[reg_ebx], 1u);
    EXPECT_NE(bench.get32(table) & accessed, 0u);
}
TEST_F(A20Paging, TranslateFollowsTheGate) {
    uint32_t physical = 0;
    bench.cpu.set_a20(false);
    EXPECT_TRUE(bench.cpu.translate(0x80'0010, physical));
    EXPECT_EQ(physical, low + 0x10);
}

} // namespace
} // namespace fixpoint::models
