#include "models/bus/dma_port.hpp"

#include "models/bus/transfer.hpp"

namespace fixpoint::models {

DmaPort::DmaPort(const sc_core::sc_module_name& name) : sc_module{name} {}

bool DmaPort::transfer(tlm::tlm_command command, uint32_t address, uint8_t* data, size_t bytes) {
    tlm::tlm_generic_payload payload;
    prepare(payload, command, address, data, static_cast<unsigned>(bytes));
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    socket->b_transport(payload, delay);
    return payload.is_response_ok();
}

bool DmaPort::read(uint32_t address, std::span<uint8_t> data) {
    return transfer(tlm::TLM_READ_COMMAND, address, data.data(), data.size());
}

bool DmaPort::write(uint32_t address, std::span<const uint8_t> data) {
    // The generic payload has one pointer for both directions; a write does not change what it points to.
    if (!transfer(tlm::TLM_WRITE_COMMAND, address, const_cast<uint8_t*>(data.data()), data.size()))
        return false;
    if (on_write)
        on_write(address, static_cast<uint32_t>(data.size()));
    return true;
}

} // namespace fixpoint::models
