// Main memory on the bus: a TLM target that grants direct access to all of it.
#pragma once

#include "models/bus/systemc.hpp"
#include "models/memory/physical_memory.hpp"

namespace fixpoint::models {

class MemoryModule final : public sc_core::sc_module {
public:
    tlm_utils::simple_target_socket<MemoryModule> socket{"socket"};

    MemoryModule(const sc_core::sc_module_name& name, PhysicalMemory& memory);

private:
    void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    bool get_direct_mem_ptr(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi);
    unsigned transport_debug(tlm::tlm_generic_payload& payload);

    PhysicalMemory& memory_;
};

} // namespace fixpoint::models
