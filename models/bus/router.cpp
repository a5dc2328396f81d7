#include "models/bus/router.hpp"

#include "models/bus/transfer.hpp"

#include <algorithm>

namespace fixpoint::models {

Router::Router(const sc_core::sc_module_name& name) : sc_module{name} {
    in.bind(*this);
    out.register_invalidate_direct_mem_ptr(this, &Router::invalidate_direct_mem_ptr);
}

void Router::end_of_elaboration() {
    for (Entry& entry : entries_)
        entry.interface = out[static_cast<int>(entry.target)];
}

void Router::move(unsigned target, unsigned index, uint64_t first, bool enabled) {
    for (Entry& entry : entries_) {
        if (entry.target != target || index-- != 0)
            continue;
        entry.range.last = first + (entry.range.last - entry.range.first);
        entry.range.first = first;
        entry.enabled = enabled;
        return;
    }
}

const Router::Entry* Router::find(uint64_t address) const {
    const auto covers = [address](const Entry& e) {
        return e.enabled && e.range.first <= address && address <= e.range.last;
    };
    if (last_found_ < entries_.size() && covers(entries_[last_found_]))
        return &entries_[last_found_];
    const auto entry = std::find_if(entries_.begin(), entries_.end(), covers);
    if (entry == entries_.end())
        return nullptr;
    last_found_ = static_cast<size_t>(entry - entries_.begin());
    return &*entry;
}

void Router::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    const uint64_t address = payload.get_address();
    const unsigned bytes = payload.get_data_length();
    const Entry* entry = find(address);
    if (bytes > 1 && entry != nullptr && entry->range.byte_wide) {
        for (unsigned i = 0; i < bytes; ++i) {
            tlm::tlm_generic_payload part;
            prepare(part, payload.get_command(), address + i, payload.get_data_ptr() + i, 1);
            b_transport(part, delay);
        }
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
        return;
    }
    if (entry == nullptr || address + bytes - 1 > entry->range.last) {
        if (on_unclaimed)
            on_unclaimed(address, bytes, payload.is_write());
        if (payload.is_read())
            std::fill_n(payload.get_data_ptr(), bytes, uint8_t{0xFF});
        payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
        return;
    }
    payload.set_address(address - entry->range.first + entry->range.offset);
    entry->interface->b_transport(payload, delay);
    payload.set_address(address);
}

bool Router::get_direct_mem_ptr(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi) {
    const uint64_t address = payload.get_address();
    const Entry* entry = find(address);
    if (entry == nullptr)
        return false;
    const uint64_t shift =
        entry->range.first - entry->range.offset; // of target to router addresses, modulo 2^64
    payload.set_address(address - shift);
    const bool granted = entry->interface->get_direct_mem_ptr(payload, dmi);
    payload.set_address(address);
    if (granted) {
        dmi.set_start_address(std::max<uint64_t>(dmi.get_start_address() + shift, entry->range.first));
        dmi.set_end_address(std::min<uint64_t>(dmi.get_end_address() + shift, entry->range.last));
    }
    return granted;
}

unsigned Router::transport_dbg(tlm::tlm_generic_payload& payload) {
    const uint64_t address = payload.get_address();
    const Entry* entry = find(address);
    if (entry == nullptr)
        return 0;
    payload.set_address(address - entry->range.first + entry->range.offset);
    const unsigned done = entry->interface->transport_dbg(payload);
    payload.set_address(address);
    return done;
}

void Router::invalidate_direct_mem_ptr(int target, sc_dt::uint64 first, sc_dt::uint64 last) {
    for (const Entry& entry : entries_)
        if (entry.target == static_cast<unsigned>(target)) {
            const uint64_t shift = entry.range.first - entry.range.offset;
            for (int i = 0; i < in.size(); ++i)
                in[i]->invalidate_direct_mem_ptr(first + shift, last + shift);
        }
}

} // namespace fixpoint::models
