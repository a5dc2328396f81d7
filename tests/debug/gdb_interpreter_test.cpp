// The protocol's commands, each over a target that stands still.
#include "sim/debug/gdb_interpreter.hpp"

#include "sim/debug/gdb_registers.hpp"
#include "sim/debug/packet.hpp"
#include "tests/debug/fake_target.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

using test::FakeTarget;

class Interpreter : public testing::Test {
protected:
    Interpreter()
        : interpreter(target, points, [this](std::string_view content) { sent.emplace_back(content); }) {}

    // What a command that does not let the machine go answers last.
    std::string ask(std::string_view packet) {
        sent.clear();
        EXPECT_EQ(interpreter.handle(packet), GdbAction::stay) << packet;
        return sent.empty() ? "nothing was sent" : sent.back();
    }
    std::string stop_reply(StopCause cause, uint32_t hit = 0) {
        interpreter.stopped(cause, hit);
        return ask("?");
    }

    FakeTarget target;
    StopPoints points;
    std::vector<std::string> sent;
    GdbInterpreter interpreter;
};

TEST_F(Interpreter, AnswersUnknownPacketsWithAnEmptyOne) {
    for (const char* packet :
         {"vMustReplyEmpty", "qTStatus", "!", "bc", "QNonStop:1", "", "vFile:open:1", "Z5,0,1"})
        EXPECT_EQ(ask(packet), "") << packet;
}

TEST_F(Interpreter, TellsWhatItSupports) {
    const std::string features = ask("qSupported:multiprocess+;swbreak+;hwbreak+");
    for (const char* feature : {"PacketSize=8000", "qXfer:features:read+", "swbreak+", "hwbreak+",
                                "vContSupported+", "QStartNoAckMode+"})
        EXPECT_NE(features.find(feature), std::string::npos) << feature;
}

TEST_F(Interpreter, AcknowledgesUpToTheAnswerThatEndsIt) {
    EXPECT_EQ(ask("QStartNoAckMode"), "OK");
    EXPECT_TRUE(interpreter.acknowledges());
    EXPECT_EQ(ask("qAttached"), "1");
    EXPECT_FALSE(interpreter.acknowledges());
    interpreter.reset();
    EXPECT_TRUE(interpreter.acknowledges());
}

TEST_F(Interpreter, GivesItsDescriptionInPieces) {
    const std::string& whole = gdb_target_description();
    std::string document;
    std::string piece;
    do {
        char request[64];
        std::snprintf(request, sizeof request, "qXfer:features:read:target.xml:%zx,100", document.size());
        piece = ask(request);
        ASSERT_TRUE(piece.starts_with('m') || piece.starts_with('l')) << piece;
        PacketReader reader; // undoes the escapes
        reader.feed(frame_packet(piece));
        document += reader.next()->content.substr(1);
    } while (piece[0] == 'm');
    EXPECT_EQ(document, whole);
    EXPECT_EQ(ask("qXfer:features:read:other.xml:0,100"), "E00");
    EXPECT_EQ(ask("qXfer:features:read:target.xml:fffff,100"), "E01");
}

TEST_F(Interpreter, HasOneThread) {
    EXPECT_EQ(ask("qfThreadInfo"), "m1");
    EXPECT_EQ(ask("qsThreadInfo"), "l");
    EXPECT_EQ(ask("qC"), "QC1");
    EXPECT_EQ(ask("Hg0"), "OK");
    EXPECT_EQ(ask("Hc-1"), "OK");
    EXPECT_EQ(ask("Hg2"), "E01");
    EXPECT_EQ(ask("T1"), "OK");
    EXPECT_EQ(ask("T2"), "E01");
    target.registers.halted = true;
    const auto extra = from_hex(ask("qThreadExtraInfo,1"));
    ASSERT_TRUE(extra);
    EXPECT_EQ(std::string(extra->begin(), extra->end()), "CPU, ring 0, halted");
}

TEST_F(Interpreter, ReadsRegistersInGdbsOrder) {
    target.registers.general = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
    target.registers.eip = 0xF900'0010;
    target.registers.segment[models::seg_cs].selector = 0x1B;
    target.registers.cr3 = 0x0012'3000;
    const std::string all = ask("g");
    EXPECT_TRUE(all.starts_with("11000000220000003300000044000000550000006600000077000000880000001000"
                                "00f9020000001b000000"))
        << all;
    EXPECT_EQ(ask("p0"), "11000000");
    EXPECT_EQ(ask("p8"), "100000f9");
    EXPECT_EQ(ask("pa"), "1b000000");
    char packet[16];
    std::snprintf(packet, sizeof packet, "p%x", *gdb_register_number("cr3"));
    EXPECT_EQ(ask(packet), "00301200");
    EXPECT_EQ(ask("pff"), "E02");
}

