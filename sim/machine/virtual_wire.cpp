#include "sim/machine/virtual_wire.hpp"

namespace fixpoint::sim {

void leave_virtual_wire(models::LocalApic& apic) {
    constexpr uint32_t spurious = 0x0F0, lint0 = 0x350, lint1 = 0x360;
    constexpr uint32_t enabled_vector_ff = 0x1FF, external_level = 0x8700, nmi_level = 0x8400;
    struct Setting {
        uint32_t offset, value;
    };
    // Enabled first: until then the local vector table stays masked.
    for (const Setting& setting :
         {Setting{spurious, enabled_vector_ff}, Setting{lint0, external_level}, Setting{lint1, nmi_level}})
        apic.write(setting.offset, sizeof setting.value, setting.value);
}

} // namespace fixpoint::sim
