#include "models/chipset/io_apic.hpp"

#include "models/chipset/local_apic.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fixpoint::models {
namespace {

constexpr uint32_t index_register = 0x00, window = 0x10;
constexpr uint32_t reg_id = 0, reg_version = 1, reg_arbitration = 2;
constexpr uint32_t masked = 0x1'0000, level = 0x8000, remote_irr = 0x4000, active_low = 0x2000;

// The registers, as software reaches them.
uint32_t read_register(IoApic& io, uint32_t number) {
    io.write(index_register, 4, number);
    return io.read(window, 4);
}
void write_register(IoApic& io, uint32_t number, uint32_t value) {
    io.write(index_register, 4, number);
    io.write(window, 4, value);
}
uint32_t entry_low(IoApic& io, unsigned pin) {
    return read_register(io, 0x10 + 2 * pin);
}
void redirect(IoApic& io, unsigned pin, uint32_t low, uint8_t destination = 0) {
    write_register(io, 0x11 + 2 * pin, uint32_t{destination} << 24);
    write_register(io, 0x10 + 2 * pin, low);
}

class IoApicTest : public testing::Test {
protected:
    IoApicTest() {
        io.on_message = [this](const ApicMessage& message) {
            messages.push_back(message);
            return accepts;
        };
    }
    void pulse(unsigned pin) {
        io.set_line(pin, true);
        io.set_line(pin, false);
    }
    IoApic io;
    std::vector<ApicMessage> messages;
    bool accepts = true;
};

TEST_F(IoApicTest, TheVersionNames24Pins) {
    EXPECT_EQ(read_register(io, reg_version), 0x0017'0011u);
    write_register(io, reg_version, 0);
    EXPECT_EQ(read_register(io, reg_version), 0x0017'0011u);
}

TEST_F(IoApicTest, AllPinsAreMaskedAfterReset) {
    for (unsigned pin = 0; pin < IoApic::pins; ++pin) {
        EXPECT_EQ(entry_low(io, pin), masked);
        EXPECT_EQ(read_register(io, 0x11 + 2 * pin), 0u);
        io.set_line(pin, true);
    }
    EXPECT_TRUE(messages.empty());
}

TEST_F(IoApicTest, TheIdentifierIsTheArbitrationNumberToo) {
    EXPECT_EQ(read_register(io, reg_id), 0u);
    write_register(io, reg_id, ~0u);
    EXPECT_EQ(read_register(io, reg_id), 0x0F00'0000u);
    EXPECT_EQ(read_register(io, reg_arbitration), 0x0F00'0000u);
    write_register(io, reg_arbitration, 0);
    EXPECT_EQ(read_register(io, reg_arbitration), 0x0F00'0000u);
}

TEST_F(IoApicTest, TheIndexReadsBack) {
    io.write(index_register, 1, 0x3F);
    EXPECT_EQ(io.read(index_register, 1), 0x3Fu);
    EXPECT_EQ(io.read(index_register, 4), 0x3Fu);
}

TEST_F(IoApicTest, RegistersThatDoNotExistReadZero) {
    for (const uint32_t number : {0x03u, 0x0Fu, 0x40u, 0xFFu}) {
        write_register(io, number, ~0u);
        EXPECT_EQ(read_register(io, number), 0u) << number;
    }
    EXPECT_EQ(io.read(0x40, 4), 0u);
}

TEST_F(IoApicTest, TheWindowTakesWholeRegistersOnly) {
    redirect(io, 1, masked | 0x31);
    EXPECT_EQ(io.read(window, 1), 0u);
    EXPECT_EQ(io.read(window, 2), 0u);
    io.write(window, 1, 0x55);
    EXPECT_EQ(entry_low(io, 1), masked | 0x31);
}

TEST_F(IoApicTest, TheRegistersRepeatEvery256Bytes) {
    io.write(0x300, 4, reg_version);
    EXPECT_EQ(io.read(0xF10, 4), 0x0017'0011u);
}

TEST_F(IoApicTest, EntriesKeepTheirWritableBitsOnly) {
    redirect(io, 23, ~0u, 0xA5);
    EXPECT_EQ(entry_low(io, 23), 0x1'AFFFu);
    write_register(io, 0x11 + 2 * 23, ~0u);
    EXPECT_EQ(read_register(io, 0x11 + 2 * 23), 0xFF00'0000u);
}

TEST_F(IoApicTest, AnEdgeSendsTheEntrysMessage) {
    redirect(io, 4, 0x0934, 0xC1); // logical, lowest priority
    io.set_line(4, true);
    io.set_line(4, true);
    io.set_line(4, false);
    EXPECT_EQ(messages, (std::vector<ApicMessage>{{0x34, ApicDelivery::lowest_priority, 0xC1, true, false}}));
    io.set_line(4, true);
    EXPECT_EQ(messages.size(), 2u);
    EXPECT_EQ(entry_low(io, 4), 0x0934u); // idle, no remote IRR
}

TEST_F(IoApicTest, EachPinHasItsOwnEntry) {
    for (unsigned pin = 0; pin < IoApic::pins; ++pin)
        redirect(io, pin, 0x40 + pin);
    for (unsigned pin = 0; pin < IoApic::pins; ++pin) {
        pulse(pin);
        EXPECT_EQ(messages.back().vector, 0x40 + pin);
    }
    EXPECT_EQ(messages.size(), size_t{IoApic::pins});
}

TEST_F(IoApicTest, AnEdgeOnAMaskedPinIsForgotten) {
    redirect(io, 4, masked | 0x34);
    io.set_line(4, true);
    redirect(io, 4, 0x34);
    EXPECT_TRUE(messages.empty());
}

TEST_F(IoApicTest, AnActiveLowPinSendsWhenItFalls) {
    io.set_line(4, true);
    redirect(io, 4, active_low | 0x34);
    EXPECT_TRUE(messages.empty());
    io.set_line(4, false);
    EXPECT_EQ(messages.size(), 1u);
    io.set_line(4, true);
    EXPECT_EQ(messages.size(), 1u);
}

TEST_F(IoApicTest, ALevelIsSentOnceUntilItsEnd) {
    redirect(io, 10, level | 0x51);
    io.set_line(10, true);
    EXPECT_EQ(messages, (std::vector<ApicMessage>{{0x51, ApicDelivery::fixed, 0, false, true}}));
    EXPECT_EQ(entry_low(io, 10), level | remote_irr | 0x51);
    io.set_line(10, false);
    io.set_line(10, true);
    EXPECT_EQ(messages.size(), 1u);
    io.end_of_interrupt(0x51); // still asserted
    EXPECT_EQ(messages.size(), 2u);
    io.set_line(10, false);
    io.end_of_interrupt(0x51);
    EXPECT_EQ(messages.size(), 2u);
    EXPECT_EQ(entry_low(io, 10), level | 0x51);
}

TEST_F(IoApicTest, TheEndOfAnotherVectorChangesNothing) {
    redirect(io, 10, level | 0x51);
    io.set_line(10, true);
    io.end_of_interrupt(0x52);
    EXPECT_EQ(entry_low(io, 10), level | remote_irr | 0x51);
}

TEST_F(IoApicTest, OneEndServesAllPinsOfItsVector) {
    redirect(io, 10, level | 0x51);
    redirect(io, 11, level | 0x51);
    io.set_line(10, true);
    io.set_line(11, true);
    EXPECT_EQ(messages.size(), 2u);
    io.end_of_interrupt(0x51);
    EXPECT_EQ(messages.size(), 4u);
}

TEST_F(IoApicTest, AMaskedLevelIsSentWhenItIsUnmasked) {
    redirect(io, 10, masked | level | 0x51);
    io.set_line(10, true);
    EXPECT_TRUE(messages.empty());
    redirect(io, 10, level | 0x51);
    EXPECT_EQ(messages.size(), 1u);
    redirect(io, 10, masked | level | 0x51);
    io.end_of_interrupt(0x51);
    EXPECT_EQ(messages.size(), 1u);
}

TEST_F(IoApicTest, RemoteIrrCannotBeWrittenButEdgeModeClearsIt) {
    redirect(io, 10, level | 0x51);
    io.set_line(10, true);
    redirect(io, 10, masked | level | 0x51);
    EXPECT_EQ(entry_low(io, 10), masked | level | remote_irr | 0x51);
    redirect(io, 10, masked | 0x51);
    redirect(io, 10, masked | level | remote_irr | 0x51);
    EXPECT_EQ(entry_low(io, 10), masked | level | 0x51);
}

TEST_F(IoApicTest, AnUnacceptedLevelIsRepeatedAtTheNextChange) {
    accepts = false;
    redirect(io, 10, level | 0x51);
    io.set_line(10, true);
    EXPECT_EQ(entry_low(io, 10), level | 0x51);
    accepts = true;
    redirect(io, 10, level | 0x51);
    EXPECT_EQ(entry_low(io, 10), level | remote_irr | 0x51);
}

TEST_F(IoApicTest, NmiInitAndExternalAreEdgesWhateverTheEntrySays) {
    struct Case {
        uint32_t bits;
        ApicDelivery delivery;
    };
    for (const Case& c : {Case{0x400, ApicDelivery::nmi}, Case{0x500, ApicDelivery::init},
                          Case{0x700, ApicDelivery::external}}) {
        redirect(io, 0, level | c.bits);
        pulse(0);
        EXPECT_EQ(messages.back(), (ApicMessage{0, c.delivery, 0, false, false}));
        EXPECT_EQ(entry_low(io, 0), level | c.bits);
    }
    EXPECT_EQ(messages.size(), 3u);
}

TEST_F(IoApicTest, SystemManagementAndReservedModesSendNothing) {
    for (const uint32_t bits : {0x200u, 0x300u, 0x600u}) {
        redirect(io, 0, bits);
        pulse(0);
    }
    EXPECT_TRUE(messages.empty());
}

TEST_F(IoApicTest, APowerCycleMasksAllPins) {
    redirect(io, 10, level | 0x51, 3);
    io.set_line(10, true);
    write_register(io, reg_id, 0x0200'0000);
    io.power_cycle(0);
    EXPECT_EQ(io.read(index_register, 4), 0u);
    EXPECT_EQ(read_register(io, reg_id), 0u);
    EXPECT_EQ(entry_low(io, 10), masked);
    redirect(io, 10, level | 0x51); // the line is still high
    EXPECT_EQ(messages.size(), 2u);
}

// ---- With a local APIC at the other end

class ApicRoutingTest : public testing::Test {
protected:
    ApicRoutingTest() {
        io.on_message = [this](const ApicMessage& message) { return local.deliver(message); };
        local.on_end_of_interrupt = [this](uint8_t vector) { io.end_of_interrupt(vector); };
        local.on_nmi = [this] { ++nmis; };
        local.write(0xF0, 4, 0x1FF);
    }
    void end() { local.write(0xB0, 4, 0); }
    bool asks() const { return local.interrupt.level(); }
    IoApic io;
    LocalApic local{100'000'000};
    int nmis = 0;
};

TEST_F(ApicRoutingTest, AnEdgeArrivesAsItsVector) {
    redirect(io, 2, 0x30);
    io.set_line(2, true);
    EXPECT_TRUE(asks());
    EXPECT_EQ(local.acknowledge(), 0x30);
    EXPECT_FALSE(asks());
    end();
    EXPECT_FALSE(asks());
}

TEST_F(ApicRoutingTest, ALevelComesBackUntilTheDeviceIsServed) {
    redirect(io, 10, level | 0x51);
    io.set_line(10, true);
    EXPECT_EQ(local.acknowledge(), 0x51);
    end();
    EXPECT_EQ(local.acknowledge(), 0x51);
    io.set_line(10, false);
    end();
    EXPECT_FALSE(asks());
    EXPECT_EQ(entry_low(io, 10), level | 0x51);
}

TEST_F(ApicRoutingTest, AMessageToAnotherApicIsNotTaken) {
    redirect(io, 10, level | 0x51, 5);
    io.set_line(10, true);
    EXPECT_FALSE(asks());
    EXPECT_EQ(entry_low(io, 10), level | 0x51);
    redirect(io, 10, level | 0x51, 0);
    EXPECT_TRUE(asks());
}

TEST_F(ApicRoutingTest, LogicalLowestPriorityReachesTheOnlyProcessor) {
    local.write(0xD0, 4, 0x0100'0000);
    redirect(io, 4, 0x0934, 0x01);
    io.set_line(4, true);
    EXPECT_EQ(local.acknowledge(), 0x34);
}

TEST_F(ApicRoutingTest, APinMayBringThe8259OrANonMaskableInterrupt) {
    redirect(io, 0, 0x700);
    io.set_line(0, true);
    EXPECT_EQ(local.acknowledge(), LocalApic::ask_external);
    redirect(io, 23, 0x400);
    io.set_line(23, true);
    EXPECT_EQ(nmis, 1);
}

TEST_F(ApicRoutingTest, PrioritiesHoldAcrossPins) {
    for (unsigned pin = 3; pin < 8; ++pin)
        redirect(io, pin, 0x10 * pin);
    for (const unsigned pin : {5u, 3u, 7u, 4u, 6u})
        io.set_line(pin, true);
    for (const int vector : {0x70, 0x60, 0x50, 0x40, 0x30}) {
        EXPECT_EQ(local.acknowledge(), vector);
        end();
    }
    EXPECT_FALSE(asks());
}

} // namespace
} // namespace fixpoint::models
