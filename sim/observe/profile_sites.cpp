#include "sim/observe/profile_sites.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace fixpoint::sim {
namespace {

constexpr uint64_t key_of(uint32_t high, uint32_t low) {
    return uint64_t{high} << 32 | low;
}

} // namespace

ProfileCalls& ProfileSite::calls_of(const ProfileSite& callee) {
    for (const auto& known : calls)
        if (known->callee == callee.function)
            return *known;
    calls.push_back(std::make_unique<ProfileCalls>(ProfileCalls{callee.function, callee.address, 0, {}}));
    return *calls.back();
}

ProfileSites::Page& ProfileSites::page_of(uint32_t linear, uint32_t frame, std::span<const uint8_t> content) {
    const uint32_t first = linear & ~(page_bytes - 1);
    Known& known = known_[key_of(frame, first)];
    if (known.page != nullptr &&
        (known.place
             ? code_.agrees({known.place->module, known.place->address + (linear - first)}, linear, content)
             : !code_.identify(linear, content)))
        return *known.page;
    const auto place = code_.identify(linear, content);
    if (place)
        known.place = GuestCodeMap::Place{place->module, place->address - (linear - first)};
    else
        known.place.reset();
    known.page =
        known.place ? &page_in(known.place->module, known.place->address) : &page_in(no_module, first);
    return *known.page;
}

ProfileSites::Page& ProfileSites::page_in(uint32_t module, uint32_t first_address) {
    std::unique_ptr<Page>& page = pages_[key_of(module, first_address)];
    if (!page) {
        page = std::make_unique<Page>();
        page->first_address = first_address;
        page->module = module;
    }
    return *page;
}

ProfileSite& ProfileSites::add(Page& page, uint32_t linear, std::span<const uint8_t> code, bool code32) {
    ProfileSite& site = sites_.emplace_back();
    site.address = page.first_address + linear % page_bytes;
    site.flow = control_flow_of(code, code32);
    site.function = &function_at(page.module, site.address);
    if (page.module != no_module)
        site.line = code_.modules()[page.module].line_at(site.address);
    page.sites[linear % page_bytes] = &site;
    return site;
}

ProfileFunction& ProfileSites::function_at(uint32_t module, uint32_t address) {
    const GuestModule::Function* named =
        module == no_module ? nullptr : code_.modules()[module].function_at(address);
    const uint32_t begin = named != nullptr ? named->begin : address & ~(page_bytes - 1);
    ProfileFunction& function = functions_[key_of(module, begin)];
    if (function.name.empty()) {
        function.module = module;
        function.name = named != nullptr ? named->name
                                         : fmt::format("{:#010x}-{:#010x}", begin, begin + (page_bytes - 1));
        if (named != nullptr)
            function.line = named->line;
    }
    return function;
}

} // namespace fixpoint::sim
