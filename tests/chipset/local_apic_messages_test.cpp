// What a local APIC does by itself or on the APIC bus: timer, errors, messages.
#include "tests/chipset/local_apic_fixture.hpp"

#include <initializer_list>

namespace fixpoint::models {
namespace {

// ---- Timer

TEST_F(LocalApicTest, TheTimerInterruptsAtItsExactInstant) {
    enable();
    write(lvt_timer, 0x51);
    write(divide, 0x3); // by 16
    write(initial_count, 1000);
    EXPECT_EQ(apic.next_event(), bus.time_of(16'000));
    apic.advance(bus.time_of(8'000));
    EXPECT_EQ(read(current_count), 500u);
    EXPECT_EQ(read(initial_count), 1000u);
    apic.advance(bus.time_of(16'000) - 1);
    EXPECT_FALSE(asks());
    apic.advance(bus.time_of(16'000));
    EXPECT_EQ(apic.acknowledge(), 0x51);
    EXPECT_EQ(apic.next_event(), never);
    EXPECT_EQ(read(current_count), 0u);
}

TEST_F(LocalApicTest, ThePeriodicTimerGoesOnByItself) {
    enable();
    write(lvt_timer, 0x20051);
    write(divide, 0xB);
    write(initial_count, 100);
    for (uint64_t period = 1; period <= 1000; ++period) {
        ASSERT_EQ(apic.next_event(), bus.time_of(100 * period));
        apic.advance(apic.next_event());
        ASSERT_EQ(apic.acknowledge(), 0x51);
        write(eoi, 0);
    }
}

TEST_F(LocalApicTest, AMaskedTimerCountsInSilence) {
    enable();
    write(lvt_timer, masked | 0x20051);
    write(divide, 0xB);
    write(initial_count, 100);
    EXPECT_EQ(apic.next_event(), never);
    apic.advance(bus.time_of(1'030));
    EXPECT_FALSE(asks());
    EXPECT_EQ(read(current_count), 70u);
    write(lvt_timer, 0x20051);
    EXPECT_EQ(apic.next_event(), bus.time_of(1'100));
}

// ---- Errors

TEST_F(LocalApicTest, AnErrorShowsAfterAWriteOfTheStatusRegister) {
    read(lvt_thermal); // the P6 has none
    EXPECT_EQ(read(error_status), 0u);
    write(error_status, 0);
    EXPECT_EQ(read(error_status), 0x80u);
    EXPECT_EQ(read(error_status), 0x80u);
    write(error_status, 0);
    EXPECT_EQ(read(error_status), 0u);
}

TEST_F(LocalApicTest, ReservedRegistersReadZeroAndAreErrors) {
    for (const uint32_t reserved :
         {0x000u, 0x010u, 0x040u, 0x070u, 0x290u, 0x2F0u, 0x330u, 0x3A0u, 0x3F0u, 0x400u, 0xFF0u}) {
        EXPECT_EQ(read(reserved), 0u);
        EXPECT_EQ(errors(), 0x80u) << reserved;
        write(reserved, 0);
        EXPECT_EQ(errors(), 0x80u) << reserved;
    }
}

TEST_F(LocalApicTest, ReadOnlyRegistersAreNoErrors) {
    for (const uint32_t offset :
         {version, arbitration_priority, processor_priority, remote_read, in_service, request, current_count})
        write(offset, ~0u);
    EXPECT_EQ(errors(), 0u);
    EXPECT_EQ(read(request), 0u);
}

TEST_F(LocalApicTest, AnIllegalVectorIsAnErrorAndNotDelivered) {
    enable();
    EXPECT_TRUE(apic.accept(0x0F, false));
    EXPECT_FALSE(asks());
    EXPECT_EQ(errors(), 0x40u);
    write(lvt_performance, masked | 0x05); // when it is written already
    EXPECT_EQ(errors(), 0x40u);
    write(command_low, 0x0C);
    EXPECT_EQ(errors(), 0x20u);
    write(command_low, 0x4000C); // to itself
    EXPECT_EQ(errors(), 0x60u);
}

TEST_F(LocalApicTest, AnErrorInterruptsOncePerKind) {
    enable();
    write(lvt_error, 0xE0);
    read(lvt_thermal);
    EXPECT_EQ(apic.acknowledge(), 0xE0);
    write(eoi, 0);
    read(lvt_thermal);
    EXPECT_FALSE(asks());
    write(error_status, 0);
    read(lvt_thermal);
    EXPECT_TRUE(asks());
}

TEST_F(LocalApicTest, AnIllegalErrorVectorEndsThere) {
    enable();
    write(lvt_error, 0x02);
    read(lvt_thermal);
    EXPECT_FALSE(asks());
    EXPECT_EQ(errors(), 0xC0u);
}

// ---- Messages

TEST_F(LocalApicTest, ItInterruptsItselfByShorthand) {
    enable();
    write(command_low, 0x4'4071);
    EXPECT_EQ(apic.acknowledge(), 0x71);
    write(eoi, 0);
    write(command_low, 0x8'4072); // all, itself among them
    EXPECT_EQ(apic.acknowledge(), 0x72);
    EXPECT_EQ(errors(), 0u);
    EXPECT_EQ(read(command_low), 0x8'4072u); // delivery status: idle
}

TEST_F(LocalApicTest, ThereIsNobodyElseToTakeAMessage) {
    enable();
    write(command_low, 0xC'4071); // all others
    EXPECT_FALSE(asks());
    EXPECT_EQ(errors(), 0x04u);
    write(command_high, 0x0100'0000);
    write(command_low, 0x4071);
    EXPECT_FALSE(asks());
    EXPECT_EQ(errors(), 0x04u);
    write(command_low, 0xC'4607); // start-up
    EXPECT_EQ(errors(), 0x04u);
}

TEST_F(LocalApicTest, APhysicalDestinationIsItsNumberOrABroadcast) {
    enable();
    write(id, 0x0300'0000);
    for (const uint8_t destination : std::initializer_list<uint8_t>{0x03, 0x0F, 0xFF})
        EXPECT_TRUE(apic.deliver({0x71, ApicDelivery::fixed, destination, false, false})) << int{destination};
    for (const uint8_t destination : std::initializer_list<uint8_t>{0x00, 0x02, 0x04})
        EXPECT_FALSE(apic.deliver({0x71, ApicDelivery::fixed, destination, false, false}))
            << int{destination};
}

TEST_F(LocalApicTest, AFlatLogicalDestinationIsASetOfBits) {
    enable();
    EXPECT_FALSE(apic.deliver({0x71, ApicDelivery::fixed, 0xFF, true, false})); // no logical number yet
    write(logical_destination, 0x0400'0000);
    EXPECT_TRUE(apic.deliver({0x71, ApicDelivery::fixed, 0x0C, true, false}));
    EXPECT_TRUE(apic.deliver({0x71, ApicDelivery::lowest_priority, 0xFF, true, false}));
    EXPECT_FALSE(apic.deliver({0x71, ApicDelivery::fixed, 0x0B, true, false}));
}

TEST_F(LocalApicTest, AClusterDestinationIsAClusterAndItsMembers) {
    enable();
    write(destination_format, 0x0FFF'FFFF);
    write(logical_destination, 0x2400'0000);
    EXPECT_TRUE(apic.deliver({0x71, ApicDelivery::fixed, 0x2C, true, false}));
    EXPECT_TRUE(apic.deliver({0x71, ApicDelivery::fixed, 0xFF, true, false}));
    EXPECT_FALSE(apic.deliver({0x71, ApicDelivery::fixed, 0x2B, true, false}));
    EXPECT_FALSE(apic.deliver({0x71, ApicDelivery::fixed, 0x14, true, false}));
}

TEST_F(LocalApicTest, CommandsUseTheLogicalDestinationWhenToldTo) {
    enable();
    write(logical_destination, 0x0200'0000);
    write(command_high, 0x0200'0000);
    write(command_low, 0x4871);
    EXPECT_EQ(apic.acknowledge(), 0x71);
}

TEST_F(LocalApicTest, NmiIsTakenEvenWhenSwitchedOffBySoftware) {
    EXPECT_TRUE(apic.deliver({0, ApicDelivery::nmi, 0, false, false}));
    EXPECT_EQ(nmis, 1);
    write(command_low, 0x8'4400);
    EXPECT_EQ(nmis, 2);
}

TEST_F(LocalApicTest, InitResetsAllButTheIdentifier) {
    sim::leave_virtual_wire(apic);
    write(id, 0x0300'0000);
    apic.accept(0x31, false);
    write(command_low, 0x8'4500);
    EXPECT_EQ(inits, 1);
    EXPECT_EQ(read(id), 0x0300'0000u);
    EXPECT_EQ(read(spurious), 0xFFu);
    EXPECT_EQ(read(lvt_lint0), masked);
    EXPECT_EQ(read(request + 0x10), 0u);
}

TEST_F(LocalApicTest, InitAssertedAsALevelIsInit) {
    write(command_low, 0x8'C500);
    EXPECT_EQ(inits, 1);
}

TEST_F(LocalApicTest, InitDeassertDoesNothing) {
    enable();
    write(command_low, 0x8'8500);
    EXPECT_EQ(inits, 0);
    EXPECT_EQ(errors(), 0u);
}

TEST_F(LocalApicTest, StartUpFindsARunningProcessor) {
    enable();
    write(command_low, 0x4'4608);
    EXPECT_FALSE(asks());
    EXPECT_EQ(errors(), 0u);
}

TEST_F(LocalApicTest, AnExternalInterruptMayComeAsAMessage) {
    enable();
    apic.deliver({0, ApicDelivery::external, 0, false, false});
    EXPECT_TRUE(asks());
    EXPECT_EQ(apic.acknowledge(), LocalApic::ask_external);
    EXPECT_FALSE(asks());
}

} // namespace
} // namespace fixpoint::models
