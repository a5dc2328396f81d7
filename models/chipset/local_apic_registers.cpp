// The local APIC as software sees it.
#include "models/chipset/local_apic.hpp"
#include "models/chipset/local_apic_bits.hpp"

#include <algorithm>

namespace fixpoint::models {

using namespace local_apic;

namespace {

// Registers, by offset / 16 (SDM vol. 3, table 10-1).
enum : uint32_t {
    reg_id = 0x02,
    reg_version = 0x03,
    reg_task_priority = 0x08,
    reg_arbitration_priority = 0x09,
    reg_processor_priority = 0x0A,
    reg_end_of_interrupt = 0x0B,
    reg_remote_read = 0x0C,
    reg_logical_destination = 0x0D,
    reg_destination_format = 0x0E,
    reg_spurious = 0x0F,
    reg_in_service = 0x10, // eight each
    reg_trigger_mode = 0x18,
    reg_request = 0x20,
    reg_error_status = 0x28,
    reg_command_low = 0x30,
    reg_command_high = 0x31,
    reg_timer = 0x32,
    reg_performance = 0x34,
    reg_lint0 = 0x35,
    reg_lint1 = 0x36,
    reg_error = 0x37,
    reg_initial_count = 0x38,
    reg_current_count = 0x39,
    reg_divide = 0x3E,
};
constexpr uint32_t register_bytes = 16, vector_words = 8;
constexpr uint32_t no_register = ~0u;

// Local vector table: what software may write, in the order of the entries.
constexpr std::array<uint32_t, 5> entry_writable{0x300FF, 0x107FF, 0x1A7FF, 0x1A7FF, 0x100FF};

// Interrupt command register, low half.
constexpr uint32_t command_writable = 0x000C'CFFF, command_logical = 1u << 11, command_assert = 1u << 14,
                   command_level = 1u << 15;
constexpr unsigned shorthand_shift = 18;
enum Shorthand : uint32_t { no_shorthand, self, all, others };

constexpr uint32_t timer_periodic = 1u << 17;
constexpr uint32_t spurious_writable = 0x3F0, spurious_fixed = 0x0F;
constexpr uint32_t id_writable = uint32_t{apic_id_mask} << id_shift;

// Number of the register's entry in the local vector table; no_register: it has none.
constexpr uint32_t entry_index(uint32_t number) {
    if (number == reg_timer)
        return 0;
    return number >= reg_performance && number <= reg_error ? number - reg_performance + 1 : no_register;
}

constexpr bool is_register(uint32_t number) {
    return number == reg_id || number == reg_version || number == reg_divide ||
           (number >= reg_task_priority && number <= reg_error_status) || number == reg_command_low ||
           number == reg_command_high || entry_index(number) != no_register || number == reg_initial_count ||
           number == reg_current_count;
}

} // namespace

uint32_t LocalApic::processor_priority(const Registers& r) {
    const uint32_t served = priority_class(r.in_service.highest());
    return r.task_priority >> 4 >= served ? r.task_priority : served << 4;
}

// SDM vol. 3, 10.6.2.4.
uint32_t LocalApic::arbitration_priority(const Registers& r) {
    const uint32_t task = r.task_priority >> 4, requested = priority_class(r.request.highest()),
                   served = priority_class(r.in_service.highest());
    if (task >= requested && task > served)
        return r.task_priority;
    return std::max(task & served, requested) << 4;
}

// All but the timer's counters.
uint32_t LocalApic::stored(const Registers& r, uint32_t number) {
    if (const uint32_t entry = entry_index(number); entry != no_register)
        return r.vector_table[entry];
    if (number >= reg_in_service && number < reg_error_status) {
        const VectorSet& set = number < reg_trigger_mode ? r.in_service
                               : number < reg_request    ? r.level_triggered
                                                         : r.request;
        return set.word(number % vector_words);
    }
    switch (number) {
    case reg_id:
        return r.id;
    case reg_version:
        return version | (entries - 1u) << 16;
    case reg_task_priority:
        return r.task_priority;
    case reg_arbitration_priority:
        return arbitration_priority(r);
    case reg_processor_priority:
        return processor_priority(r);
    case reg_logical_destination:
        return r.logical_destination;
    case reg_destination_format:
        return r.destination_format;
    case reg_spurious:
        return r.spurious;
    case reg_error_status:
        return r.error_status;
    case reg_command_low:
        return r.command_low;
    case reg_command_high:
        return r.command_high;
    default: // write-only, or the remote read, for which there is nobody
        return 0;
    }
}

uint32_t LocalApic::read(uint32_t offset, unsigned bytes) {
    if (bytes != sizeof(uint32_t))
        return 0;
    const uint32_t number = offset / register_bytes;
    if (!enabled_)
        return stored(Registers{}, number);
    switch (number) {
    case reg_initial_count:
        return timer_.initial_count();
    case reg_current_count:
        return timer_.current_count(now_);
    case reg_divide:
        return timer_.divide_configuration();
    default:
        break;
    }
    if (!is_register(number))
        report(illegal_register);
    return stored(registers_, number);
}

void LocalApic::write(uint32_t offset, unsigned bytes, uint32_t value) {
    const uint32_t number = offset / register_bytes;
    if (bytes != sizeof value || !enabled_)
        return;
    if (is_register(number))
        write_register(number, value);
    else
        report(illegal_register);
    update();
}

void LocalApic::write_register(uint32_t number, uint32_t value) {
    if (const uint32_t entry = entry_index(number); entry != no_register)
        return write_entry(static_cast<Entry>(entry), value);
    switch (number) {
    case reg_id:
        registers_.id = value & id_writable;
        break;
    case reg_task_priority:
        registers_.task_priority = value & 0xFF;
        break;
    case reg_end_of_interrupt:
        end_of_interrupt();
        break;
    case reg_logical_destination:
        registers_.logical_destination = value & 0xFFu << id_shift;
        break;
    case reg_destination_format:
        registers_.destination_format = value | ~model_field;
        break;
    case reg_spurious:
        write_spurious(value);
        break;
    case reg_error_status: // shows what has come since the last write
        registers_.error_status = registers_.errors;
        registers_.errors = 0;
        break;
    case reg_command_low:
        registers_.command_low = value & command_writable;
        send_command();
        break;
    case reg_command_high:
        registers_.command_high = value & 0xFFu << id_shift;
        break;
    case reg_initial_count:
        timer_.start(value, now_);
        break;
    case reg_divide:
        timer_.set_divide_configuration(value, now_);
        break;
    default:
        break; // read-only
    }
}

// Switched off by software it holds its local vector table masked (SDM vol. 3, 10.4.7.2).
void LocalApic::write_spurious(uint32_t value) {
    registers_.spurious = (value & spurious_writable) | spurious_fixed;
    if (!software_enabled())
        for (uint32_t& entry : registers_.vector_table)
            entry |= masked;
}

void LocalApic::write_entry(Entry entry, uint32_t value) {
    uint32_t& place = registers_.vector_table[entry];
    place = (value & entry_writable[entry]) | (place & remote_irr);
    if ((place & level_trigger) == 0)
        place &= ~remote_irr;
    if (!software_enabled())
        place |= masked;
    if (entry == timer_entry)
        timer_.set_periodic((place & timer_periodic) != 0);
    // An illegal vector is an error when it is written, even if it is masked (SDM vol. 3, 10.5.2).
    if (delivery_of(place) == ApicDelivery::fixed && (place & vector_field) < first_apic_vector)
        report(receive_illegal_vector);
    serve_level_pin();
}

void LocalApic::send_command() {
    const uint32_t command = registers_.command_low;
    const ApicDelivery delivery = delivery_of(command);
    if (delivery == ApicDelivery::init && (command & (command_assert | command_level)) == command_level)
        return; // INIT de-assert loads the arbitration identifiers and does nothing else
    const auto vector = static_cast<uint8_t>(command);
    const auto shorthand = static_cast<Shorthand>(command >> shorthand_shift & 3);
    if ((delivery == ApicDelivery::fixed || delivery == ApicDelivery::lowest_priority) &&
        vector < first_apic_vector) {
        report(send_illegal_vector);
        if (shorthand == self)
            report(receive_illegal_vector);
        return;
    }
    const auto destination = static_cast<uint8_t>(registers_.command_high >> id_shift);
    const bool to_itself = shorthand == no_shorthand
                               ? is_addressed(destination, (command & command_logical) != 0)
                               : shorthand != others;
    if (!to_itself || !receive(delivery, vector, false))
        report(send_accept_error); // there is nobody else
}

} // namespace fixpoint::models
