// A device model on the bus: a thin module that lets time pass for it and hands it its register accesses.
//
// The device's clock is brought to the present before each access; a timed event stands at the instant the
// device names as its next, and is set anew after everything that may have moved it.
#pragma once

#include "models/bus/blocking_target.hpp"
#include "models/device.hpp"

#include <algorithm>
#include <concepts>
#include <cstring>
#include <utility>

namespace fixpoint::models {

template<std::derived_from<Device> D>
class DeviceModule final : public sc_core::sc_module, public BlockingTarget {
public:
    tlm::tlm_target_socket<32, tlm::tlm_base_protocol_types, 0> socket{"socket"}; // any number of initiators
    D device;

    template<typename... Arguments>
    explicit DeviceModule(const sc_core::sc_module_name& name, Arguments&&... arguments)
        : sc_module{name}, device{std::forward<Arguments>(arguments)...} {
        socket.bind(*this);
        SC_HAS_PROCESS(DeviceModule);
        SC_METHOD(wake_up);
        sensitive << wake_.event();
        dont_initialize();
    }

    void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time&) override {
        advance();
        const unsigned length = payload.get_data_length();
        for (unsigned done = 0; done < length; done += register_bytes)
            access(payload, done, std::min(length - done, register_bytes));
        reschedule();
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
    }

    // After something outside the bus changed the device: input from the host, a reset.
    void reschedule() { wake_.set(device.next_event()); }
    void advance() { device.advance(simulated_now()); }

private:
    static constexpr unsigned register_bytes = 4; // a bus master's transfer may be longer

    // `bytes` of the transfer, `done` bytes from its beginning.
    void access(tlm::tlm_generic_payload& payload, unsigned done, unsigned bytes) {
        const auto offset = static_cast<uint32_t>(payload.get_address() + done);
        uint8_t* data = payload.get_data_ptr() + done;
        uint32_t value = 0;
        if (payload.is_read()) {
            value = device.read(offset, bytes);
            std::memcpy(data, &value, bytes); // little-endian, as all hosts supported
        } else {
            std::memcpy(&value, data, bytes);
            device.write(offset, bytes, value);
        }
    }
    void wake_up() {
        wake_.clear();
        advance();
        reschedule();
    }

    Alarm wake_{"wake"};
};

} // namespace fixpoint::models
