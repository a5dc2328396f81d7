// Which module the code at an address belongs to.
//
// An address alone does not tell: programs are linked at the same addresses, and run in address spaces that
// come and go. So the memory's content decides: a module has the code if its bytes are what is being
// executed, and of several such modules the one that agrees with most of the page.
#pragma once

#include "sim/observe/guest_module.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

namespace fixpoint::sim {

class GuestCodeMap {
public:
    // Each file once.
    explicit GuestCodeMap(const std::vector<std::filesystem::path>& files);

    struct Place {
        uint32_t module = 0;  // index
        uint32_t address = 0; // as linked

        bool operator==(const Place&) const = default;
    };
    // `page`: the 4 KB of memory that `linear` is in. Nothing: code of no module.
    [[nodiscard]] std::optional<Place> identify(uint32_t linear, std::span<const uint8_t> page) const;
    // Whether the memory around `linear` still is what the module has there.
    [[nodiscard]] bool agrees(Place place, uint32_t linear, std::span<const uint8_t> page) const;

    [[nodiscard]] const std::deque<GuestModule>& modules() const { return modules_; }

private:
    std::deque<GuestModule> modules_;
};

} // namespace fixpoint::sim
