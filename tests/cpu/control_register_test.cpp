// Control registers and the instructions around them: what may be written, what comes back, who may do it.
#include "models/cpu/flags.hpp"

#include "tests/cpu/paging_fixture.hpp"

namespace fixpoint::models {
namespace {

constexpr uint32_t pe = 1, mp = 2, em = 4, ts = 8, et = 0x10, nw = 1u << 29, cd = 1u << 30;

class ControlRegisters : public testing::Test {
protected:
    ControlRegisters() { bench.install_tables(); }

    CpuState run(const Code& code) {
        bench.put(CpuBench::code_address, Code{code}.halt().bytes());
        return bench.run();
    }
    void as_user() {
        bench.set_user();
        CpuState s = bench.cpu.state();
        s.segment[seg_ds] = s.segment[seg_ss];
        bench.cpu.set_state(s);
    }
    void expect_exception(const Code& code, int number) {
        run(code);
        EXPECT_EQ(bench.halted_in(), number);
    }
    static Code set_cr(unsigned number, uint32_t value) {
        return Code{}.set(reg_eax, value).to_cr(number, reg_eax);
    }

    CpuBench bench;
};

TEST_F(ControlRegisters, AStateSetFromOutsideHasNoReservedBits) {
    CpuState s = bench.cpu.state();
    s.eflags = 0xFFFF'FFFF & ~eflags::vm;
    s.cr0 |= 0x0FF0'0000;
    s.cr0 &= ~et;
    s.cr4 = 0xFFFF'0000;
    s.debug[6] = 0;
    s.debug[7] = 0xFFFF'FFFF;
    bench.cpu.set_state(s);
    s = bench.cpu.state();
    EXPECT_EQ(s.eflags, (eflags::defined | eflags::always_set) & ~eflags::vm);
    EXPECT_EQ(s.cr0 & (0x0FF0'0000 | et), et);
    EXPECT_EQ(s.cr4, 0u);
    EXPECT_EQ(s.debug[6], 0xFFFF'0FF0u);
    EXPECT_EQ(s.debug[7], 0xFFFF'2FFFu);
}

TEST_F(ControlRegisters, PagingWithoutProtectionIsRefused) {
    expect_exception(set_cr(0, cr0_pg | et), 13);
    EXPECT_EQ(bench.cpu.state().cr0, pe | et);
}
TEST_F(ControlRegisters, NotWriteThroughWithoutCacheDisableIsRefused) {
    expect_exception(set_cr(0, nw | pe | et), 13);
}
TEST_F(ControlRegisters, NotWriteThroughWithCacheDisableIsAccepted) {
    EXPECT_EQ(run(set_cr(0, nw | cd | pe)).cr0, nw | cd | pe | et);
}
TEST_F(ControlRegisters, ReservedBitsOfCr0AreIgnored) {
    const CpuState s = run(set_cr(0, 0x1FFA'FFC0u | pe).from_cr(0, reg_ebx));
    EXPECT_EQ(bench.halted_in(), -1);
    EXPECT_EQ(s.general[reg_ebx], pe | et) << "ET is always 1";
}
TEST_F(ControlRegisters, ReservedBitsOfCr4AreRefused) {
    for (unsigned bit = 11; bit < 32; ++bit) {
        CpuBench fresh;
        fresh.install_tables();
        fresh.put(CpuBench::code_address, set_cr(4, 1u << bit).halt().bytes());
        fresh.run();
        EXPECT_EQ(fresh.halted_in(), 13) << bit;
    }
}
TEST_F(ControlRegisters, Cr2AndCr3KeepWhatIsWritten) {
    const CpuState s = run(set_cr(2, 0x1234'5678)
                               .from_cr(2, reg_esi)
                               .set(reg_eax, 0x0012'3FFF)
                               .to_cr(3, reg_eax)
                               .from_cr(3, reg_edi));
    EXPECT_EQ(s.general[reg_esi], 0x1234'5678u);
    EXPECT_EQ(s.general[reg_edi], 0x0012'3FFFu);
}
TEST_F(ControlRegisters, OthersAreUndefined) {
    for (const unsigned number : {1u, 5u, 6u, 7u})
        for (const bool write : {false, true}) {
            CpuBench fresh;
            fresh.install_tables();
            fresh.put(
                CpuBench::code_address,
                (write ? Code{}.to_cr(number, reg_eax) : Code{}.from_cr(number, reg_eax)).halt().bytes());
            fresh.run();
            EXPECT_EQ(fresh.halted_in(), 6) << number;
        }
}
TEST_F(ControlRegisters, LmswSetsProtectionAndDoesNotClearIt) {
    EXPECT_EQ(run(Code{}.set(reg_eax, mp | em | ts).raw({0x0F, 0x01, 0xF0})).cr0, pe | mp | em | ts | et);
}
TEST_F(ControlRegisters, LmswTouchesTheLowFourBitsOnly) {
    EXPECT_EQ(run(Code{}.set(reg_eax, 0xFFF0).raw({0x0F, 0x01, 0xF0})).cr0, pe | et);
}
TEST_F(ControlRegisters, CltsClearsTaskSwitched) {
    EXPECT_EQ(run(set_cr(0, pe | ts).raw({0x0F, 0x06})).cr0, pe | et);
}

TEST_F(ControlRegisters, PrivilegedInstructionsAreRefusedAtLevelThree) {
    const Code cases[] = {
        Code{}.from_cr(0, reg_eax),
        Code{}.to_cr(0, reg_eax),
        Code{}.from_cr(4, reg_eax),
        Code{}.to_cr(3, reg_eax),
        Code{}.raw({0x0F, 0x01, 0xF0}), // lmsw ax
        Code{}.raw({0x0F, 0x06}),       // clts
        Code{}.raw({0x0F, 0x08}),       // invd
        Code{}.raw({0x0F, 0x09}),       // wbinvd
        Code{}.raw({0x0F, 0x30}),       // wrmsr
        Code{}.raw({0x0F, 0x32}),       // rdmsr
        Code{}.raw({0x0F, 0x33}),       // rdpmc
        Code{}.invlpg(0x5'0000),
        Code{}.raw({0x0F, 0x01, 0x15}).word(0x5'0000), // lgdt
        Code{}.raw({0x0F, 0x01, 0x1D}).word(0x5'0000), // lidt
        Code{}.raw({0x0F, 0x21, 0xC0}),                // mov eax, dr0
        Code{}.raw({0x0F, 0x23, 0xC0}),                // mov dr0, eax
        Code{}.halt(),
    };
    for (const Code& code : cases) {
        CpuBench fresh;
        fresh.install_tables();
        fresh.set_user();
        fresh.put(CpuBench::code_address, code.bytes());
        const CpuState s = fresh.run();
        ASSERT_EQ(fresh.halted_in(), 13);
        EXPECT_EQ(fresh.get32(s.general[reg_esp]), 0u) << "error code";
        EXPECT_EQ(fresh.get32(s.general[reg_esp] + 4), CpuBench::code_address);
    }
}
TEST_F(ControlRegisters, StoringTableRegistersAndTheMachineStatusIsNotPrivileged) {
    as_user();
    const CpuState s = run(Code{}
                               .raw({0x0F, 0x01, 0x05})
                               .word(0x5'0000) // sgdt
                               .raw({0x0F, 0x01, 0x0D})
                               .word(0x5'0010)            // sidt
                               .raw({0x0F, 0x00, 0xCB})   // str ebx
                               .raw({0x0F, 0x00, 0xC1})   // sldt ecx
                               .raw({0x0F, 0x01, 0xE6})); // smsw esi
    ASSERT_EQ(bench.halted_in(), 13) << "the HLT";
    EXPECT_EQ(bench.get32(s.general[reg_esp] + 4), CpuBench::code_address + 23);
    EXPECT_EQ(bench.get32(0x5'0002), CpuBench::gdt_address);
    EXPECT_EQ(bench.get32(0x5'0012), CpuBench::idt_address);
    EXPECT_EQ(s.general[reg_ebx], CpuBench::tss);
    EXPECT_EQ(s.general[reg_esi], pe | et);
}
TEST_F(ControlRegisters, WithA16BitOperandTablesLoad24BitsAndStore32) {
    bench.put32(0x5'0000, 0x1234'007F);
    bench.put32(0x5'0004, 0xAB56);
    // lidt with operand-size prefix; sidt with operand-size prefix; lidt and sidt without
    const CpuState narrow = run(Code{}.raw({0x66, 0x0F, 0x01, 0x1D}).word(0x5'0000));
    EXPECT_EQ(narrow.idtr, (DescriptorTableState{0x0056'1234, 0x7F}));
    CpuState s = CpuBench::flat_state();
    s.idtr = {0xAB56'1234, 0x7F};
    bench.cpu.set_state(s);
    bench.cpu.snoop_write(CpuBench::code_address, 16);
    run(Code{}.raw({0x66, 0x0F, 0x01, 0x0D}).word(0x5'0010));
    EXPECT_EQ(bench.get32(0x5'0012), 0xAB56'1234u);
    EXPECT_EQ(bench.get32(0x5'0010) & 0xFFFF, 0x7Fu);
}
TEST_F(ControlRegisters, TheTimeStampCounterIsForLevelZeroWithTsd) {
    const Code read = Code{}.raw({0x0F, 0x31});
    as_user();
    run(read);
    ASSERT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(bench.get32(bench.cpu.state().general[reg_esp] + 4), CpuBench::code_address + 2) << "the HLT";

    CpuState s = CpuBench::flat_state();
    s.cr4 = 4;
    bench.cpu.set_state(s);
    as_user();
    run(read);
    ASSERT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(bench.get32(bench.cpu.state().general[reg_esp] + 4), CpuBench::code_address);
}

} // namespace
} // namespace fixpoint::models
