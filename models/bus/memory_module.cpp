#include "models/bus/memory_module.hpp"

#include <cstring>

namespace fixpoint::models {

MemoryModule::MemoryModule(const sc_core::sc_module_name& name, PhysicalMemory& memory)
    : sc_module{name}, memory_{memory} {
    socket.bind(*this);
}

unsigned MemoryModule::transport_dbg(tlm::tlm_generic_payload& payload) {
    const unsigned bytes = payload.get_data_length();
    if (!memory_.contains(payload.get_address(), bytes))
        return 0;
    uint8_t* place = memory_.data() + payload.get_address();
    if (payload.is_write())
        std::memcpy(place, payload.get_data_ptr(), bytes);
    else if (payload.is_read())
        std::memcpy(payload.get_data_ptr(), place, bytes);
    return bytes;
}

void MemoryModule::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time&) {
    const bool done = transport_dbg(payload) == payload.get_data_length();
    payload.set_dmi_allowed(done);
    payload.set_response_status(done ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

bool MemoryModule::get_direct_mem_ptr(tlm::tlm_generic_payload&, tlm::tlm_dmi& dmi) {
    dmi.set_dmi_ptr(memory_.data());
    dmi.set_start_address(0);
    dmi.set_end_address(memory_.size() - 1);
    dmi.allow_read_write();
    return true;
}

} // namespace fixpoint::models
