// PCI configuration mechanism 1 (PCI 2.2, 3.2.2.3.2), as far as finding a function by its class needs it.
#pragma once

#include <cstdint>

#include "pager/ide/ports.hpp"

namespace pager {

struct PciFunction {
    uint32_t address = 0; // of its configuration space, bit 31 set; 0: none

    bool exists() const { return address != 0; }
    uint32_t read(uint32_t offset) const {
        out_dword(address_port, address | (offset & 0xFCu));
        return in_dword(data_port);
    }
    void write(uint32_t offset, uint32_t value) const {
        out_dword(address_port, address | (offset & 0xFCu));
        out_dword(data_port, value);
    }

    static constexpr uint16_t address_port = 0xCF8, data_port = 0xCFC;
    static constexpr uint32_t id_offset = 0x00, command_offset = 0x04, class_offset = 0x08,
                              header_offset = 0x0C, bar4_offset = 0x20;
    static constexpr uint32_t command_io_space = 1u << 0, command_bus_master = 1u << 2;
};

// The first function on bus 0 with this class and subclass.
inline PciFunction find_pci_class(uint32_t class_code) {
    for (uint32_t device = 0; device < 32; ++device) {
        uint32_t functions = 1;
        for (uint32_t number = 0; number < functions; ++number) {
            const PciFunction function{1u << 31 | device << 11 | number << 8};
            if ((function.read(PciFunction::id_offset) & 0xFFFFu) == 0xFFFFu)
                continue;
            if (number == 0 && (function.read(PciFunction::header_offset) >> 23 & 1) != 0)
                functions = 8; // header type bit 7: more than one function
            if (function.read(PciFunction::class_offset) >> 16 == class_code)
                return function;
        }
    }
    return {};
}

} // namespace pager
