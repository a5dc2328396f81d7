// The profile of a run: what every instruction of the guest has cost, exactly.
//
// The processor tells before each instruction at which cycle and count it stands; what lies between two such
// instants belongs to the instruction that the first one preceded: its execution, its misses and walks, the
// fetch of its bytes, and the delivery of a fault or interrupt that follows it. Cycles in which the processor
// waits in HLT are kept apart. So the costs add up to the run's cycles and instructions without a remainder,
// and the profile observes only: modelled time does not depend on it.
#pragma once

#include "models/cpu/instruction_observer.hpp"
#include "sim/machine/boot_image.hpp"
#include "sim/machine/machine.hpp"
#include "sim/observe/call_stacks.hpp"
#include "sim/observe/profile_sites.hpp"

#include <cstdint>

namespace fixpoint::sim {

class Profile final : public models::InstructionObserver, private StackView {
public:
    // Observes from now on; the files of `image` name the code. The machine outlives the profile.
    Profile(Machine& machine, const BootImage& image);
    ~Profile() override;

    bool before_instruction(uint32_t linear) override;

    // The machine's memory is gone, and all stacks with it.
    void power_cycle();
    // Nothing counts from here on; also from probes.
    void end();

    [[nodiscard]] const ProfileSites& sites() const { return sites_; }
    [[nodiscard]] uint64_t idle_cycles() const { return idle_cycles_; }
    // What passed before the first instruction after power-on.
    [[nodiscard]] const ProfileCost& unattributed() const { return unattributed_; }
    // Everything, idle time included.
    [[nodiscard]] ProfileCost total() const;

private:
    struct Counters {
        uint64_t instructions = 0, cycles = 0, idle = 0;
    };
    [[nodiscard]] Counters counters() const;
    [[nodiscard]] ProfileCost charge();
    [[nodiscard]] ProfileSite& site_at(uint32_t linear);
    [[nodiscard]] ProfileSite& new_site(uint32_t linear);
    void enter_page(uint32_t linear);
    [[nodiscard]] std::span<const uint8_t> memory_page(uint32_t linear, uint32_t& frame) const;

    [[nodiscard]] uint64_t place_of(uint32_t stack_pointer) const override;
    [[nodiscard]] uint32_t interrupted_stack_pointer(uint32_t stack_pointer) const override;

    Machine& machine_;
    const models::Cpu& cpu_;
    ProfileSites sites_;
    CallStacks stacks_{*this};
    std::vector<uint8_t> no_memory_ = std::vector<uint8_t>(ProfileSites::page_bytes);

    Counters start_, last_;
    uint64_t idle_cycles_ = 0;
    ProfileCost unattributed_;
    ProfileSite* previous_ = nullptr;
    uint32_t previous_linear_ = 0, previous_stack_ = 0;
    ProfileSites::Page* page_ = nullptr; // that the last instruction was in
    uint32_t page_linear_ = 0, page_cr3_ = 0;
    bool page_is_mapped_ = false;
    bool ended_ = false;
};

} // namespace fixpoint::sim
