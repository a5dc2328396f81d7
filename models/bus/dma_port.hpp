// A bus master's way to memory as a TLM initiator. Writes are snooped: whoever caches memory hears of them.
#pragma once

#include "models/bus/systemc.hpp"
#include "models/chipset/bus_master.hpp"

#include <functional>

namespace fixpoint::models {

class DmaPort final : public sc_core::sc_module, public BusMasterMemory {
public:
    tlm_utils::simple_initiator_socket<DmaPort> socket{"socket"};
    std::function<void(uint32_t address, uint32_t bytes)> on_write;

    explicit DmaPort(const sc_core::sc_module_name& name);

    bool read(uint32_t address, std::span<uint8_t> data) override;
    bool write(uint32_t address, std::span<const uint8_t> data) override;

private:
    bool transfer(tlm::tlm_command command, uint32_t address, uint8_t* data, size_t bytes);
};

} // namespace fixpoint::models
