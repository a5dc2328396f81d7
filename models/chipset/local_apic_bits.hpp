// Fields of the local APIC's registers (SDM vol. 3, chapter 10), for the two halves of its model.
#pragma once

#include "models/chipset/apic_message.hpp"

#include <cstdint>

namespace fixpoint::models::local_apic {

// Entries of the local vector table.
inline constexpr uint32_t vector_field = 0xFF, level_trigger = 1u << 15, remote_irr = 1u << 14,
                          active_low = 1u << 13, delivery_field = 7u << 8;
inline constexpr unsigned delivery_shift = 8;

inline constexpr uint32_t software_enable = 1u << 8; // spurious vector register
inline constexpr unsigned id_shift = 24;             // of identifiers and destinations
inline constexpr uint32_t model_field = 0xF000'0000, model_flat = 0xF000'0000; // destination format

// Error status.
inline constexpr uint32_t send_accept_error = 1u << 2, send_illegal_vector = 1u << 5,
                          receive_illegal_vector = 1u << 6, illegal_register = 1u << 7;

constexpr uint32_t priority_class(int vector) {
    return vector < 0 ? 0 : static_cast<uint32_t>(vector) >> 4;
}

constexpr ApicDelivery delivery_of(uint32_t value) {
    return static_cast<ApicDelivery>((value & delivery_field) >> delivery_shift);
}

} // namespace fixpoint::models::local_apic
