// Registers, priorities and pins.
#include "tests/chipset/local_apic_fixture.hpp"

#include <initializer_list>

namespace fixpoint::models {
namespace {

// ---- Registers

TEST_F(LocalApicTest, AfterResetItIsSwitchedOffAndMasked) {
    EXPECT_EQ(read(id), 0u);
    EXPECT_EQ(read(spurious), 0xFFu);
    EXPECT_EQ(read(destination_format), 0xFFFF'FFFFu);
    for (const uint32_t entry : {lvt_timer, lvt_performance, lvt_lint0, lvt_lint1, lvt_error})
        EXPECT_EQ(read(entry), masked) << entry;
    for (const uint32_t zero : {task_priority, arbitration_priority, processor_priority, logical_destination,
                                in_service, trigger_mode, request, error_status, command_low, command_high,
                                initial_count, current_count, divide, remote_read})
        EXPECT_EQ(read(zero), 0u) << zero;
    EXPECT_FALSE(asks());
    EXPECT_EQ(apic.next_event(), never);
}

TEST_F(LocalApicTest, TheVersionIsAPentiumIII) {
    EXPECT_EQ(read(version), 0x0004'0011u);
    write(version, 0);
    EXPECT_EQ(read(version), 0x0004'0011u);
}

TEST_F(LocalApicTest, RegistersKeepTheirWritableBitsOnly) {
    struct Case {
        uint32_t offset, expected;
    };
    enable();
    for (const Case& c : {Case{id, 0x0F00'0000}, Case{task_priority, 0xFF},
                          Case{logical_destination, 0xFF00'0000}, Case{destination_format, 0xFFFF'FFFF},
                          Case{spurious, 0x3FF}, Case{command_high, 0xFF00'0000}, Case{lvt_timer, 0x300FF},
                          Case{lvt_performance, 0x107FF}, Case{lvt_lint0, 0x1A7FF}, Case{lvt_lint1, 0x1A7FF},
                          Case{lvt_error, 0x100FF}, Case{divide, 0x0B}, Case{command_low, 0xCCFFF}}) {
        write(c.offset, ~0u);
        EXPECT_EQ(read(c.offset), c.expected) << c.offset;
    }
    write(spurious, 0x140); // the low four bits are ones
    EXPECT_EQ(read(spurious), 0x14Fu);
    write(destination_format, 0);
    EXPECT_EQ(read(destination_format), 0x0FFF'FFFFu);
}

TEST_F(LocalApicTest, AnAccessWithinSixteenBytesIsOneToTheirRegister) {
    write(task_priority + 4, 0x30);
    EXPECT_EQ(read(task_priority), 0x30u);
    EXPECT_EQ(read(task_priority + 12), 0x30u);
}

TEST_F(LocalApicTest, NarrowAccessesReadZeroAndWriteNothing) {
    write(task_priority, 0x30);
    EXPECT_EQ(apic.read(task_priority, 1), 0u);
    EXPECT_EQ(apic.read(task_priority, 2), 0u);
    apic.write(task_priority, 1, 0x50);
    apic.write(task_priority, 2, 0x50);
    EXPECT_EQ(read(task_priority), 0x30u);
}

// ---- Requests and priorities

TEST_F(LocalApicTest, AnInterruptGoesFromRequestToServiceToItsEnd) {
    enable();
    EXPECT_TRUE(apic.accept(0x31, false));
    EXPECT_TRUE(asks());
    EXPECT_TRUE(has(request, 0x31));
    EXPECT_EQ(apic.acknowledge(), 0x31);
    EXPECT_FALSE(asks());
    EXPECT_FALSE(has(request, 0x31));
    EXPECT_TRUE(has(in_service, 0x31));
    EXPECT_EQ(read(processor_priority), 0x30u);
    write(eoi, 0);
    EXPECT_FALSE(has(in_service, 0x31));
    EXPECT_EQ(read(processor_priority), 0u);
}

TEST_F(LocalApicTest, TheHighestVectorIsServedFirst) {
    enable();
    for (const uint8_t vector : std::initializer_list<uint8_t>{0x41, 0xFE, 0x42, 0x10, 0x80})
        apic.accept(vector, false);
    for (const int vector : {0xFE, 0x80, 0x42}) {
        EXPECT_EQ(apic.acknowledge(), vector);
        write(eoi, 0);
    }
    EXPECT_EQ(apic.acknowledge(), 0x41);
}

TEST_F(LocalApicTest, AHigherClassInterruptsALowerOne) {
    enable();
    apic.accept(0x41, false);
    EXPECT_EQ(apic.acknowledge(), 0x41);
    apic.accept(0x4F, false); // of the same class: has to wait
    EXPECT_FALSE(asks());
    apic.accept(0x50, false);
    EXPECT_TRUE(asks());
    EXPECT_EQ(apic.acknowledge(), 0x50);
    write(eoi, 0); // of the highest in service
    EXPECT_FALSE(has(in_service, 0x50));
    EXPECT_TRUE(has(in_service, 0x41));
    EXPECT_FALSE(asks());
    write(eoi, 0);
    EXPECT_EQ(apic.acknowledge(), 0x4F);
}

TEST_F(LocalApicTest, ARequestThatComesInServiceIsHeld) {
    enable();
    apic.accept(0x31, false);
    EXPECT_EQ(apic.acknowledge(), 0x31);
    apic.accept(0x31, false);
    EXPECT_TRUE(has(request, 0x31));
    EXPECT_TRUE(has(in_service, 0x31));
    write(eoi, 0);
    EXPECT_EQ(apic.acknowledge(), 0x31);
}

TEST_F(LocalApicTest, TheTaskPriorityHoldsBackItsClassAndLower) {
    enable();
    write(task_priority, 0x40);
    apic.accept(0x4F, false);
    EXPECT_FALSE(asks());
    EXPECT_EQ(read(processor_priority), 0x40u);
    write(task_priority, 0x3F);
    EXPECT_TRUE(asks());
    EXPECT_EQ(read(processor_priority), 0x3Fu);
}

TEST_F(LocalApicTest, ArbitrationPriorityIsThatOfTheManual) {
    enable();
    write(task_priority, 0x55);
    EXPECT_EQ(read(arbitration_priority), 0x55u);
    apic.accept(0x73, false);
    EXPECT_EQ(read(arbitration_priority), 0x70u);
    EXPECT_EQ(apic.acknowledge(), 0x73);
    EXPECT_EQ(read(arbitration_priority), 0x50u); // 5 and 7
    write(task_priority, 0x75);                   // not above what is served
    EXPECT_EQ(read(arbitration_priority), 0x70u);
}

TEST_F(LocalApicTest, AnAcknowledgeThatFindsNothingIsSpurious) {
    write(spurious, 0x1EF);
    apic.accept(0x31, false);
    write(task_priority, 0x30);
    EXPECT_EQ(apic.acknowledge(), 0xEF);
    EXPECT_FALSE(has(in_service, 0xEF));
    EXPECT_TRUE(has(request, 0x31));
}

TEST_F(LocalApicTest, AnEndOfInterruptWithoutServiceDoesNothing) {
    enable();
    write(eoi, 0);
    EXPECT_TRUE(ends.empty());
}

TEST_F(LocalApicTest, OnlyTheEndOfALevelInterruptIsBroadcast) {
    enable();
    apic.accept(0x31, false);
    EXPECT_EQ(apic.acknowledge(), 0x31);
    write(eoi, 0);
    EXPECT_TRUE(ends.empty());
    apic.accept(0x31, true);
    EXPECT_TRUE(has(trigger_mode, 0x31));
    EXPECT_EQ(apic.acknowledge(), 0x31);
    write(eoi, 0);
    EXPECT_EQ(ends, (std::vector<uint8_t>{0x31}));
    apic.accept(0x31, false);
    EXPECT_FALSE(has(trigger_mode, 0x31));
}

TEST_F(LocalApicTest, SwitchedOffBySoftwareItAcceptsNothingAndMasksItsTable) {
    enable();
    write(lvt_lint0, 0x700);
    apic.accept(0x31, false);
    write(spurious, 0xFF);
    EXPECT_FALSE(apic.accept(0x41, false));
    EXPECT_FALSE(has(request, 0x41));
    EXPECT_FALSE(asks());
    EXPECT_EQ(read(lvt_lint0), masked | 0x700);
    write(lvt_lint0, 0x700); // the mask cannot be taken away
    EXPECT_EQ(read(lvt_lint0), masked | 0x700);
    enable();
    EXPECT_EQ(read(lvt_lint0), masked | 0x700);
    EXPECT_EQ(apic.acknowledge(), 0x31); // what was requested has been held
}

// ---- Pins

TEST_F(LocalApicTest, TheVirtualWireIsAsSeaBiosLeavesIt) {
    sim::leave_virtual_wire(apic);
    EXPECT_EQ(read(spurious), 0x1FFu);
    EXPECT_EQ(read(lvt_lint0), 0x8700u);
    EXPECT_EQ(read(lvt_lint1), 0x8400u);
    EXPECT_EQ(errors(), 0u);
    apic.set_pin(LocalApic::lint0, true);
    EXPECT_TRUE(asks());
    EXPECT_EQ(apic.acknowledge(), LocalApic::ask_external);
    EXPECT_TRUE(asks()); // as long as the 8259 asks
    apic.set_pin(LocalApic::lint0, false);
    EXPECT_FALSE(asks());
    apic.set_pin(LocalApic::lint1, true);
    EXPECT_EQ(nmis, 1);
}

TEST_F(LocalApicTest, ExternalInterruptsKnowNoPriority) {
    sim::leave_virtual_wire(apic);
    write(task_priority, 0xFF);
    apic.accept(0xFE, false);
    apic.set_pin(LocalApic::lint0, true);
    EXPECT_TRUE(asks());
    EXPECT_EQ(apic.acknowledge(), LocalApic::ask_external);
    apic.set_pin(LocalApic::lint0, false);
    write(task_priority, 0);
    EXPECT_EQ(apic.acknowledge(), 0xFE);
    EXPECT_FALSE(has(in_service, 0xFF));
}

TEST_F(LocalApicTest, MaskingLint0StopsThe8259) {
    sim::leave_virtual_wire(apic);
    apic.set_pin(LocalApic::lint0, true);
    write(lvt_lint0, masked | 0x700);
    EXPECT_FALSE(asks());
    write(lvt_lint0, 0x700);
    EXPECT_TRUE(asks());
}

TEST_F(LocalApicTest, AFixedPinGivesOneInterruptPerEdge) {
    enable();
    write(lvt_lint1, 0x61);
    apic.set_pin(LocalApic::lint1, true);
    EXPECT_EQ(apic.acknowledge(), 0x61);
    write(eoi, 0);
    EXPECT_FALSE(asks());
    apic.set_pin(LocalApic::lint1, false);
    EXPECT_FALSE(asks());
    apic.set_pin(LocalApic::lint1, true);
    EXPECT_TRUE(asks());
}

TEST_F(LocalApicTest, AMaskedEdgeIsForgotten) {
    enable();
    write(lvt_lint1, masked | 0x61);
    apic.set_pin(LocalApic::lint1, true);
    write(lvt_lint1, 0x61);
    EXPECT_FALSE(asks());
}

TEST_F(LocalApicTest, AnActiveLowPinAsksWhenItFalls) {
    enable();
    apic.set_pin(LocalApic::lint1, true);
    write(lvt_lint1, 0x2061);
    EXPECT_FALSE(asks());
    apic.set_pin(LocalApic::lint1, false);
    EXPECT_TRUE(asks());
}

TEST_F(LocalApicTest, ALevelPinAsksAgainUntilItIsReleased) {
    enable();
    write(lvt_lint0, 0x8061);
    apic.set_pin(LocalApic::lint0, true);
    EXPECT_EQ(read(lvt_lint0), 0xC061u); // remote IRR
    EXPECT_EQ(apic.acknowledge(), 0x61);
    EXPECT_FALSE(has(request, 0x61));
    write(eoi, 0);
    EXPECT_EQ(apic.acknowledge(), 0x61); // still high
    apic.set_pin(LocalApic::lint0, false);
    write(eoi, 0);
    EXPECT_FALSE(asks());
    EXPECT_EQ(read(lvt_lint0), 0x8061u);
}

TEST_F(LocalApicTest, ALevelPinAsksOnceUntilItsEnd) {
    enable();
    write(lvt_lint0, 0x8061);
    apic.set_pin(LocalApic::lint0, true);
    EXPECT_EQ(apic.acknowledge(), 0x61);
    apic.set_pin(LocalApic::lint0, false);
    apic.set_pin(LocalApic::lint0, true);
    write(lvt_lint0, 0x8061);
    EXPECT_FALSE(has(request, 0x61));
}

TEST_F(LocalApicTest, WritingLint0AsAnEdgeClearsItsRemoteIrr) {
    enable();
    write(lvt_lint0, 0x8061);
    apic.set_pin(LocalApic::lint0, true);
    write(lvt_lint0, 0x0061);
    EXPECT_EQ(read(lvt_lint0), 0x0061u);
}

TEST_F(LocalApicTest, APinMayBeInit) {
    enable();
    write(lvt_lint1, 0x500);
    apic.set_pin(LocalApic::lint1, true);
    EXPECT_EQ(inits, 1);
    EXPECT_EQ(read(lvt_lint1), masked); // it is as after reset
}

// ---- The enable bit of APIC_BASE, and power

TEST_F(LocalApicTest, WithoutItLint0IsInterruptAndLint1Nmi) {
    apic.set_enabled(false);
    apic.set_pin(LocalApic::lint0, true);
    EXPECT_TRUE(asks());
    EXPECT_EQ(apic.acknowledge(), LocalApic::ask_external);
    apic.set_pin(LocalApic::lint0, false);
    EXPECT_FALSE(asks());
    apic.set_pin(LocalApic::lint1, true);
    apic.set_pin(LocalApic::lint1, true);
    EXPECT_EQ(nmis, 1);
    EXPECT_FALSE(apic.deliver({0x71, ApicDelivery::fixed, 0, false, false}));
}

TEST_F(LocalApicTest, SwitchedOffItReadsAsAfterReset) {
    sim::leave_virtual_wire(apic);
    write(task_priority, 0x50);
    write(divide, 0xB);
    apic.set_enabled(false);
    EXPECT_EQ(read(spurious), 0xFFu);
    EXPECT_EQ(read(lvt_lint0), masked);
    EXPECT_EQ(read(task_priority), 0u);
    EXPECT_EQ(read(divide), 0u);
    EXPECT_EQ(read(version), 0x0004'0011u);
    write(task_priority, 0x70); // ignored
    apic.set_enabled(true);
    EXPECT_EQ(read(task_priority), 0x50u);
}

TEST_F(LocalApicTest, SwitchedOnAgainItHasItsConfigurationButNoRequests) {
    sim::leave_virtual_wire(apic);
    write(lvt_timer, 0x20051);
    write(initial_count, 100);
    apic.accept(0x31, false);
    EXPECT_EQ(apic.acknowledge(), 0x31);
    apic.accept(0x41, true);
    apic.set_enabled(false);
    EXPECT_FALSE(asks());
    EXPECT_EQ(apic.next_event(), never);
    apic.set_enabled(true);
    EXPECT_FALSE(asks());
    EXPECT_FALSE(has(request, 0x41));
    EXPECT_FALSE(has(in_service, 0x31));
    EXPECT_EQ(read(current_count), 0u);
    apic.set_pin(LocalApic::lint0, true);
    EXPECT_TRUE(asks()); // the virtual wire is as it was
}

TEST_F(LocalApicTest, APowerCycleLosesEverythingButThePins) {
    sim::leave_virtual_wire(apic);
    write(id, 0x0300'0000);
    apic.accept(0x31, false);
    apic.set_pin(LocalApic::lint0, true);
    write(initial_count, 100);
    apic.power_cycle(bus.time_of(10));
    EXPECT_FALSE(asks());
    EXPECT_EQ(apic.next_event(), never);
    EXPECT_EQ(read(id), 0u);
    EXPECT_EQ(read(initial_count), 0u);
    sim::leave_virtual_wire(apic);
    EXPECT_TRUE(asks());
}

TEST_F(LocalApicTest, AResetSwitchesItOnAgain) {
    apic.set_enabled(false);
    apic.reset(0);
    sim::leave_virtual_wire(apic);
    EXPECT_EQ(read(spurious), 0x1FFu);
}

} // namespace
} // namespace fixpoint::models
