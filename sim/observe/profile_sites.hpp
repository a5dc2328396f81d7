// The instructions that a profile has seen, and what each has cost.
//
// A site is one instruction of one module, wherever and in however many address spaces it ran. Code that
// belongs to no module is kept by its linear address, all such code together.
#pragma once

#include "sim/observe/control_flow.hpp"
#include "sim/observe/guest_code_map.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace fixpoint::sim {

struct ProfileCost {
    uint64_t instructions = 0, cycles = 0;

    ProfileCost& operator+=(const ProfileCost& other) {
        instructions += other.instructions;
        cycles += other.cycles;
        return *this;
    }
    ProfileCost operator-(const ProfileCost& other) const {
        return {instructions - other.instructions, cycles - other.cycles};
    }
    bool operator==(const ProfileCost&) const = default;
};

inline constexpr uint32_t no_module = ~0u;

struct ProfileFunction {
    std::string name;
    uint32_t module = no_module;
    GuestModule::Line line; // of its first instruction
};

struct ProfileSite;

// All the calls of one function by one instruction.
struct ProfileCalls {
    const ProfileFunction* callee = nullptr;
    uint32_t callee_address = 0;
    uint64_t count = 0;
    ProfileCost inclusive;
};

struct ProfileSite {
    uint32_t address = 0; // as linked
    ProfileFunction* function = nullptr;
    GuestModule::Line line;
    ControlFlow flow;
    ProfileCost self;
    std::vector<std::unique_ptr<ProfileCalls>> calls;

    ProfileCalls& calls_of(const ProfileSite& callee);
};

class ProfileSites {
public:
    static constexpr uint32_t page_bytes = 4096;

    struct Page {
        uint32_t first_address = 0; // as linked
        uint32_t module = no_module;
        std::array<ProfileSite*, page_bytes> sites{};
    };

    explicit ProfileSites(const std::vector<std::filesystem::path>& files) : code_{files} {}

    // The page that holds the code at `linear`, which the memory `content` (4 KB) of frame `frame` backs.
    [[nodiscard]] Page& page_of(uint32_t linear, uint32_t frame, std::span<const uint8_t> content);
    // The instruction at `linear` in the page; `code` are its bytes, looked at if it is new.
    [[nodiscard]] ProfileSite& add(Page& page, uint32_t linear, std::span<const uint8_t> code, bool code32);

    [[nodiscard]] const std::deque<ProfileSite>& all() const { return sites_; }
    [[nodiscard]] const std::deque<GuestModule>& modules() const { return code_.modules(); }

private:
    struct Known {                                // a page of memory that has been looked at
        std::optional<GuestCodeMap::Place> place; // of its first byte
        Page* page = nullptr;
    };
    [[nodiscard]] Page& page_in(uint32_t module, uint32_t first_address);
    [[nodiscard]] ProfileFunction& function_at(uint32_t module, uint32_t address);

    GuestCodeMap code_;
    std::unordered_map<uint64_t, Known> known_;                 // by frame and linear page
    std::unordered_map<uint64_t, std::unique_ptr<Page>> pages_; // by module and address as linked
    std::unordered_map<uint64_t, ProfileFunction> functions_;   // by module and address of the first byte
    std::deque<ProfileSite> sites_;
};

} // namespace fixpoint::sim
