// Main memory on the bus: a TLM target that grants direct access to all of it.
#pragma once

#include "models/bus/blocking_target.hpp"
#include "models/memory/physical_memory.hpp"

namespace fixpoint::models {

class MemoryModule final : public sc_core::sc_module, public BlockingTarget {
public:
    tlm::tlm_target_socket<> socket{"socket"};

    MemoryModule(const sc_core::sc_module_name& name, PhysicalMemory& memory);

    void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) override;
    bool get_direct_mem_ptr(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi) override;
    unsigned transport_dbg(tlm::tlm_generic_payload& payload) override;

private:
    PhysicalMemory& memory_;
};

} // namespace fixpoint::models
