// Decodes addresses: I/O ports or physical addresses to the targets bound behind it.
//
// A target sees offsets: (address - first) + the range's own offset, so that a device with several port
// ranges has one register file. Where nobody answers, reads give all ones and writes vanish, as on the PC's
// buses, and the response is an address error: the processor does not notice, a bus master does (master abort). An access wider than a byte-wide range's registers is split into bytes, each decoded for itself, as
// the ISA bridge does.
#pragma once

#include "models/address_range.hpp"
#include "models/bus/blocking_target.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace fixpoint::models {

class Router final : public sc_core::sc_module, public BlockingTarget {
public:
    using Range = AddressRange;
    using Target = tlm_utils::multi_passthrough_initiator_socket<Router>;

    tlm::tlm_target_socket<32, tlm::tlm_base_protocol_types, 0> in{"in"}; // any number of initiators
    Target out{"out"};

    // An access that nobody answers.
    std::function<void(uint64_t address, unsigned bytes, bool write)> on_unclaimed;

    explicit Router(const sc_core::sc_module_name& name);

    // Binds a target and gives it ranges; ranges do not overlap. Returns the target's number. Before
    // simulation.
    template<typename Socket>
    unsigned attach(Socket& target, std::span<const Range> ranges) {
        out.bind(target);
        const auto number = static_cast<unsigned>(out.size() - 1);
        for (const Range& range : ranges)
            entries_.push_back({range, number, true, nullptr});
        return number;
    }
    // Moves the `index`-th range of a target (a base address register was written), or stops decoding it.
    void move(unsigned target, unsigned index, uint64_t first, bool enabled);

    void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) override;
    bool get_direct_mem_ptr(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi) override;
    unsigned transport_dbg(tlm::tlm_generic_payload& payload) override;

private:
    struct Entry {
        Range range;
        unsigned target;
        bool enabled;
        tlm::tlm_fw_transport_if<>* interface; // of the target, once elaborated
    };

    void end_of_elaboration() override;
    void invalidate_direct_mem_ptr(int target, sc_dt::uint64 first, sc_dt::uint64 last);
    [[nodiscard]] const Entry* find(uint64_t address) const;

    std::vector<Entry> entries_;
    mutable size_t last_found_ = 0; // where find() looks first
};

} // namespace fixpoint::models
