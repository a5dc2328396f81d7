// The local APIC of a P6 processor: 4 KB of registers at 0xFEE00000, between the interrupt pins and the core.
//
// Sources: Intel SDM vol. 3, chapter 10, where it differs between families the P6's side; MP specification 1.4,
// section 3.6 for the virtual wire. One processor is alone on the APIC bus: a message is for this APIC or for nobody.
//
//   LINT0, LINT1 --+                               +--> on_nmi, on_init
//   timer, error --+--> local vector table --------+
//   deliver() --------> destination match ---------+--> IRR --> ISR --> interrupt, acknowledge()
//   command register -> (to itself)                |
//                       ExtINT --------------------+--> interrupt, acknowledge() = ask_external
//
// Version 0x11 with five entries in the vector table (register value 0x00040011) is the Pentium III's, and what
// software of its time takes for an integrated APIC; QEMU shows the Pentium 4's 0x00050014. So there is no thermal
// entry, identifiers have four bits, and the low four bits of the spurious vector are ones.
//
// Chosen where the manual leaves it open: accesses of less than 32 bits read 0 and write nothing, and an access
// anywhere within 16 bytes is one to their register (both as QEMU); delivery is instantaneous, so delivery status is
// always idle; an APIC switched off by APIC_BASE reads as after reset, loses its requests and its count, and has its
// configuration back when it is switched on again (on hardware that "may be lost"; QEMU keeps it). Any number of
// requests of one priority is held, where the P6 has room for two and lets the sender repeat the others.
#pragma once

#include "models/chipset/apic_message.hpp"
#include "models/chipset/apic_timer.hpp"
#include "models/chipset/vector_set.hpp"
#include "models/device.hpp"
#include "models/wire.hpp"

#include <array>
#include <cstdint>
#include <functional>

namespace fixpoint::models {

class LocalApic final : public Device {
public:
    static constexpr uint32_t base = 0xFEE0'0000, size = 0x1000;
    static constexpr uint8_t version = 0x11;
    static constexpr int ask_external = -1; // of acknowledge()
    enum Pin : unsigned { lint0, lint1 };

    Wire interrupt;                        // INTR of the core
    std::function<void()> on_nmi, on_init; // both optional
    // A level-triggered interrupt has ended: for the I/O APIC. Optional.
    std::function<void(uint8_t vector)> on_end_of_interrupt;

    // `bus_hz`: the front-side bus's clock, which drives the timer.
    explicit LocalApic(uint64_t bus_hz);

    // A message on the APIC bus. False: it is not for this APIC, or its software has switched it off.
    bool deliver(const ApicMessage& message);
    // A fixed interrupt. False: not accepted.
    bool accept(uint8_t vector, bool level_triggered);
    void set_pin(unsigned pin, bool level);
    // The global enable bit of APIC_BASE. Off: LINT0 is the core's INTR, LINT1 its NMI.
    void set_enabled(bool enabled);
    // INTA: the vector, or ask_external: the 8259 gives it.
    [[nodiscard]] int acknowledge();

    // After advance(now): reads and writes are at that instant.
    uint32_t read(uint32_t offset, unsigned bytes) override;
    void write(uint32_t offset, unsigned bytes, uint32_t value) override;
    void advance(Picoseconds now) override;
    [[nodiscard]] Picoseconds next_event() const override;
    // The levels on the pins are their drivers', and stay.
    void power_cycle(Picoseconds now) override;

private:
    // Entries of the local vector table.
    enum Entry : unsigned { timer_entry, performance_entry, lint0_entry, lint1_entry, error_entry, entries };
    static constexpr Entry entry_of(Pin pin) { return pin == lint0 ? lint0_entry : lint1_entry; }
    static constexpr uint32_t masked = 1u << 16;

    struct Registers {
        uint32_t id = 0, task_priority = 0, logical_destination = 0;
        uint32_t destination_format = 0xFFFF'FFFF, spurious = 0xFF;
        uint32_t command_low = 0, command_high = 0;
        std::array<uint32_t, entries> vector_table{masked, masked, masked, masked, masked};
        uint32_t error_status = 0, errors = 0; // as read; collected since
        VectorSet request, in_service, level_triggered;
        bool external_request = false; // an ExtINT by message
    };

    [[nodiscard]] static uint32_t stored(const Registers& registers, uint32_t number);
    [[nodiscard]] static uint32_t processor_priority(const Registers& registers);
    [[nodiscard]] static uint32_t arbitration_priority(const Registers& registers);
    void write_register(uint32_t number, uint32_t value);
    void write_spurious(uint32_t value);
    void write_entry(Entry entry, uint32_t value);
    void send_command();
    void end_of_interrupt();
    void report(uint32_t error);

    [[nodiscard]] bool software_enabled() const;
    [[nodiscard]] bool is_addressed(uint8_t destination, bool logical) const;
    bool receive(ApicDelivery delivery, uint8_t vector, bool level_triggered);
    void initialise(); // INIT
    void signal(Entry entry);
    void serve_level_pin();
    [[nodiscard]] bool is_asserted(Pin pin) const;
    [[nodiscard]] bool asks_external() const;
    [[nodiscard]] int deliverable() const;
    void update();

    Picoseconds now_ = 0;
    bool enabled_ = true;
    std::array<bool, 2> pins_{};
    Registers registers_;
    ApicTimer timer_;
};

} // namespace fixpoint::models
