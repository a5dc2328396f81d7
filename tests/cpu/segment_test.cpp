// Segment registers and the instructions on selectors: types, levels, order of checks, what is marked accessed
// (SDM vol. 2 at each instruction; vol. 3, chapter 5).
#include "tests/cpu/cpu_bench.hpp"

#include "models/cpu/flags.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

constexpr uint32_t code = CpuBench::code_address, stack_top = CpuBench::stack_top, data = 0x20'0000;

class Segments : public testing::Test {
protected:
    static constexpr uint16_t probe = 0x60, local_table = 0x68;

    Segments() {
        bench.install_tables();
        edit([](CpuState& s) { s.gdtr.limit = 0xFF; });
    }
    void edit(const std::function<void(CpuState&)>& change) {
        CpuState s = bench.cpu.state();
        change(s);
        bench.cpu.set_state(s);
    }
    // `type` with P and DPL; as large as can be.
    void descriptor(unsigned type) {
        const bool expand_down = (type & 0x1C) == 0x14;
        bench.descriptor(probe, expand_down ? 0 : 0x0000'FFFF,
                         (expand_down ? 0x00C0'0000 : 0x00CF'0000) | type << 8);
    }
    unsigned access_byte(uint16_t selector) {
        return bench.get32(CpuBench::gdt_address + selector + 4) >> 8 & 0xFF;
    }
    uint32_t on_stack(unsigned index) { return bench.get32(bench.cpu.state().general[reg_esp] + index * 4); }
    // MOV ES, AX (or another register by ModRM) with `selector`; -1: loaded, else the vector.
    struct Outcome {
        int vector;
        uint32_t error;
        bool operator==(const Outcome&) const = default;
    };
    Outcome load(uint16_t selector, unsigned segment = seg_es, bool as_user = false) {
        CpuState s = CpuBench::flat_state();
        s.gdtr.limit = 0xFF;
        s.ldtr = bench.cpu.state().ldtr;
        s.general[reg_eax] = selector;
        bench.cpu.set_state(s);
        if (as_user)
            bench.set_user();
        bench.code({0x8E, static_cast<uint8_t>(0xC0 | segment << 3), 0x0F, 0x0B});
        bench.run();
        const int vector = bench.halted_in();
        if (vector == 6)
            return {-1, 0};
        EXPECT_EQ(on_stack(1), code);
        return {vector, on_stack(0)};
    }
    // LAR, LSL, VERR, VERW on AX: whether ZF was set, and EDX.
    struct Seen {
        bool zero;
        uint32_t value;
        bool operator==(const Seen&) const = default;
    };
    Seen look(std::initializer_list<uint8_t> instruction, uint16_t selector, bool as_user = false) {
        CpuState s = CpuBench::flat_state();
        s.gdtr.limit = 0xFF;
        s.general[reg_eax] = selector;
        s.general[reg_edx] = 0xDDDD'DDDD;
        bench.cpu.set_state(s);
        if (as_user)
            bench.set_user();
        bench.code(instruction);
        bench.put(code + static_cast<uint32_t>(instruction.size()), {0x0F, 0x0B});
        bench.cpu.snoop_write(code, 16);
        const CpuState end = bench.run();
        EXPECT_EQ(bench.halted_in(), 6);
        return {(on_stack(2) & eflags::zf) != 0, end.general[reg_edx]};
    }
    Seen lar(uint16_t selector, bool as_user = false) { return look({0x0F, 0x02, 0xD0}, selector, as_user); }
    Seen lsl(uint16_t selector, bool as_user = false) { return look({0x0F, 0x03, 0xD0}, selector, as_user); }
    bool verr(uint16_t selector, bool as_user = false) {
        return look({0x0F, 0x00, 0xE0}, selector, as_user).zero;
    }
    bool verw(uint16_t selector, bool as_user = false) {
        return look({0x0F, 0x00, 0xE8}, selector, as_user).zero;
    }

