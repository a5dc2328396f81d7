// A TLM target that is called directly, without the callback tables of the convenience sockets: register accesses
// are frequent. It answers at once, so that a non-blocking call is complete when it returns.
#pragma once

#include "models/bus/systemc.hpp"

namespace fixpoint::models {

class BlockingTarget : public tlm::tlm_fw_transport_if<> {
public:
    tlm::tlm_sync_enum nb_transport_fw(tlm::tlm_generic_payload& payload, tlm::tlm_phase&,
                                       sc_core::sc_time& delay) override {
        b_transport(payload, delay);
        return tlm::TLM_COMPLETED;
    }
    bool get_direct_mem_ptr(tlm::tlm_generic_payload&, tlm::tlm_dmi&) override { return false; }
    unsigned transport_dbg(tlm::tlm_generic_payload&) override { return 0; }
};

} // namespace fixpoint::models