TEST_F(Interpreter, WritesOneRegister) {
    EXPECT_EQ(ask("P0=78563412"), "OK");
    EXPECT_EQ(target.registers.general[models::reg_eax], 0x1234'5678u);
    EXPECT_EQ(ask("P0=7856"), "E02") << "too short";
    EXPECT_EQ(ask("Pff=00000000"), "E02");
    EXPECT_EQ(ask("P0"), "E01");
}

TEST_F(Interpreter, FloatingPointRegistersAreThoseOfTheStack) {
    target.registers.x87.finit();
    target.registers.x87.push({0x8000'0000'0000'0000, 0x3FFF}); // 1.0
    target.registers.x87.push({0xC000'0000'0000'0000, 0xC000}); // -3.0
    EXPECT_EQ(ask("p10"), "00000000000000c000c0") << "st0";
    EXPECT_EQ(ask("p11"), "0000000000000080ff3f") << "st1";
    EXPECT_EQ(ask("p18"), "7f030000") << "fctrl";
    EXPECT_EQ(ask("p19"), "00300000") << "fstat: TOP is 6";
    EXPECT_EQ(ask("p1a"), "ff0f0000") << "ftag: R6 and R7 are valid";
    EXPECT_EQ(ask("P11=0000000000000080fe3f"), "OK");
    EXPECT_EQ(target.registers.x87.st(1).sign_exponent, 0x3FFE);
    EXPECT_EQ(ask("P18=7f020000"), "OK");
    EXPECT_EQ(target.registers.x87.control, 0x027F);
    EXPECT_EQ(ask("P1f=ff070000"), "OK");
    EXPECT_EQ(target.registers.x87.opcode, 0x07FF);
}

TEST_F(Interpreter, WritingEipWakesTheProcessor) {
    target.registers.halted = true;
    EXPECT_EQ(ask("P8=00100000"), "OK");
    EXPECT_EQ(target.registers.eip, 0x1000u);
    EXPECT_FALSE(target.registers.halted);
}

TEST_F(Interpreter, WritingAllRegistersBackChangesNothing) {
    target.registers.segment[models::seg_ds] = {0x23, 0xC0F3, 0, ~0u};
    const std::string all = ask("g");
    EXPECT_EQ(ask("G" + all), "OK");
    EXPECT_EQ(target.states_set, 0u) << "setting the state flushes the TLBs";
    EXPECT_EQ(ask("G"
                  "aa000000" +
                  all.substr(8)),
              "OK");
    EXPECT_EQ(target.registers.general[models::reg_eax], 0xAAu);
}

TEST_F(Interpreter, ASegmentRegistersHiddenPartFollowsItsSelector) {
    EXPECT_EQ(ask("Pc=00b80100"), "E02") << "in no mode has a selector more than 16 bits";
    EXPECT_EQ(ask("Pc=00b80000"), "OK");
    EXPECT_EQ(target.registers.segment[models::seg_ds].base, 0xB'8000u) << "real mode";
    target.registers.cr0 = 1;
    target.registers.gdtr = {0x1000, 0x1F};
    target.put32(0x1010, 0x4000'0FFF);
    target.put32(0x1014, 0x1240'92B0);
    EXPECT_EQ(ask("Pc=10000000"), "OK");
    EXPECT_EQ(target.registers.segment[models::seg_ds],
              (models::SegmentState{0x10, 0x4092, 0x12B0'4000, 0xFFF}));
    EXPECT_EQ(ask("Pc=18000000"), "E02") << "an empty descriptor";
    EXPECT_EQ(ask("Pc=20000000"), "E02") << "beyond the table";
    EXPECT_EQ(target.registers.segment[models::seg_ds].selector, 0x10);
}

TEST_F(Interpreter, ReadsMemoryByLinearAddress) {
    target.pages = {{0x40'0000, 0x5000}, {0x40'1000, 0x3000}};
    target.put32(0x5FFC, 0x4433'2211);
    target.put32(0x3000, 0x8877'6655);
    EXPECT_EQ(ask("m400ffc,8"), "1122334455667788") << "across two pages that are not neighbours in memory";
    EXPECT_EQ(ask("m401ffc,8"), "00000000") << "as much as is mapped";
    EXPECT_EQ(ask("m402000,4"), "E14");
    EXPECT_EQ(ask("m402000"), "E01");
}

TEST_F(Interpreter, MemoryOfDevicesAndNobodysCannotBeRead) {
    EXPECT_EQ(ask("mfee00000,4"), "E14");
}

TEST_F(Interpreter, WritesMemoryWholeOrNotAtAll) {
    target.pages = {{0x40'0000, 0x5000}};
    EXPECT_EQ(ask("M400010,4:01020304"), "OK");
    EXPECT_EQ(target.memory[0x5012], 3);
    EXPECT_EQ(ask("M400ffe,4:01020304"), "E14");
    EXPECT_EQ(target.memory[0x5FFE], 0);
    EXPECT_EQ(ask("M400010,4:0102"), "E01");
    EXPECT_EQ(ask(std::string_view("X400020,3:\x00\xFF$", 13)), "OK");
    EXPECT_EQ(target.memory[0x5021], 0xFF);
    EXPECT_EQ(target.memory[0x5022], '$');
    EXPECT_EQ(ask("X400020,0:"), "OK") << "how gdb asks whether there is X";
    target.pages = {{0x40'0000, 0x5000}, {0x40'1000, 0x1000}};
    target.rom_end = 0x2000;
    EXPECT_EQ(ask("m400fff,2"), "0000");
    EXPECT_EQ(ask("M400fff,2:0102"), "E14") << "the second page cannot be written";
    EXPECT_EQ(target.memory[0x5FFF], 0);
}

TEST_F(Interpreter, ContinuesAndStepsInEverySpelling) {
    EXPECT_EQ(ask("vCont?"), "vCont;c;C;s;S;r");
    for (const char* packet : {"c", "C05", "vCont;c", "vCont;C05:1", "vCont;c:-1", "vCont;s:2;c"}) {
        EXPECT_EQ(interpreter.handle(packet), GdbAction::resume) << packet;
        EXPECT_FALSE(points.any_before_instructions()) << packet;
    }
    for (const char* packet : {"s", "S05", "vCont;s:1", "vCont;S05:1;c"}) {
        EXPECT_EQ(interpreter.handle(packet), GdbAction::resume) << packet;
        EXPECT_TRUE(points.stops_before(0)) << packet;
        points.end_step();
    }
    EXPECT_EQ(interpreter.handle("vCont;r1000,1010:1;c"), GdbAction::resume);
    EXPECT_FALSE(points.stops_before(0x1008));
    EXPECT_TRUE(points.stops_before(0x1010));
    target.registers.segment[models::seg_cs].base = 0x2'0000;
    EXPECT_EQ(interpreter.handle("vCont;r1000,1010:1;c"), GdbAction::resume);
    EXPECT_FALSE(points.stops_before(0x2'1008)) << "gdb counts by EIP";
    EXPECT_TRUE(points.stops_before(0x1008));
    EXPECT_EQ(ask("vCont;x"), "E01");
    EXPECT_EQ(ask("vCont;r1000"), "E01");
    EXPECT_EQ(ask("vCont;c:2"), "E01") << "no such thread";
}

TEST_F(Interpreter, ContinuesElsewhereOnRequest) {
    EXPECT_EQ(interpreter.handle("c1234"), GdbAction::resume);
    EXPECT_EQ(target.registers.eip, 0x1234u);
    EXPECT_EQ(interpreter.handle("S05;5678"), GdbAction::resume);
    EXPECT_EQ(target.registers.eip, 0x5678u);
}

TEST_F(Interpreter, BreakpointsDoNotTouchMemory) {
    const auto before = target.memory;
    EXPECT_EQ(ask("Z0,1000,1"), "OK");
    EXPECT_EQ(ask("Z1,2000,1"), "OK");
    EXPECT_TRUE(points.stops_before(0x1000));
    EXPECT_TRUE(points.stops_before(0x2000));
    EXPECT_EQ(target.memory, before);
    EXPECT_EQ(ask("z0,1000,1"), "OK");
    EXPECT_EQ(ask("z1,2000,1"), "OK");
    EXPECT_FALSE(points.any_before_instructions());
}

TEST_F(Interpreter, WatchpointsGoToTheProcessor) {
    EXPECT_EQ(ask("Z2,1000,4"), "OK");
    EXPECT_EQ(ask("Z4,2000,2"), "OK");
    ASSERT_EQ(target.watchpoints.size(), 2u);
    EXPECT_EQ(target.watchpoints[0].linear, 0x1000u);
    EXPECT_FALSE(target.watchpoints[0].reads);
    EXPECT_TRUE(target.watchpoints[1].reads);
    EXPECT_EQ(ask("z2,1000,4"), "OK");
    EXPECT_EQ(target.watchpoints.size(), 1u);
    EXPECT_EQ(ask("Z2,ffffffff,2"), "E14") << "around the end of the address space";
    EXPECT_EQ(ask("Z2,1000,0"), "E14");
    EXPECT_EQ(ask("Z2,1000"), "E01");
}

TEST_F(Interpreter, StopRepliesSayWhy) {
    target.registers.eip = 0x1000;
    (void)ask("Z0,1000,1");
    (void)ask("Z3,2000,4");
    EXPECT_TRUE(stop_reply(StopCause::attached).starts_with("T0505:"));
    EXPECT_TRUE(stop_reply(StopCause::interrupted).starts_with("T02"));
    EXPECT_TRUE(stop_reply(StopCause::before_instruction).starts_with("T05swbreak:;"));
    EXPECT_TRUE(stop_reply(StopCause::watchpoint, 0x2003).starts_with("T05rwatch:2000;"));
    EXPECT_TRUE(stop_reply(StopCause::triple_fault).starts_with("T06"));
    EXPECT_NE(stop_reply(StopCause::attached).find("08:00100000;thread:1;"), std::string::npos);
    target.registers.eip = 0x1001;
    EXPECT_TRUE(stop_reply(StopCause::before_instruction).starts_with("T0505:")) << "a step's end";
}

TEST_F(Interpreter, ABreakpointInASegmentWithABaseIsAPlainTrap) {
    (void)ask("Z1,10010,1");
    target.registers.segment[models::seg_cs].base = 0x1'0000;
    target.registers.eip = 0x10;
    EXPECT_TRUE(stop_reply(StopCause::before_instruction).starts_with("T0505:"));
}

TEST_F(Interpreter, MonitorOutputIsCutIntoPackets) {
    target.registers.idtr = {0, 0xFFFF}; // 256 lines
    EXPECT_EQ(ask("qRcmd," + to_hex(std::string_view("physical 0 65536"))), "OK");
    ASSERT_GT(sent.size(), 2u);
    for (size_t i = 0; i + 1 < sent.size(); ++i) {
        EXPECT_EQ(sent[i][0], 'O');
        EXPECT_LE(sent[i].size(), PacketReader::longest_packet);
    }
    EXPECT_EQ(ask("qRcmd,6g"), "E01");
}

TEST_F(Interpreter, DetachesAndKills) {
    EXPECT_EQ(interpreter.handle("D"), GdbAction::detach);
    EXPECT_EQ(sent.back(), "OK");
    EXPECT_EQ(interpreter.handle("k"), GdbAction::kill);
    EXPECT_EQ(interpreter.handle("vKill;1"), GdbAction::kill);
}

TEST_F(Interpreter, ReportsTheExitStatus) {
    interpreter.report_exit(0x21);
    EXPECT_EQ(sent.back(), "W21");
}

TEST_F(Interpreter, NoPacketOfRandomBytesBreaksIt) {
    std::uint64_t seed = 42; // xorshift
    const std::string_view starts = "?HTgGpPmMXcCsSZzDkqQv";
    for (int i = 0; i < 20'000; ++i) {
        std::string packet;
        const auto next = [&seed] {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            return seed;
        };
        packet += starts[next() % starts.size()];
        for (std::uint64_t length = next() % 24; length > 0; --length) {
            constexpr std::string_view alphabet = "0123456789abcdef,;:=-+\x00\xFF";
            packet += alphabet[next() % alphabet.size()];
        }
        sent.clear();
        const GdbAction action = interpreter.handle(packet);
        EXPECT_TRUE(action != GdbAction::stay || !sent.empty()) << packet;
    }
}

} // namespace
} // namespace fixpoint::sim
