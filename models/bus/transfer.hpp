// One register access or memory transfer as a TLM-2.0 transaction.
#pragma once

#include "models/bus/systemc.hpp"

#include <cstdint>

namespace fixpoint::models {

// The value of a payload of 1, 2 or 4 bytes; IA-32 and all hosts supported are little-endian.
inline uint32_t payload_value(const tlm::tlm_generic_payload& payload) {
    uint32_t value = 0;
    for (unsigned i = 0; i < payload.get_data_length(); ++i)
        value |= uint32_t{payload.get_data_ptr()[i]} << 8 * i;
    return value;
}
inline void set_payload_value(tlm::tlm_generic_payload& payload, uint32_t value) {
    for (unsigned i = 0; i < payload.get_data_length(); ++i)
        payload.get_data_ptr()[i] = static_cast<uint8_t>(value >> 8 * i);
}

inline void prepare(tlm::tlm_generic_payload& payload, tlm::tlm_command command, uint64_t address,
                    uint8_t* data, unsigned bytes) {
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(data);
    payload.set_data_length(bytes);
    payload.set_streaming_width(bytes);
    payload.set_byte_enable_ptr(nullptr);
    payload.set_dmi_allowed(false);
    payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
}

} // namespace fixpoint::models
