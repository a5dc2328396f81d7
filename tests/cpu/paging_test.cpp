// Address translation: faults and their error codes, accessed and dirty bits, accesses across pages, implicit
// supervisor accesses.
#include "tests/cpu/paging_fixture.hpp"

namespace fixpoint::models {
namespace {

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

// ---- Accesses across pages

class PagingWidths : public Paging, public testing::WithParamInterface<std::tuple<unsigned, unsigned>> {
protected:
    // mov to or from [address], 2 or 4 bytes
    void access(bool write, uint32_t address) {
        Code code;
        if (std::get<0>(GetParam()) == 2)
            code.raw({0x66});
        place(code.raw({static_cast<uint8_t>(write ? 0xA3 : 0xA1)}).word(address).halt());
    }
    // The last address before the boundary behind `page` at which an access of this width crosses.
    [[nodiscard]] uint32_t crossing() const { return page + 0x1000 - std::get<1>(GetParam()); }
};

TEST_P(PagingWidths, AnAbsentSecondPageFaultsWithItsOwnAddress) {
    for (const bool write : {false, true}) {
        bench.put32(entry + 4, 0);
        access(write, crossing());
        change([](CpuState& s) {
            s = CpuBench::flat_state();
            s.cr0 |= cr0_pg;
            s.cr3 = directory;
        });
        bench.cpu.snoop_write(CpuBench::code_address, 16);
        expect_fault(write ? 2 : 0, page + 0x1000);
    }
}
TEST_P(PagingWidths, AnAbsentFirstPageFaultsWithTheAccessesAddress) {
    bench.put32(entry, 0);
    access(false, crossing());
    expect_fault(0, crossing());
}
TEST_P(PagingWidths, AReadOnlySecondPageStopsTheWholeWrite) {
    bench.put32(entry + 4, 0x31'0000 | present | user);
    bench.put32(frame + 0xFFC, 0xAAAA'AAAA);
    bench.put32(0x31'0000, 0xBBBB'BBBB);
    access(true, crossing());
    expect_fault(3, page + 0x1000);
    EXPECT_EQ(bench.get32(frame + 0xFFC), 0xAAAA'AAAAu);
    EXPECT_EQ(bench.get32(0x31'0000), 0xBBBB'BBBBu);
}
TEST_P(PagingWidths, BothFramesGetTheirPart) {
    bench.put32(entry + 4, 0x31'0000 | present | writable | user);
    access(true, crossing());
    change([](CpuState& s) { s.general[reg_eax] = 0x4433'2211; });
    bench.run();
    expect_no_fault();
    for (unsigned i = 0; i < std::get<0>(GetParam()); ++i) {
        const uint32_t linear = crossing() + i;
        const uint32_t physical =
            linear < page + 0x1000 ? linear - page + frame : linear - page - 0x1000 + 0x31'0000;
        EXPECT_EQ(bench.memory.data()[physical], 0x11 * (i + 1));
    }
}
// Width and how many of the bytes are in the first page.
INSTANTIATE_TEST_SUITE_P(Crossings, PagingWidths,
                         testing::Values(std::tuple{2u, 1u}, std::tuple{4u, 1u}, std::tuple{4u, 2u},
                                         std::tuple{4u, 3u}));

TEST_F(Paging, TheLimitOfTheCodeSegmentComesBeforeAnAbsentSecondPageOfAnInstruction) {
    bench.put32(entry + 4, 0);
    bench.put(frame + 0xFFF, {0x0F}); // and more behind the boundary
    const CpuState start = bench.cpu.state();
    for (const uint32_t limit : {page + 0xFFF, page + 0x1000}) {
        CpuState s = start;
        s.eip = page + 0xFFF;
        s.segment[seg_cs].limit = limit;
        bench.cpu.set_state(s);
        bench.run();
        EXPECT_EQ(bench.halted_in(), limit == page + 0xFFF ? 13 : 14);
    }
}
TEST_F(Paging, LoadingAFarPointerIntoARegisterIsUndefinedBeforeAnAbsentPageBehindIt) {
    bench.put32(entry + 4, 0);
    bench.put(frame + 0xFFE, {0xC4, 0xC0}); // on later processors the beginning of a VEX prefix
    CpuState s = bench.cpu.state();
    s.eip = page + 0xFFE;
    bench.cpu.set_state(s);
    bench.run();
    EXPECT_EQ(bench.halted_in(), 6);
}

TEST_F(Paging, CompareExchange8AcrossPagesFaultsBeforeWriting) {
    bench.put32(entry + 4, 0);
    bench.put32(frame + 0xFFC, 0x1111'1111);
    place(Code{}.raw({0x0F, 0xC7, 0x0D}).word(page + 0xFFC).halt()); // cmpxchg8b [page + 0xFFC]
    expect_fault(2, page + 0x1000);
    EXPECT_EQ(bench.get32(frame + 0xFFC), 0x1111'1111u);
}
TEST_F(Paging, StoreOfATableRegisterAcrossPagesFaultsBeforeWriting) {
    bench.put32(entry + 4, 0);
    bench.put32(frame + 0xFFC, 0x1111'1111);
    place(Code{}.raw({0x0F, 0x01, 0x05}).word(page + 0xFFC).halt()); // sgdt [page + 0xFFC]
    expect_fault(2, page + 0x1000);
    EXPECT_EQ(bench.get32(frame + 0xFFC), 0x1111'1111u);
}

// ---- Reading and writing in one instruction

TEST_F(Paging, ReadModifyWriteOfAReadOnlyPageFaultsAsWrite) {
    bench.put32(entry, frame | present | user);
    place(Code{}.raw({0x01, 0x05}).word(page).halt()); // add [page], eax
    expect_fault(3, page);
    EXPECT_EQ(bench.get32(entry) & (accessed | dirty), 0u);
}
TEST_F(Paging, CompareExchangeWritesAlsoWhereItDoesNotExchange) {
    bench.put32(entry, frame | present | user);
    bench.put32(frame, 1);
    place(Code{}.raw({0x0F, 0xB1, 0x0D}).word(page).halt()); // cmpxchg [page], ecx: EAX is 0
    expect_fault(3, page);
}
TEST_F(Paging, BitTestReadsAndBitTestAndSetWrites) {
    bench.put32(entry, frame | present | user);
    const Code test = Code{}.raw({0x0F, 0xBA, 0x25}).word(page).raw({0}); // bt dword [page], 0
    place(Code{test}.raw({0x0F, 0xBA, 0x2D}).word(page).raw({0}).halt()); // bts dword [page], 0
    const CpuState s = bench.run();
    ASSERT_EQ(bench.halted_in(), 14);
    EXPECT_EQ(error_code(), 3u);
    EXPECT_EQ(bench.get32(s.general[reg_esp] + 4), CpuBench::code_address + test.size());
}

// ---- Privilege

TEST_F(Paging, UserFetchOfASupervisorPageFaults) {
    bench.put32(entry, frame | present | writable);
    bench.set_user();
    bench.code({0xE9, 0xFB, 0x2F, 0x30, 0x00}); // jmp page
    const CpuState s = bench.run();
    ASSERT_EQ(bench.halted_in(), 14);
    EXPECT_EQ(error_code(), 5u);
    EXPECT_EQ(s.cr2, page);
}
TEST_F(Paging, TablesAndInnerStacksAreAccessedAsSupervisorFromUserCode) {
    for (const uint32_t address :
         {CpuBench::gdt_address, CpuBench::idt_address, CpuBench::tss_address, CpuBench::kernel_stack - 4})
        bench.put32(table + (address >> 12) * 4, (address & ~0xFFFu) | present | writable);
    bench.set_user();
    // mov ds, ax with the user's data selector; hlt, which is a #GP
    run(Code{}.set(reg_eax, CpuBench::user_data).raw({0x8E, 0xD8}).halt());
    EXPECT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(bench.cpu.counters().exceptions, 1u);
}
TEST_F(Paging, FaultOfADescriptorTableAccessIsTheSupervisors) {
    bench.put32(entry, 0);
    bench.set_user();
    change([](CpuState& s) { s.ldtr = {0x30, 0x82, page, 0xFF}; });
    place(Code{}.set(reg_eax, 0xF).raw({0x8E, 0xD8}).halt()); // mov ds, ax: the second entry of the LDT
    const CpuState s = bench.run();
    ASSERT_EQ(bench.halted_in(), 14);
    EXPECT_EQ(error_code(), 0u) << "a supervisor read";
    EXPECT_EQ(s.cr2, page + 8);
}
TEST_F(Paging, RightsOfBothLevelsCombine) {
    struct Case {
        uint32_t upper, lower, error; // error 0: permitted
    };
    constexpr uint32_t both = writable | user;
    for (const Case& c :
         {Case{both, both, 0}, Case{user, both, 7}, Case{both, user, 7}, Case{writable, both, 7},
          Case{both, writable, 7}, Case{writable, user, 7}, Case{user, writable, 7}}) {
        SCOPED_TRACE(testing::Message() << c.upper << ' ' << c.lower);
        bench.put32(directory + 4, second_table | present | c.upper);
        bench.put32(entry, frame | present | c.lower);
        change([](CpuState& s) {
            s.eip = CpuBench::code_address;
            s.general[reg_esp] = CpuBench::stack_top;
            s.halted = false;
        });
        bench.set_user();
        write_page();
        bench.run();
        ASSERT_EQ(bench.halted_in(), c.error != 0 ? 14 : 13) << "HLT is a #GP";
        if (c.error != 0) {
            EXPECT_EQ(error_code(), c.error);
        }
    }
}

// ---- Tables and pages where no memory is

TEST_F(Paging, ATableBeyondMemoryReadsAsAllOnes) {
    bench.bus.mmio_value = ~0u;
    bench.put32(directory + 8,
                0x7000'0000 | present | writable | user); // entries 0xFFFFFFFF: page 0xFFFFF000
    EXPECT_EQ(run(Code{}.load(reg_eax, 0x0080'0010).halt()).general[reg_eax], ~0u);
    expect_no_fault();
    EXPECT_EQ(bench.bus.mmio_reads.back(), (std::pair{0xFFFF'F010u, 4u}));
}
TEST_F(Paging, ADirectoryBeyondMemoryHasLargePagesWithReservedBits) {
    bench.bus.mmio_value = ~0u;
    change([](CpuState& s) { s.cr3 = 0x7000'0000; });
    bench.run();
    EXPECT_EQ(bench.stop, Cpu::Stop::triple_fault) << "the first fetch faults, and so does the handler's";
}
TEST_F(Paging, APageBeyondMemoryReadsAsTheBusAnswers) {
    bench.put32(entry, 0x7000'0000 | present | writable | user);
    bench.bus.mmio_value = 0x1234'5678;
    EXPECT_EQ(run(Code{}.load(reg_eax, page + 8).store(page + 12, reg_eax).halt()).general[reg_eax],
              0x1234'5678u);
    expect_no_fault();
    EXPECT_EQ(bench.bus.mmio_writes.back().address, 0x7000'000Cu);
    EXPECT_EQ(bench.get32(entry) & (accessed | dirty), accessed | dirty);
}

// ---- Instructions that push several values: the page that is missed first is the one they come to first

class PagedStack : public Paging {
protected:
    // A user's stack that begins 8 bytes above `page`, where nothing is present.
    PagedStack() {
        bench.set_user();
        CpuState s = bench.cpu.state();
        s.general[reg_esp] = page + 8;
        s.general[reg_ebp] = 0x1'0000;
        bench.cpu.set_state(s);
        bench.put32(entry, 0);
        bench.put32(entry - 4, 0);
    }
};

TEST_F(PagedStack, PushaMissesItsFirstPageFirst) {
    bench.code({0x60});
    expect_fault(6, page + 4);
}
TEST_F(PagedStack, EnterMissesThePushedFramePointersPageFirst) {
    bench.code({0xC8, 0x00, 0x08, 0x00});
    expect_fault(6, page + 4);
}
TEST_F(PagedStack, EnterReadsAFramePointerBeforeItPushesIt) {
    bench.put32(entry, frame | present | writable | user);
    CpuState s = bench.cpu.state();
    s.general[reg_esp] = page + 4;
    s.general[reg_ebp] = page + 0x1000 + 4;
    bench.cpu.set_state(s);
    bench.code({0xC8, 0x00, 0x00, 0x02});
    expect_fault(4, page + 0x1000);
}
TEST_F(PagedStack, EnterMissesTheFramesEndLast) {
    bench.put32(entry, frame | present | writable | user);
    bench.code({0xC8, 0x04, 0x00, 0x01});
    expect_fault(6, page - 4);
}

} // namespace
} // namespace fixpoint::models
