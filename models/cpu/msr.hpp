// The model-specific registers of the P6 family (Intel SDM vol. 4, table "MSRs in the P6 family processors"),
// but for those that live elsewhere: the time-stamp counter and SYSENTER's in Core, the performance counters
// in PerformanceCounters.
//
// They are kept and checked as on hardware. What stands in them does not steer the model: memory types change
// neither caching nor timing, no machine check ever happens, and no branches are recorded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace fixpoint::models {

namespace msr {
inline constexpr uint32_t p5_machine_check_address = 0, p5_machine_check_type = 1, tsc = 0x10,
                          platform_id = 0x17, apic_base = 0x1B, ebl_cr_poweron = 0x2A, test_ctl = 0x33,
                          bios_update_trigger = 0x79, bios_signature = 0x8B, performance_counter0 = 0xC1,
                          mtrr_capability = 0xFE, sysenter_cs = 0x174, sysenter_esp = 0x175,
                          sysenter_eip = 0x176, machine_check_capability = 0x179,
                          machine_check_status = 0x17A, machine_check_control = 0x17B, event_select0 = 0x186,
                          debug_control = 0x1D9, last_branch_from = 0x1DB, last_branch_to = 0x1DC,
                          last_interrupt_from = 0x1DD, last_interrupt_to = 0x1DE, rob_cr_bkuptmpdr6 = 0x1E0,
                          mtrr_variable = 0x200, mtrr_fixed_64k = 0x250, mtrr_fixed_16k = 0x258,
                          mtrr_fixed_4k = 0x268, page_attributes = 0x277, mtrr_default = 0x2FF,
                          machine_check_banks = 0x400;
// IA32_APIC_BASE: the registers' address and the global enable bit.
inline constexpr uint32_t apic_base_address = 0xFFFF'F000, apic_base_enable = 1u << 11;
} // namespace msr

class ModelSpecificRegisters {
public:
    explicit ModelSpecificRegisters(uint32_t features) : features_{features} { reset(); }

    void reset();
    // False: there is no such register, or it cannot be read or written like this (#GP).
    [[nodiscard]] bool read(uint32_t number, uint64_t& value) const;
    [[nodiscard]] bool write(uint32_t number, uint64_t value);

    [[nodiscard]] bool apic_enabled() const { return (apic_base_ & msr::apic_base_enable) != 0; }

private:
    static constexpr uint32_t variable_ranges = 8, banks = 5;
    // Base and mask of each variable range, the fixed ranges (one register for 64 KB blocks, two for 16 KB,
    // eight for 4 KB), the default type.
    static constexpr size_t first_fixed = size_t{2} * variable_ranges, default_range = first_fixed + 11,
                            range_registers = default_range + 1;

    [[nodiscard]] bool has(uint32_t feature) const { return (features_ & feature) != 0; }
    // Where a memory type range's register is in ranges_{}; range_registers: it is none.
    [[nodiscard]] size_t range_index(uint32_t number) const;
    [[nodiscard]] bool write_range(uint32_t number, uint64_t value);
    [[nodiscard]] bool read_machine_check(uint32_t number, uint64_t& value) const;
    [[nodiscard]] bool write_machine_check(uint32_t number, uint64_t value);

    uint32_t features_;
    uint64_t apic_base_ = 0, power_on_ = 0, test_control_ = 0, bios_signature_ = 0, debug_control_ = 0,
             rob_backup_ = 0;
    uint64_t machine_check_status_ = 0, machine_check_control_ = 0;
    uint64_t page_attributes_ = 0;
    std::array<uint64_t, range_registers> ranges_{};
    std::array<uint64_t, banks> bank_control_{};
};

} // namespace fixpoint::models
