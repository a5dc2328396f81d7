#include "tests/chipset/ide_fixtures.hpp"

namespace fixpoint::models {
namespace {

// As QEMU 7.2 reports them; every value was observed there.
class AtaQemuErrors : public test::IdeTest {
protected:
    explicit AtaQemuErrors(const DiskParameters& parameters = ideal())
        : IdeTest{AtaErrors::qemu, 1, parameters} {}
    void expect_failed(uint32_t address, uint32_t count) {
        EXPECT_EQ(reg(7), 0x41u);
        EXPECT_EQ(reg(1), 0x04u);
        EXPECT_EQ(lba(), address);
        EXPECT_EQ(reg(2), count);
    }
};

TEST_F(AtaQemuErrors, AReadBeyondTheEndIsAborted) {
    command(0x20, sectors, 1);
    expect_failed(sectors, 1);
    EXPECT_EQ(interrupts, 1);
    command_chs(0x20, 5'000, 0, 5);
    EXPECT_EQ(reg(7), 0x41u);
    EXPECT_EQ(reg(3), 5u);
}

TEST_F(AtaQemuErrors, AReadOverTheEndFailsAtItsBlock) {
    command(0x20, sectors - 1, 2);
    settle();
    EXPECT_EQ(reg(7), 0x58u);
    take_words(words_a_sector);
    settle();
    expect_failed(sectors, 1);
    command(0xC4, sectors - 2, 4); // blocks of 16 from the start
    expect_failed(sectors - 2, 4);
}

TEST_F(AtaQemuErrors, AWriteOverTheEndTakesTheDataFirst) {
    command(0x30, sectors - 1, 2);
    put_words(words_a_sector, 0x2222);
    settle();
    EXPECT_EQ(reg(7), 0x58u);
    put_words(words_a_sector, 0x3333);
    settle();
    expect_failed(sectors, 1);
    EXPECT_EQ(on_medium(sectors - 1), filled(0x22));
    command(0x30, sectors, 1);
    EXPECT_EQ(reg(7), 0x58u);
    put_words(words_a_sector, 0x3333);
    expect_failed(sectors, 1);
}

TEST_F(AtaQemuErrors, ADmaTransferOverTheEndMovesNothing) {
    for (const bool to_memory : {true, false}) {
        image.write(sectors - 1, filled(0x11));
        set_table({{0x2000, 1024, true}});
        command(to_memory ? 0xC8 : 0xCA, sectors - 1, 2);
        EXPECT_EQ(status(), 0x58u); // until the bus master starts
        start(to_memory);
        settle();
        EXPECT_EQ(bus_master_status(), 4u);
        expect_failed(sectors - 1, 2);
        EXPECT_EQ(memory.bytes[0x2000], 0);
        EXPECT_EQ(on_medium(sectors - 1), filled(0x11));
    }
}

TEST_F(AtaQemuErrors, ADmaTransferWithTooShortATableIsGivenUpSilently) {
    image.write(5, filled(0x11));
    for (const uint32_t address :
         {5u, static_cast<uint32_t>(sectors)}) { // before anybody looks at the address
        set_table({{0x2000, 512, false}, {0x3000, 510, true}});
        command(0xC8, address, 2);
        start(true);
        settle();
        EXPECT_EQ(bus_master_status(), 0u);
        EXPECT_EQ(status(), 0x50u);
        EXPECT_EQ(interrupts, 0);
        EXPECT_EQ(lba(), address);
        EXPECT_EQ(reg(2), 2u);
        EXPECT_EQ(memory.bytes[0x2000], 0);
    }
}

TEST_F(AtaQemuErrors, ADmaTransferHasItsTableInOnePage) {
    std::vector<Region> regions(512, {0x2000, 2, false}); // 1,024 bytes
    regions.push_back({0x2000, 1024, true});
    set_table(regions);
    command(0xC8, 5, 2);
    start(true);
    settle();
    EXPECT_EQ(reg(7), 0x50u);
    EXPECT_EQ(interrupts, 1);
    set_table(regions);
    command(0xC8, 5, 3);
    start(true);
    settle();
    EXPECT_EQ(bus_master_status(), 0u);
}

TEST_F(AtaQemuErrors, A48BitCommandWithoutTheLbaBitHasACylinderAddress) {
    image.write(63, filled(0x44)); // head 1, sector 1
    command_chs(0x24, 0, 1, 1);
    settle();
    EXPECT_EQ(data(), 0x4444);
}

TEST_F(AtaQemuErrors, AnUnreadableSectorLeavesTheAddressOfItsBlock) {
    image.mark_unreadable(6);
    command(0x20, 5, 3);
    settle();
    take_words(words_a_sector);
    settle();
    expect_failed(6, 2);
    command(0xC4, 4, 8);
    settle();
    expect_failed(4, 8);
}

TEST_F(AtaQemuErrors, AnUnreadableSectorStopsTheBusMaster) {
    image.mark_unreadable(6);
    set_table({{0x2000, 4 * 512, true}});
    command(0xC8, 4, 4);
    start(true);
    settle();
    EXPECT_EQ(bus_master_status(), 4u);
    expect_failed(4, 4);
}

TEST_F(AtaQemuErrors, ASectorThatCannotBeWrittenFailsTheWriteWithoutCache) {
    image.mark_unwritable(6);
    command(0x30, 6, 1);
    put_words(words_a_sector, 0);
    settle();
    EXPECT_EQ(reg(7), 0x41u);
    EXPECT_EQ(reg(1), 0x04u);
}

TEST_F(AtaQemuErrors, VerifyAndSeekAlwaysSucceed) {
    image.mark_unreadable(6);
    for (const uint8_t code : std::initializer_list<uint8_t>{0x40, 0x42, 0x70}) {
        for (const uint32_t address : {6u, static_cast<uint32_t>(sectors)}) {
            command(code, address, 3);
            EXPECT_EQ(reg(7), 0x50u);
            EXPECT_EQ(lba(), address);
            EXPECT_EQ(reg(2), 3u);
        }
    }
}

TEST_F(AtaQemuErrors, CylinderAddressesAreNotHeldAgainstTheGeometry) {
    image.write(63 + 63, filled(0x44));
    command_chs(0x20, 0, 1, 64);
    settle();
    EXPECT_EQ(data(), 0x4444);
    take_words(words_a_sector - 1);
    command_chs(0x20, 0, 0, 0); // one before the first
    EXPECT_EQ(reg(7), 0x41u);
}

TEST_F(AtaQemuErrors, ADataPhaseListensToNothing) {
    image.write(5, filled(0x11));
    command(0x20, 5, 1);
    settle();
    set_reg(2, 0x77);
    set_reg(7, 0xE7);
    settle();
    EXPECT_EQ(status(), 0x58u);
    EXPECT_EQ(reg(2), 0u);
    EXPECT_EQ(take_words(words_a_sector), std::vector<uint16_t>(words_a_sector, 0x1111));
    EXPECT_EQ(status(), 0x50u);
}

TEST_F(AtaQemuErrors, PowerCommandsEndWithoutSeekCompleteAndChangeNothing) {
    for (const uint8_t code : std::initializer_list<uint8_t>{0xE0, 0xE1, 0xE2, 0xE3, 0xE6, 0x94, 0x99}) {
        command(code);
        settle();
        EXPECT_EQ(reg(7), 0x40u) << unsigned{code};
    }
    command(0xE5);
    EXPECT_EQ(reg(7), 0x50u);
    EXPECT_EQ(reg(2), 0xFFu);
}

TEST_F(AtaQemuErrors, IdentifyStartsWithBlocksOf16) {
    EXPECT_EQ(identify()[59], 0x0110);
    command(0xC6, 0, 4);
    set_control(4);
    set_control(0);
    EXPECT_EQ(identify()[59], 0x0110);
}

TEST_F(AtaQemuErrors, SoftResetKeepsTheTranslation) {
    image.write(20, filled(0x44));
    command_chs(0x91, 0, 3, 0, 20);
    set_control(4);
    set_control(0);
    command_chs(0x20, 0, 1, 1);
    settle();
    EXPECT_EQ(data(), 0x4444);
}

TEST_F(AtaQemuErrors, IdentifyKeepsTheDefaultTranslation) {
    command_chs(0x91, 0, 3, 0, 20);
    EXPECT_EQ(identify()[55], 16);
}

TEST_F(AtaQemuErrors, SoftResetEndsTheTranslationOnceAfterSetFeatures) {
    const auto reset = [this] {
        set_control(4);
        set_control(0);
    };
    image.write(20, filled(0x44)); // head 1, sector 1 of 20
    image.write(63, filled(0x55)); // the same of 63
    set_features(0xCC);
    for (const int first : {0x5555, 0x4444}) {
        command_chs(0x91, 0, 3, 0, 20);
        reset();
        command_chs(0x20, 0, 1, 1);
        settle();
        EXPECT_EQ(data(), first);
        reset();
    }
}

TEST_F(AtaQemuErrors, TheDataRegisterIs0OutsideOfADataPhase) {
    EXPECT_EQ(data(), 0);
    command(0x30, 5, 1);
    EXPECT_EQ(data(), 0);
}

TEST_F(AtaQemuErrors, SetFeaturesAcceptsWhatHasNoEffect) {
    for (const uint8_t feature :
         std::initializer_list<uint8_t>{0x05, 0x85, 0x42, 0xC2, 0x67, 0x69, 0x96, 0x9A}) {
        set_features(feature, 0x80);
        EXPECT_EQ(reg(7), 0x50u) << unsigned{feature};
    }
    set_features(0x99);
    EXPECT_EQ(reg(7), 0x41u);
}

TEST_F(AtaQemuErrors, SetFeaturesAcceptsAnyModeOfAKnownKind) {
    set_features(3, 0x47);
    EXPECT_EQ(identify()[88], 0x803F);
    set_features(3, 0x27);
    EXPECT_EQ(identify()[63], 0x8007);
    for (const uint8_t not_dma : std::initializer_list<uint8_t>{0x07, 0x0F, 0x12}) {
        set_features(3, 0x22);
        set_features(3, not_dma);
        EXPECT_EQ(reg(7), 0x50u);
        const auto words = identify();
        EXPECT_EQ(words[63], 0x0007) << unsigned{not_dma};
        EXPECT_EQ(words[88], 0x003F) << unsigned{not_dma};
    }
    for (const uint8_t unknown : std::initializer_list<uint8_t>{0x18, 0x28, 0x48}) {
        set_features(3, unknown);
        EXPECT_EQ(reg(7), 0x41u) << unsigned{unknown};
    }
}

TEST_F(AtaQemuErrors, SecurityFreezeLockClearsTheCount) {
    command(0xF5, 7, 3);
    EXPECT_EQ(reg(7), 0x50u);
    EXPECT_EQ(reg(2), 0u);
    EXPECT_EQ(lba(), 7u);
}

TEST_F(AtaQemuErrors, TheInterruptStaysAsItIsWhileInterruptsAreOff) {
    command(0xE5);
    set_control(2);
    EXPECT_TRUE(ide.interrupt(0).level());
    reg(7);
    EXPECT_FALSE(ide.interrupt(0).level());
    command(0xE5); // this request is lost
    set_control(0);
    EXPECT_FALSE(ide.interrupt(0).level());
    EXPECT_EQ(interrupts, 1);
}

TEST_F(AtaQemuErrors, TheBusMasterNotesEveryRequest) {
    command(0x20, 5, 2);
    settle();
    set_bus_master(2, 0x64);
    take_words(words_a_sector);
    settle(); // the second block's, though nobody has looked at the status
    EXPECT_EQ(bus_master_status(), 4u);
}

TEST_F(AtaQemuErrors, TheEndOfASoftResetInterrupts) {
    set_control(4);
    EXPECT_EQ(interrupts, 0);
    set_control(0);
    EXPECT_TRUE(ide.interrupt(0).level());
    EXPECT_EQ(bus_master_status(), 4u);
    reg(7);
    set_control(6);
    set_control(2);
    EXPECT_FALSE(ide.interrupt(0).level());
}

class AtaQemuTwoDrives : public test::IdeTest {
protected:
    AtaQemuTwoDrives() : IdeTest{AtaErrors::qemu, 0b0011} {}
};

TEST_F(AtaQemuTwoDrives, ShareOneInterruptRequest) {
    command(0xE5);
    device = 1;
    select();
    EXPECT_TRUE(ide.interrupt(0).level());
    reg(7);
    EXPECT_FALSE(ide.interrupt(0).level());
    device = 0;
    select();
    EXPECT_FALSE(ide.interrupt(0).level());
    command(0xE5);
    EXPECT_TRUE(ide.interrupt(0).level());
}

TEST_F(AtaQemuTwoDrives, OnlyTheSelectedOneDiagnosesItself) {
    device = 1;
    command_ext(0x42, 0x123456789A, 0x0203);
    command(0x90, 0x123456, 7);
    EXPECT_EQ(interrupts, 2);
    EXPECT_EQ(lba(), 1u); // still device 1, though its register says 0
    EXPECT_EQ(reg(6), 0xA0u);
    set_control(0x80);
    EXPECT_EQ(reg(3), 0x9Au); // the last but one
    device = 0;
    select();
    EXPECT_EQ(lba(), 0x123456u);
}

TEST_F(AtaQemuTwoDrives, SoftResetKeepsTheSelection) {
    device = 1;
    command(0xC6, 0, 3);
    EXPECT_EQ(status(), 0x41u);
    select();
    set_control(4);
    set_control(0);
    EXPECT_EQ(reg(6), 0xA0u);
    reg(7);
    set_reg(7, 0xEC);
    settle();
    EXPECT_EQ(take_words(words_a_sector)[60], size_of(1));
}

class AtaQemuNoDrives : public test::IdeTest {
protected:
    AtaQemuNoDrives() : IdeTest{AtaErrors::qemu, 0} {}
};

TEST_F(AtaQemuNoDrives, TheEndOfASoftResetInterruptsAllTheSame) {
    set_control(4);
    set_control(0);
    EXPECT_TRUE(ide.interrupt(0).level());
    EXPECT_EQ(reg(7), 0u);
    EXPECT_FALSE(ide.interrupt(0).level());
}

class AtaQemuCacheErrors : public AtaQemuErrors {
protected:
    AtaQemuCacheErrors() : AtaQemuErrors{mechanical()} {
        image.mark_unwritable(6);
        command(0x30, 6, 1);
        put_words(words_a_sector, 0x1111);
        settle();
    }
};

TEST_F(AtaQemuCacheErrors, AFailedFlushLeavesTheRegisters) {
    for (const uint8_t code : std::initializer_list<uint8_t>{0xE7, 0xEA}) {
        command(0x30, 6, 1);
        put_words(words_a_sector, 0x1111);
        settle();
        command(code, 77, 3);
        settle();
        expect_failed(77, 3);
    }
}

} // namespace
} // namespace fixpoint::models
