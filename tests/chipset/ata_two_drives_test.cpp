#include "tests/chipset/ide_fixtures.hpp"

namespace fixpoint::models {
namespace {

class AtaTwoDrives : public test::IdeTest {
protected:
    AtaTwoDrives() : IdeTest{AtaErrors::drive, 0b1111} {}
    void use(unsigned unit) {
        channel = unit / 2;
        device = unit % 2;
    }
};

TEST_F(AtaTwoDrives, AreSelectedByTheDeviceRegister) {
    for (unsigned unit = 0; unit < 4; ++unit) {
        use(unit);
        EXPECT_EQ(identify()[60], size_of(unit));
        EXPECT_EQ(reg(6), 0xE0u | device << 4);
    }
}

TEST_F(AtaTwoDrives, HaveDifferentSerialNumbersAndPlaces) {
    for (unsigned unit = 0; unit < 4; ++unit) {
        use(unit);
        const auto words = identify();
        EXPECT_EQ(words[15], ('0' << 8) | static_cast<int>('1' + unit));
        EXPECT_EQ(words[93], device == 0 ? 0x6001 : 0x6100);
    }
}

TEST_F(AtaTwoDrives, ShareTaskFileWrites) {
    select();
    set_reg(2, 0x12);
    set_reg(3, 0x34);
    device = 1;
    select();
    EXPECT_EQ(reg(2), 0x12u);
    EXPECT_EQ(reg(3), 0x34u);
    use(2);
    EXPECT_EQ(reg(3), 0x01u); // the other channel has its own
}

TEST_F(AtaTwoDrives, OnlyTheSelectedOneExecutes) {
    device = 1;
    command(0x30, 7, 1);
    put_words(words_a_sector, 0x5555);
    settle();
    EXPECT_EQ(on_medium(7, 1), filled(0x55));
    for (const unsigned other : {0u, 2u, 3u})
        EXPECT_EQ(on_medium(7, other), filled(0));
}

TEST_F(AtaTwoDrives, HaveTheirOwnSettingsAndErrors) {
    command(0xC6, 0, 8);
    command(0xFF);
    device = 1;
    select();
    EXPECT_EQ(status(), 0x50u);
    EXPECT_EQ(reg(1), 0x01u);
    EXPECT_EQ(identify()[59], 0);
    device = 0;
    EXPECT_EQ(identify()[59], 0x0108);
}

TEST_F(AtaTwoDrives, InterruptOnTheirChannelsLines) {
    for (unsigned unit = 0; unit < 4; ++unit) {
        use(unit);
        interrupts_of = {};
        command(0xE5);
        EXPECT_EQ(interrupts_of[channel], 1);
        EXPECT_EQ(interrupts_of[1 - channel], 0);
        reg(7);
    }
}

TEST_F(AtaTwoDrives, TheLineIsTheSelectedDrivesRequest) {
    command(0xE5); // device 0 requests
    EXPECT_TRUE(ide.interrupt(0).level());
    device = 1;
    select();
    EXPECT_FALSE(ide.interrupt(0).level());
    reg(7); // device 1's status: device 0's request stays
    device = 0;
    select();
    EXPECT_TRUE(ide.interrupt(0).level());
    reg(7);
    EXPECT_FALSE(ide.interrupt(0).level());
}

TEST_F(AtaTwoDrives, TheBusMasterNotesTheLinesRisingEdgeOnly) {
    command(0xE5);
    EXPECT_EQ(bus_master_status(), 4u);
    set_bus_master(2, 0x64);
    select(); // the request is still there
    EXPECT_EQ(bus_master_status(), 0u);
}

TEST_F(AtaTwoDrives, InterruptsAreDisabledForBoth) {
    set_control(2);
    for (device = 0; device < 2; ++device) {
        command(0xE5);
        EXPECT_FALSE(ide.interrupt(0).level());
    }
    set_control(0); // device 1 is selected and has requested
    EXPECT_TRUE(ide.interrupt(0).level());
}

TEST_F(AtaTwoDrives, SoftResetIsForBothAndSelectsDevice0) {
    command(0xC6, 0, 8);
    device = 1;
    command(0xC6, 0, 4);
    set_control(4);
    EXPECT_EQ(status(), 0x80u);
    set_control(0);
    EXPECT_EQ(reg(6), 0xA0u);
    for (device = 0; device < 2; ++device) {
        select();
        EXPECT_EQ(status(), 0x50u);
        EXPECT_EQ(reg(1), 0x01u);
        EXPECT_EQ(lba(), 0x000001u);
    }
    set_control(4); // device 1 is selected
    set_control(0);
    set_reg(7, 0xEC);
    EXPECT_EQ(take_words(words_a_sector)[60], size_of(0));
    for (device = 0; device < 2; ++device)
        EXPECT_EQ(identify()[59], 0);
}

TEST_F(AtaTwoDrives, DiagnosticIsForBothAndDevice0Interrupts) {
    device = 1;
    command(0x90, 0x123456, 9);
    EXPECT_EQ(interrupts, 1);
    EXPECT_EQ(reg(6), 0xA0u); // selects device 0
    EXPECT_EQ(reg(7), 0x50u);
    for (device = 0; device < 2; ++device) {
        select();
        EXPECT_FALSE(ide.interrupt(0).level());
        EXPECT_EQ(status(), 0x50u);
        EXPECT_EQ(reg(1), 0x01u);
        EXPECT_EQ(lba(), 0x000001u);
    }
}

TEST_F(AtaTwoDrives, ADataPhaseWaitsWhileTheOtherDriveWorks) {
    image.write(5, filled(0x11));
    command(0x20, 5, 1);
    settle();
    device = 1;
    EXPECT_EQ(identify()[60], size_of(1));
    device = 0;
    select();
    EXPECT_EQ(status(), 0x58u);
    EXPECT_EQ(take_words(words_a_sector), std::vector<uint16_t>(words_a_sector, 0x1111));
}

TEST_F(AtaTwoDrives, DmaGoesToTheSelectedDrive) {
    for (unsigned unit = 0; unit < 4; ++unit) {
        use(unit);
        images[unit]->write(9, filled(static_cast<uint8_t>(0x10 + unit)));
        set_table({{0x2000, 512, true}});
        command(0xC8, 9, 1);
        start(true);
        settle();
        EXPECT_EQ(memory.bytes[0x2000], 0x10 + unit);
        EXPECT_EQ(bus_master_status(), 4u);
        EXPECT_EQ(reg(7), 0x50u);
    }
}

TEST_F(AtaTwoDrives, BothChannelsTransferAtTheSameTime) {
    image.write(9, filled(0x11));
    images[2]->write(9, filled(0x22));
    set_table({{0x2000, 512, true}});
    command(0xC8, 9, 1);
    start(true);
    use(2);
    memory.put_word(table + 64, 0x4000);
    memory.put_word(table + 68, 0x80000200u);
    ide.write(PiixIde::bus_master + 8 + 4, 4, table + 64);
    command(0xC8, 9, 1);
    start(true);
    settle();
    EXPECT_EQ(now, latency + sector_on_medium + sector_on_cable);
    EXPECT_EQ(memory.bytes[0x2000], 0x11);
    EXPECT_EQ(memory.bytes[0x4000], 0x22);
}

TEST_F(AtaTwoDrives, FirmwareSaysThatBothDoDma) {
    EXPECT_EQ(bus_master(2), 0x60u);
}

using AtaMasterOnly = test::IdeTest;

TEST_F(AtaMasterOnly, AnAbsentSlaveHasStatusZero) {
    device = 1;
    select();
    EXPECT_EQ(reg(7), 0u);
    EXPECT_EQ(status(), 0u);
    EXPECT_EQ(data(), 0u);
    EXPECT_EQ(reg(2), 0x01u); // the master answers for it
    set_reg(7, 0xEC);
    settle();
    EXPECT_EQ(interrupts, 0);
    device = 0;
    select();
    EXPECT_EQ(reg(7), 0x50u);
}

TEST_F(AtaMasterOnly, ExecutesDiagnosticForAnAbsentSlave) {
    device = 1;
    command(0x90);
    EXPECT_EQ(interrupts, 1);
    EXPECT_EQ(reg(7), 0x50u);
    EXPECT_EQ(reg(6), 0xA0u);
}

TEST_F(AtaMasterOnly, AnAbsentChannelReadsAsZero) {
    channel = 1;
    set_reg(2, 0x55);
    for (uint32_t index = 1; index < 8; ++index)
        EXPECT_EQ(reg(index), 0u);
    EXPECT_EQ(status(), 0u);
    EXPECT_EQ(data(), 0u);
    set_reg(7, 0x90);
    set_control(4);
    set_control(0);
    settle();
    EXPECT_EQ(interrupts_of[1], 0);
    EXPECT_EQ(bus_master(2), 0u);
}

class AtaSlaveOnly : public test::IdeTest {
protected:
    AtaSlaveOnly() : IdeTest{AtaErrors::drive, 0b10} {}
};

TEST_F(AtaSlaveOnly, NobodyAnswersForAnAbsentMaster) {
    select();
    for (uint32_t index = 1; index < 8; ++index)
        EXPECT_EQ(reg(index), 0u);
    set_reg(7, 0xEC);
    settle();
    EXPECT_EQ(interrupts, 0);
}

TEST_F(AtaSlaveOnly, TheSlaveWorksAlone) {
    device = 1;
    EXPECT_EQ(identify()[60], size_of(1));
    EXPECT_EQ(interrupts, 1);
    EXPECT_EQ(bus_master(2) & 0x60, 0x40u);
}

} // namespace
} // namespace fixpoint::models
