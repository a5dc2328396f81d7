// A device model on the bus: a thin module that lets time pass for it and hands it its register accesses.
//
// The device's clock is brought to the present before each access; a timed event stands at the instant the
// device names as its next, and is set anew after everything that may have moved it.
#pragma once

#include "models/bus/blocking_target.hpp"
#include "models/bus/transfer.hpp"
#include "models/device.hpp"

#include <concepts>
#include <utility>

namespace fixpoint::models {

template<std::derived_from<Device> D>
class DeviceModule final : public sc_core::sc_module, public BlockingTarget {
public:
    tlm::tlm_target_socket<> socket{"socket"};
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
        const auto offset = static_cast<uint32_t>(payload.get_address());
        if (payload.is_read())
            set_payload_value(payload, device.read(offset, payload.get_data_length()));
        else
            device.write(offset, payload.get_data_length(), payload_value(payload));
        reschedule();
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
    }

    // After something outside the bus changed the device: input from the host, a reset.
    void reschedule() { wake_.set(device.next_event()); }
    void advance() { device.advance(simulated_now()); }

private:
    void wake_up() {
        wake_.clear();
        advance();
        reschedule();
    }

    Alarm wake_{"wake"};
};

} // namespace fixpoint::models