    CpuBench bench;
    const Outcome loaded{-1, 0}, refused{13, probe}, absent{11, probe};
};

// ---- MOV to segment registers

TEST_F(Segments, DataRegistersTakeDataAndReadableCode) {
    for (unsigned type = 0; type < 16; ++type) {
        descriptor(0x90 | type);
        const bool readable = type < 8 || (type & 2) != 0;
        EXPECT_EQ(load(probe), readable ? loaded : refused) << type;
    }
}
TEST_F(Segments, DataRegistersTakeNoSystemSegments) {
    for (unsigned type = 0; type < 16; ++type) {
        descriptor(0x80 | type);
        EXPECT_EQ(load(probe), refused) << type;
    }
}
TEST_F(Segments, TypeIsCheckedBeforePresence) {
    descriptor(0x18);
    EXPECT_EQ(load(probe), refused);
    descriptor(0x12);
    EXPECT_EQ(load(probe), absent);
}
TEST_F(Segments, LevelIsCheckedBeforePresence) {
    descriptor(0x12);
    EXPECT_EQ(load(probe | 3), refused);
    EXPECT_EQ(load(probe | 3, seg_es, true), refused);
}
TEST_F(Segments, ConformingCodeIsOpenToAllLevels) {
    descriptor(0x9E);
    EXPECT_EQ(load(probe | 3, seg_es, true), loaded);
    descriptor(0x9A);
    EXPECT_EQ(load(probe | 3, seg_es, true), refused);
}
TEST_F(Segments, StackTakesWritableDataOfExactlyTheLevel) {
    for (unsigned type = 0; type < 16; ++type) {
        descriptor(0x90 | type);
        EXPECT_EQ(load(probe, seg_ss), type < 8 && (type & 2) != 0 ? loaded : refused) << type;
    }
    descriptor(0xF2);
    EXPECT_EQ(load(probe, seg_ss), refused);
    EXPECT_EQ(load(probe | 3, seg_ss), refused);
    EXPECT_EQ(load(probe | 3, seg_ss, true), loaded);
    EXPECT_EQ(load(probe | 2, seg_ss, true), refused);
}
TEST_F(Segments, AbsentStackIsAStackFault) {
    descriptor(0x12);
    EXPECT_EQ(load(probe, seg_ss), (Outcome{12, probe}));
}
TEST_F(Segments, NullSelectorIsForDataRegistersOnly) {
    EXPECT_EQ(load(3), loaded);
    EXPECT_EQ(load(0, seg_ss), (Outcome{13, 0}));
}
TEST_F(Segments, LocalTableIsItsOwn) {
    EXPECT_EQ(load(probe | 4), (Outcome{13, probe | 4})) << "there is none";
    edit([](CpuState& s) { s.ldtr = {local_table, 0x82, data, 0x0F}; });
    bench.put32(data + 8, 0x0000'FFFF);
    bench.put32(data + 12, 0x00CF'9200);
    EXPECT_EQ(load(0x0C), loaded);
    EXPECT_EQ(load(0x14), (Outcome{13, 0x14})) << "beyond its limit";
}
TEST_F(Segments, LoadingMarksAccessed) {
    descriptor(0x92);
    EXPECT_EQ(load(probe), loaded);
    EXPECT_EQ(access_byte(probe), 0x93u);
}
TEST_F(Segments, RefusedLoadDoesNotMarkAccessed) {
    descriptor(0x12);
    EXPECT_EQ(load(probe), absent);
    EXPECT_EQ(access_byte(probe), 0x12u);
}
TEST_F(Segments, CsAndTheMissingRegistersAreUndefined) {
    for (const unsigned reg : {1u, 6u, 7u}) {
        CpuBench fresh;
        fresh.install_tables();
        fresh.code({0x8E, static_cast<uint8_t>(0xC0 | reg << 3)});
        fresh.run();
        EXPECT_EQ(fresh.halted_in(), 6) << reg;
        if (reg == 1)
            continue;
        CpuBench other;
        other.install_tables();
        other.code({0x8C, static_cast<uint8_t>(0xC0 | reg << 3)});
        other.run();
        EXPECT_EQ(other.halted_in(), 6) << reg;
    }
}
TEST_F(Segments, SelectorIsZeroExtendedIntoARegisterAndAWordInMemory) {
    bench.put32(data, 0xFFFF'FFFF);
    bench.code({0x8C, 0xD8, 0x8C, 0x1D, 0x00, 0x00, 0x20, 0x00, 0xF4}); // mov eax, ds; mov [data], ds
    edit([](CpuState& s) { s.general[reg_eax] = 0xFFFF'FFFF; });
    EXPECT_EQ(bench.run().general[reg_eax], CpuBench::kernel_data);
    EXPECT_EQ(bench.get32(data), 0xFFFF'0000u | CpuBench::kernel_data);
}
TEST_F(Segments, StackSegmentHoldsInterruptsBackForOneInstruction) {
    bench.bus.on_acknowledge = [&] { bench.cpu.set_interrupt_line(false); };
    bench.bus.on_write = [&] { bench.cpu.set_interrupt_line(true); };
    bench.code({0xE6, 0x80, 0xFB, 0x8E, 0xD0, 0x40, 0x40, 0xF4}); // out 80h; sti; mov ss, ax; inc; inc
    edit([](CpuState& s) { s.general[reg_eax] = CpuBench::kernel_data; });
    bench.run();
    ASSERT_EQ(bench.halted_in(), 0x20);
    EXPECT_EQ(on_stack(0), code + 6) << "not behind STI, not behind MOV SS, but behind the INC after it";
}
TEST_F(Segments, FarPointerLoadsBothOrNeither) {
    bench.put32(data, 0x1234'5678);
    bench.put32(data + 4, CpuBench::absent);
    bench.code({0xC4, 0x1D, 0x00, 0x00, 0x20, 0x00}); // les ebx, [data]
    bench.run();
    ASSERT_EQ(bench.halted_in(), 11);
    EXPECT_EQ(bench.cpu.state().general[reg_ebx], 0u);
    EXPECT_EQ(bench.cpu.state().segment[seg_es].selector, CpuBench::kernel_data);
}
TEST_F(Segments, FarPointersNeedMemory) {
    for (const auto& bytes : {std::initializer_list<uint8_t>{0xC4, 0xC0},
                              {0xC5, 0xC0},
                              {0x0F, 0xB2, 0xC0},
                              {0x0F, 0xB4, 0xC0},
                              {0x0F, 0xB5, 0xC0}}) {
        CpuBench fresh;
        fresh.install_tables();
        fresh.code(bytes);
        fresh.run();
        EXPECT_EQ(fresh.halted_in(), 6);
    }
}
TEST_F(Segments, PopOfARefusedSelectorLeavesTheStackPointer) {
    edit([](CpuState& s) { s.general[reg_esp] = stack_top - 4; });
    bench.put32(stack_top - 4, CpuBench::absent);
    bench.code({0x07}); // pop es
    bench.run();
    ASSERT_EQ(bench.halted_in(), 11);
    EXPECT_EQ(bench.cpu.state().general[reg_esp], stack_top - 4 - 16);
}

// ---- LAR, LSL, VERR, VERW, ARPL

TEST_F(Segments, LarSeesTheseSystemTypes) {
    for (unsigned type = 0; type < 16; ++type) {
        descriptor(0x80 | type);
        const bool valid = (0x1A3Eu >> type & 1) != 0; // TSS, LDT, call and task gates
        EXPECT_EQ(lar(probe), (Seen{valid, valid ? 0x00C0'8000 | type << 8 : 0xDDDD'DDDD})) << type;
    }
}
TEST_F(Segments, LslSeesTheseSystemTypes) {
    for (unsigned type = 0; type < 16; ++type) {
        descriptor(0x80 | type);
        const bool valid = (0x0A0Eu >> type & 1) != 0; // TSS and LDT
        EXPECT_EQ(lsl(probe), (Seen{valid, valid ? 0xFFFF'FFFF : 0xDDDD'DDDD})) << type;
    }
}
TEST_F(Segments, LarAndLslRespectLevelsButForConformingCode) {
    descriptor(0x92);
    EXPECT_FALSE(lar(probe, true).zero);
    EXPECT_FALSE(lsl(probe | 3).zero);
    EXPECT_TRUE(lar(probe).zero);
    descriptor(0x9E);
    EXPECT_TRUE(lar(probe | 3, true).zero);
    EXPECT_TRUE(lsl(probe | 3, true).zero);
}
TEST_F(Segments, LarOfAnAbsentSegmentIsValid) {
    descriptor(0x12);
    EXPECT_EQ(lar(probe), (Seen{true, 0x00C0'1200}));
}
TEST_F(Segments, NothingIsSeenThroughNullOrBeyondTheTable) {
    EXPECT_FALSE(lar(0).zero);
    EXPECT_FALSE(lsl(3).zero);
    EXPECT_FALSE(verr(0x100));
    EXPECT_FALSE(verw(0x0C));
}
TEST_F(Segments, LslGivesBytes) {
    EXPECT_EQ(lsl(CpuBench::small_data), (Seen{true, 0xFFF}));
}
TEST_F(Segments, SixteenBitLarAndLslLeaveTheHighHalf) {
    descriptor(0x92);
    EXPECT_EQ(look({0x66, 0x0F, 0x02, 0xD0}, probe), (Seen{true, 0xDDDD'9200}));
    EXPECT_EQ(look({0x66, 0x0F, 0x03, 0xD0}, probe), (Seen{true, 0xDDDD'FFFF}));
}
TEST_F(Segments, VerrAndVerwByType) {
    for (unsigned type = 0; type < 16; ++type) {
        descriptor(0x90 | type);
        EXPECT_EQ(verr(probe), type < 8 || (type & 2) != 0) << type;
        EXPECT_EQ(verw(probe), type < 8 && (type & 2) != 0) << type;
        descriptor(0x80 | type);
        EXPECT_FALSE(verr(probe)) << type;
    }
}
TEST_F(Segments, VerrAndVerwRespectLevels) {
    descriptor(0x92);
    EXPECT_FALSE(verr(probe, true));
    EXPECT_FALSE(verw(probe | 1));
    descriptor(0x9E);
    EXPECT_TRUE(verr(probe | 3, true));
}
TEST_F(Segments, ArplRaisesOnly) {
    bench.code({0x63, 0xD8, 0x63, 0xD8, 0xF4}); // arpl ax, bx, twice
    edit([](CpuState& s) {
        s.general[reg_eax] = 0xFFFF'0011;
        s.general[reg_ebx] = 2;
    });
    const CpuState s = bench.run();
    EXPECT_EQ(s.general[reg_eax], 0xFFFF'0012u);
    EXPECT_EQ(s.eflags & eflags::zf, 0u) << "the second has nothing to raise";
}

// ---- LLDT, LTR, SLDT, STR

class SystemSegments : public Segments {
protected:
    Outcome load_system(uint8_t modrm, uint16_t selector) {
        edit([&](CpuState& s) { s.general[reg_eax] = selector; });
        bench.code({0x0F, 0x00, modrm, 0x0F, 0x0B});
        bench.run();
        const int vector = bench.halted_in();
        return vector == 6 ? Outcome{-1, 0} : Outcome{vector, on_stack(0)};
    }
    Outcome lldt(uint16_t selector) { return load_system(0xD0, selector); }
    Outcome ltr(uint16_t selector) { return load_system(0xD8, selector); }
    void system_descriptor(unsigned type) {
        bench.descriptor(probe, 0x4000'0067, 0x0000'0020 | type << 8); // at 204000
    }
};

TEST_F(SystemSegments, LldtTakesAnLdt) {
    system_descriptor(0x82);
    EXPECT_EQ(lldt(probe), loaded);
    EXPECT_EQ(bench.cpu.state().ldtr, (SegmentState{probe, 0x82, 0x20'4000, 0x67}));
}
TEST_F(SystemSegments, LldtTakesNothingElse) {
    system_descriptor(0x89);
    EXPECT_EQ(lldt(probe), refused);
}
TEST_F(SystemSegments, AbsentLdtIsNotPresent) {
    system_descriptor(0x02);
    EXPECT_EQ(lldt(probe), absent);
}
TEST_F(SystemSegments, LdtIsInTheGlobalTable) {
    system_descriptor(0x82);
    EXPECT_EQ(lldt(probe | 4), (Outcome{13, probe | 4}));
}
TEST_F(SystemSegments, NullLdtIsNone) {
    EXPECT_EQ(lldt(0), loaded);
    EXPECT_EQ(bench.cpu.state().ldtr.attributes, 0u);
}
TEST_F(SystemSegments, LtrTakesAnAvailableTssAndMarksItBusy) {
    system_descriptor(0x89);
    EXPECT_EQ(ltr(probe), loaded);
    EXPECT_EQ(access_byte(probe), 0x8Bu);
    EXPECT_EQ(bench.cpu.state().tr, (SegmentState{probe, 0x8B, 0x20'4000, 0x67}));
}
TEST_F(SystemSegments, LtrTakesA16BitTss) {
    system_descriptor(0x81);
    EXPECT_EQ(ltr(probe), loaded);
    EXPECT_EQ(access_byte(probe), 0x83u);
}
TEST_F(SystemSegments, LtrTakesNoBusyTss) {
    system_descriptor(0x8B);
    EXPECT_EQ(ltr(probe), refused);
}
TEST_F(SystemSegments, LtrTakesNoNull) {
    EXPECT_EQ(ltr(2), (Outcome{13, 0}));
}
TEST_F(SystemSegments, StoringIsForEveryLevel) {
    bench.set_user();
    bench.code({0x0F, 0x00, 0xC0, 0x0F, 0x00, 0xCB, 0x0F, 0x0B}); // sldt eax; str ebx
    edit([](CpuState& s) {
        s.general[reg_eax] = s.general[reg_ebx] = 0xFFFF'FFFF;
        s.ldtr.selector = 0x68;
    });
    const CpuState s = bench.run();
    EXPECT_EQ(s.general[reg_eax], 0x68u);
    EXPECT_EQ(s.general[reg_ebx], CpuBench::tss);
}

// ---- Limits

TEST_F(Segments, ExpandDownWithoutBigEndsAt64K) {
    bench.descriptor(probe, 0x0000'0FFF, 0x0000'9700);
    bench.code({0x8E, 0xD8, 0xA0, 0xFF, 0xFF, 0x00, 0x00, 0xA0, 0x00, 0x00, 0x01, 0x00});
    edit([](CpuState& s) { s.general[reg_eax] = probe; });
    bench.run();
    ASSERT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(on_stack(1), code + 7);
}
TEST_F(Segments, CodeIsNeverWritten) {
    bench.code({0x2E, 0xA2, 0x00, 0x00, 0x20, 0x00}); // mov cs:[data], al
    bench.run();
    EXPECT_EQ(bench.halted_in(), 13);
}
TEST_F(Segments, LastSegmentPrefixWins) {
    bench.put32(data, 0x55);
    edit([](CpuState& s) { s.segment[seg_fs] = {}; });
    bench.code({0x64, 0x3E, 0xA0, 0x00, 0x00, 0x20, 0x00, 0x3E, 0x64, 0xA0, 0x00, 0x00, 0x20, 0x00});
    bench.run();
    ASSERT_EQ(bench.halted_in(), 13);
    EXPECT_EQ(on_stack(1), code + 7);
    EXPECT_EQ(bench.cpu.state().general[reg_eax], 0x55u);
}

} // namespace
} // namespace fixpoint::models
