// Interrupts on their way to the core; the registers are in local_apic_registers.cpp.
#include "models/chipset/local_apic.hpp"

#include "models/chipset/local_apic_bits.hpp"

#include <cassert>

namespace fixpoint::models {

using namespace local_apic;

LocalApic::LocalApic(uint64_t bus_hz) : timer_{bus_hz} {}

void LocalApic::power_cycle(Picoseconds now) {
    now_ = now;
    enabled_ = true;
    registers_ = {};
    timer_.reset();
    update();
}

// The identifier survives (SDM vol. 3, 10.4.7.3).
void LocalApic::initialise() {
    const uint32_t id = registers_.id;
    registers_ = {};
    registers_.id = id;
    timer_.reset();
    update();
    if (on_init)
        on_init();
}

void LocalApic::set_enabled(bool enabled) {
    if (enabled == enabled_)
        return;
    enabled_ = enabled;
    registers_.request = registers_.in_service = registers_.level_triggered = {};
    registers_.external_request = false;
    registers_.errors = registers_.error_status = registers_.command_low = registers_.command_high = 0;
    for (uint32_t& entry : registers_.vector_table)
        entry &= ~remote_irr;
    timer_.stop();
    serve_level_pin();
    update();
}

void LocalApic::advance(Picoseconds now) {
    now_ = now;
    if (timer_.advance(now))
        signal(timer_entry);
}

Picoseconds LocalApic::next_event() const {
    return (registers_.vector_table[timer_entry] & masked) != 0 ? never : timer_.next_expiry();
}

// ---- Interrupts on their way to the core

bool LocalApic::software_enabled() const {
    return enabled_ && (registers_.spurious & software_enable) != 0;
}

bool LocalApic::is_addressed(uint8_t destination, bool logical) const {
    if (!logical) {
        const uint32_t id = destination & apic_id_mask;
        return id == apic_broadcast || id == registers_.id >> id_shift;
    }
    const uint32_t mine = registers_.logical_destination >> id_shift;
    if ((registers_.destination_format & model_field) == model_flat)
        return (destination & mine) != 0;
    constexpr uint32_t cluster = 0xF0, members = 0x0F, broadcast = 0xFF; // cluster model
    return destination == broadcast ||
           ((destination & cluster) == (mine & cluster) && (destination & mine & members) != 0);
}

bool LocalApic::deliver(const ApicMessage& message) {
    return enabled_ && is_addressed(message.destination, message.logical) &&
           receive(message.delivery, message.vector, message.level_triggered);
}

bool LocalApic::receive(ApicDelivery delivery, uint8_t vector, bool level_triggered) {
    switch (delivery) {
    case ApicDelivery::fixed:
    case ApicDelivery::lowest_priority:
        return accept(vector, level_triggered);
    case ApicDelivery::nmi:
        if (on_nmi)
            on_nmi();
        break;
    case ApicDelivery::init:
        initialise();
        break;
    case ApicDelivery::external:
        registers_.external_request = true;
        update();
        break;
    case ApicDelivery::start_up:          // the processor runs already
    case ApicDelivery::system_management: // there is no system management mode
    case ApicDelivery::reserved:
        break;
    }
    return true;
}

bool LocalApic::accept(uint8_t vector, bool level_triggered) {
    if (!software_enabled())
        return false;
    if (vector < first_apic_vector) {
        report(receive_illegal_vector);
        return true;
    }
    registers_.request.put(vector, true);
    registers_.level_triggered.put(vector, level_triggered);
    update();
    return true;
}

bool LocalApic::is_asserted(Pin pin) const {
    const bool low = (registers_.vector_table[entry_of(pin)] & active_low) != 0;
    return pins_[pin] != low;
}

void LocalApic::set_pin(unsigned pin, bool level) {
    assert(pin < pins_.size());
    const auto input = static_cast<Pin>(pin);
    const bool was_level = pins_[pin], was_asserted = is_asserted(input);
    pins_[pin] = level;
    if (!enabled_) {
        if (input == lint1 && level && !was_level && on_nmi)
            on_nmi();
    } else if (is_asserted(input) && !was_asserted) {
        signal(entry_of(input));
    }
    update();
}

// A source of the local vector table has become active.
void LocalApic::signal(Entry entry) {
    const uint32_t value = registers_.vector_table[entry];
    if ((value & masked) != 0)
        return;
    const ApicDelivery delivery = delivery_of(value);
    if (delivery == ApicDelivery::external)
        return; // follows its pin: asks_external()
    if (entry == lint0_entry && delivery == ApicDelivery::fixed && (value & level_trigger) != 0)
        serve_level_pin();
    else
        receive(delivery, static_cast<uint8_t>(value), false);
}

// LINT0 alone can be level-sensitive (SDM vol. 3, 10.5.1); a request stands until its end of interrupt.
void LocalApic::serve_level_pin() {
    uint32_t& entry = registers_.vector_table[lint0_entry];
    if ((entry & (level_trigger | masked | remote_irr)) != level_trigger ||
        delivery_of(entry) != ApicDelivery::fixed || !is_asserted(lint0))
        return;
    if (accept(static_cast<uint8_t>(entry), true))
        entry |= remote_irr;
}

bool LocalApic::asks_external() const {
    const auto passes = [this](Pin pin) {
        const uint32_t entry = registers_.vector_table[entry_of(pin)];
        return (entry & masked) == 0 && delivery_of(entry) == ApicDelivery::external && is_asserted(pin);
    };
    return registers_.external_request || passes(lint0) || passes(lint1);
}

// The vector that the core would get now; -1: none.
int LocalApic::deliverable() const {
    const int vector = registers_.request.highest();
    const bool passes = software_enabled() && priority_class(vector) > processor_priority(registers_) >> 4;
    return passes ? vector : -1;
}

void LocalApic::update() {
    interrupt.set(enabled_ ? deliverable() >= 0 || asks_external() : pins_[lint0]);
}

int LocalApic::acknowledge() {
    if (!enabled_)
        return ask_external;
    int vector = deliverable();
    if (asks_external()) { // knows no priority: first, as in QEMU
        registers_.external_request = false;
        vector = ask_external;
    } else if (vector >= 0) {
        registers_.request.put(static_cast<uint8_t>(vector), false);
        registers_.in_service.put(static_cast<uint8_t>(vector), true);
    } else { // withdrawn, or the task priority has risen above it
        vector = static_cast<int>(registers_.spurious & vector_field);
    }
    update();
    return vector;
}

void LocalApic::end_of_interrupt() {
    const int highest = registers_.in_service.highest();
    if (highest < 0)
        return;
    const auto vector = static_cast<uint8_t>(highest);
    registers_.in_service.put(vector, false);
    if (registers_.level_triggered.has(vector)) {
        uint32_t& entry = registers_.vector_table[lint0_entry];
        if ((entry & vector_field) == vector)
            entry &= ~remote_irr;
        if (on_end_of_interrupt)
            on_end_of_interrupt(vector);
        serve_level_pin();
    }
    update();
}

// An error is told to the core when it is the first of its kind since the error status was last written.
void LocalApic::report(uint32_t error) {
    const bool is_new = (registers_.errors & error) == 0;
    registers_.errors |= error;
    if (is_new)
        signal(error_entry);
}

} // namespace fixpoint::models
