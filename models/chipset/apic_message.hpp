// What travels on the APIC bus: an interrupt on its way from an I/O APIC, or from a local APIC's command register, to a
// local APIC.
//
// Sources: 82093AA data sheet (290566), section 3.2.4; Intel SDM vol. 3, 10.6.1. Both give the fields alike.
#pragma once

#include <cstdint>

namespace fixpoint::models {

enum class ApicDelivery : uint8_t {
    fixed = 0,
    lowest_priority = 1,
    system_management = 2,
    reserved = 3,
    nmi = 4,
    init = 5,
    start_up = 6, // from a local APIC only
    external = 7, // ExtINT: the vector comes from the 8259
};

struct ApicMessage {
    uint8_t vector;
    ApicDelivery delivery;
    uint8_t destination; // an APIC's number, or a set of APICs
    bool logical;        // which of the two
    bool level_triggered;

    bool operator==(const ApicMessage&) const = default;
};

// A broadcast by number on the P6's bus, whose numbers have four bits.
inline constexpr uint8_t apic_id_mask = 0x0F, apic_broadcast = 0x0F;
// Vectors below are the processor's own.
inline constexpr uint8_t first_apic_vector = 16;

} // namespace fixpoint::models
