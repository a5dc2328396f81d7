#include "sim/debug/monitor.hpp"
#include "tests/debug/fake_target.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

using test::FakeTarget;

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(Monitor, HelpNamesTheCommandsAndWrongOnesPointToIt) {
    FakeTarget target;
    const std::string help = run_monitor_command(target, "help");
    for (const char* command : {"registers", "tlb", "pages", "gdt", "idt", "ldt", "tss", "physical", "reset"})
        EXPECT_TRUE(contains(help, command)) << command;
    EXPECT_EQ(run_monitor_command(target, ""), help);
    EXPECT_TRUE(contains(run_monitor_command(target, "registres"), "monitor help"));
}

TEST(Monitor, ResetPressesTheButton) {
    FakeTarget target;
    (void)run_monitor_command(target, "reset");
    EXPECT_EQ(target.resets, 1u);
}

TEST(Monitor, TlbShowsWhatIsCachedWhateverTheTablesSay) {
    FakeTarget target;
    target.tlb = {{false, false, 0x40'0000, 0x5000, true, false, false, false},
                  {true, true, 0xF900'0000, 0x40'0000, false, true, true, true}};
    EXPECT_EQ(run_monitor_command(target, "tlb"),
              "data TLB, 4 KB pages\n"
              "  00400000 -> 00005000 read-only, user\n"
              "data TLB, large pages\n"
              "instruction TLB, 4 KB pages\n"
              "instruction TLB, large pages\n"
              "  f9000000 -> 00400000 writable, supervisor, dirty, global\n");
}

TEST(Monitor, GdtIsNumberedBySelectorAndLeavesOutEmptyEntries) {
    FakeTarget target;
    target.registers.gdtr = {0x1000, 0x1F};
    target.put32(0x1008, 0x0000'FFFF); // flat code
    target.put32(0x100C, 0x00CF'9A00);
    target.put32(0x1018, 0x2000'0067); // a TSS
    target.put32(0x101C, 0x0000'8910);
    EXPECT_EQ(run_monitor_command(target, "gdt"),
              "GDT base 00001000 limit 001f\n"
              "  0008 base 00000000 limit ffffffff DPL 0, 32-bit, code, readable\n"
              "  0018 base 00102000 limit 00000067 DPL 0, 32-bit TSS\n");
}

TEST(Monitor, IdtShowsWhereGatesLead) {
    FakeTarget target;
    target.registers.cr0 = 1;
    target.registers.idtr = {0x1000, 0x7F};
    target.put32(0x1000 + 14 * 8, 0x0008'5678);
    target.put32(0x1004 + 14 * 8, 0x1234'EE00);
    EXPECT_TRUE(contains(run_monitor_command(target, "idt"),
                         "  000e 32-bit interrupt gate, DPL 3, to 0008:12345678\n"));
}

TEST(Monitor, RealModeVectorsAreSegmentAndOffset) {
    FakeTarget target;
    target.registers.idtr = {0, 0x3FF};
    target.put32(0x10 * 4, 0xC000'1234);
    EXPECT_TRUE(contains(run_monitor_command(target, "idt"), "  10 c000:1234\n"));
}

TEST(Monitor, RegistersShowHiddenParts) {
    FakeTarget target;
    target.registers.segment[models::seg_fs] = {0x2B, 0x40F3, 0xB000'0000, 0xFFF};
    target.registers.cr3 = 0x1234'5000;
    const std::string text = run_monitor_command(target, "registers");
    EXPECT_TRUE(
        contains(text, "fs   002b base b0000000 limit 00000fff DPL 3, 32-bit, data, writable, accessed"));
    EXPECT_TRUE(contains(text, "cr3 12345000"));
    EXPECT_TRUE(contains(text, "cycles 1000 instructions 100"));
}

TEST(Monitor, TssStopsAtItsLimit) {
    FakeTarget target;
    target.registers.tr = {0x28, 0x8B, 0x3000, 0x67};
    target.put32(0x3004, 0xF900'1000);
    target.put32(0x3064, 0x0068'0000);
    const std::string text = run_monitor_command(target, "tss");
    EXPECT_TRUE(contains(text, "esp0   f9001000"));
    EXPECT_TRUE(contains(text, "I/O map base 0068, T 0"));
    target.registers.tr.limit = 7;
    EXPECT_TRUE(contains(run_monitor_command(target, "tss"), "ss0 is beyond the limit"));
}

TEST(Monitor, PhysicalMemoryIsDumpedInLinesOf16) {
    FakeTarget target;
    std::memcpy(target.memory.data() + 0x2000, "fixpoint\x01\x02\x03\x04\x05\x06\x07\x08!", 17);
    EXPECT_EQ(run_monitor_command(target, "physical 0x2000 17"),
              "00002000  66 69 78 70 6f 69 6e 74 01 02 03 04 05 06 07 08  fixpoint........\n"
              "00002010  21  !\n");
    EXPECT_TRUE(
        contains(run_monitor_command(target, "physical 0xFFFFFFF0 32"), "not all of it is main memory"));
    EXPECT_TRUE(contains(run_monitor_command(target, "physical 2000"), "expected"));
    EXPECT_TRUE(contains(run_monitor_command(target, "physical zero 4"), "found \"zero\""));
    EXPECT_TRUE(contains(run_monitor_command(target, "physical 0 0"), "expected a length"));
}

} // namespace
} // namespace fixpoint::sim
