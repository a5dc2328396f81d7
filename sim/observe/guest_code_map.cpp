#include "sim/observe/guest_code_map.hpp"

#include <algorithm>

namespace fixpoint::sim {
namespace {

constexpr uint32_t page_bytes = 4096;
constexpr size_t longest_instruction = 15;

// Equal bytes of the page and the module's code.
size_t equal_bytes(const GuestModule& module, uint32_t address, std::span<const uint8_t> page) {
    const uint32_t first = address & ~(page_bytes - 1);
    size_t equal = 0;
    for (uint32_t offset = 0; offset < page_bytes;) {
        const auto code = module.code_at(first + offset, page_bytes - offset);
        if (code.empty()) {
            ++offset; // a gap between sections
            continue;
        }
        for (size_t i = 0; i < code.size(); ++i)
            equal += code[i] == page[offset + i] ? 1 : 0;
        offset += static_cast<uint32_t>(code.size());
    }
    return equal;
}

} // namespace

GuestCodeMap::GuestCodeMap(const std::vector<std::filesystem::path>& files) {
    for (const std::filesystem::path& file : files)
        if (std::ranges::find(modules_, file, &GuestModule::file) == modules_.end())
            modules_.emplace_back(file);
}

bool GuestCodeMap::agrees(Place place, uint32_t linear, std::span<const uint8_t> page) const {
    const uint32_t offset = linear % page_bytes;
    const size_t in_page = std::min<size_t>(longest_instruction, page_bytes - offset);
    const auto code = modules_[place.module].code_at(place.address, in_page);
    return !code.empty() && std::ranges::equal(code, page.subspan(offset, code.size()));
}

std::optional<GuestCodeMap::Place> GuestCodeMap::identify(uint32_t linear,
                                                          std::span<const uint8_t> page) const {
    std::optional<Place> best;
    size_t most = 0;
    for (uint32_t number = 0; number < modules_.size(); ++number)
        for (const uint32_t address : modules_[number].link_addresses(linear)) {
            if ((address ^ linear) % page_bytes != 0 || !agrees({number, address}, linear, page))
                continue;
            if (const size_t equal = equal_bytes(modules_[number], address, page); equal > most) {
                most = equal;
                best = Place{number, address};
            }
        }
    return best;
}

} // namespace fixpoint::sim
