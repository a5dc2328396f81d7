#include "models/cpu/msr.hpp"

#include "models/cpu/cpuid.hpp"

namespace fixpoint::models {

namespace {

constexpr uint64_t address_36 = 0xF'FFFF'F000; // bits 35:12

// APIC_BASE, SDM vol. 3, figure "IA32_APIC_BASE MSR".
constexpr uint64_t apic_bootstrap = 1u << 8, apic_default = 0xFEE0'0000;
constexpr uint64_t apic_valid = address_36 | apic_bootstrap | msr::apic_base_enable;

// What software may set in EBL_CR_POWERON; the other bits show how the pins were strapped at reset.
constexpr uint64_t power_on_writable = 0x0400'00DE;
// TEST_CTL: streaming buffers off, LOCK# on splits off.
constexpr uint64_t test_control_valid = 0xC000'0000;
// DEBUGCTL: LBR, BTF, PB3:0, TR.
constexpr uint64_t debug_control_valid = 0x7F;
// ROB_CR_BKUPTMPDR6: fast strings.
constexpr uint64_t fast_strings = 1u << 2;
// MCG_STATUS: RIPV, EIPV, MCIP.
constexpr uint64_t machine_check_status_valid = 7;
constexpr uint64_t machine_check_has_control = 1u << 8; // of MCG_CAP, above the number of banks

// Memory type ranges, SDM vol. 3, 11.11.
constexpr uint64_t capability_fixed = 1u << 8, capability_write_combining = 1u << 10;
constexpr uint64_t mask_valid = 1u << 11;
constexpr uint64_t default_fixed_enable = 1u << 10, default_enable = 1u << 11, type_field = 0xFF;

// PAT after reset: write-back, write-through, uncached minus, uncacheable, twice (SDM vol. 3, table 11-12).
constexpr uint64_t page_attributes_reset = 0x0007'0406'0007'0406;

// UC, WC, WT, WP, WB; the PAT has "UC-" besides.
constexpr bool is_memory_type(uint64_t type) {
    return type == 0 || type == 1 || (type >= 4 && type <= 6);
}
constexpr bool is_page_attribute(uint64_t type) {
    return is_memory_type(type) || type == 7;
}
template<class Check>
bool all_bytes(uint64_t value, Check check) {
    for (unsigned shift = 0; shift < 64; shift += 8)
        if (!check(value >> shift & type_field))
            return false;
    return true;
}

// Stores a value that must not have other bits.
bool store(uint64_t& place, uint64_t value, uint64_t valid) {
    if ((value & ~valid) != 0)
        return false;
    place = value;
    return true;
}

} // namespace

void ModelSpecificRegisters::reset() {
    apic_base_ = apic_default | msr::apic_base_enable | apic_bootstrap;
    power_on_ = test_control_ = bios_signature_ = debug_control_ = 0;
    rob_backup_ = fast_strings;
    machine_check_status_ = machine_check_control_ = 0;
    page_attributes_ = page_attributes_reset;
    ranges_.fill(0);
    bank_control_.fill(0);
}

bool ModelSpecificRegisters::read(uint32_t number, uint64_t& value) const {
    switch (number) {
    case msr::platform_id: // platform 0
    case msr::last_branch_from:
    case msr::last_branch_to:
    case msr::last_interrupt_from:
    case msr::last_interrupt_to:
        value = 0;
        return true;
    case msr::apic_base:
        value = apic_base_;
        return true;
    case msr::ebl_cr_poweron:
        value = power_on_;
        return true;
    case msr::test_ctl:
        value = test_control_;
        return true;
    case msr::bios_signature:
        value = bios_signature_;
        return true;
    case msr::debug_control:
        value = debug_control_;
        return true;
    case msr::rob_cr_bkuptmpdr6:
        value = rob_backup_;
        return true;
    case msr::page_attributes:
        value = page_attributes_;
        return has(feature::pat);
    case msr::mtrr_capability:
        value = variable_ranges | capability_fixed | capability_write_combining;
        return has(feature::mtrr);
    default:
        break;
    }
    if (const size_t range = range_index(number); range != range_registers) {
        value = ranges_[range];
        return true;
    }
    return read_machine_check(number, value);
}

bool ModelSpecificRegisters::write(uint32_t number, uint64_t value) {
    switch (number) {
    case msr::apic_base:
        return store(apic_base_, value, apic_valid);
    case msr::ebl_cr_poweron:
        return store(power_on_, value, power_on_writable);
    case msr::test_ctl:
        return store(test_control_, value, test_control_valid);
    case msr::bios_update_trigger: // there is no update that this processor would accept
        return true;
    case msr::bios_signature:
        return store(bios_signature_, value, ~uint64_t{0});
    case msr::debug_control:
        return store(debug_control_, value, debug_control_valid);
    case msr::rob_cr_bkuptmpdr6:
        return store(rob_backup_, value, fast_strings);
    case msr::page_attributes:
        return has(feature::pat) && all_bytes(value, is_page_attribute) &&
               store(page_attributes_, value, ~uint64_t{0});
    default:
        return range_index(number) != range_registers ? write_range(number, value)
                                                      : write_machine_check(number, value);
    }
}

// ---- Memory type ranges

size_t ModelSpecificRegisters::range_index(uint32_t number) const {
    const auto within = [number](uint32_t first, size_t count) {
        return number >= first && number < first + count;
    };
    if (!has(feature::mtrr))
        return range_registers;
    if (within(msr::mtrr_variable, first_fixed))
        return number - msr::mtrr_variable;
    if (within(msr::mtrr_fixed_64k, 1))
        return first_fixed;
    if (within(msr::mtrr_fixed_16k, 2))
        return first_fixed + 1 + (number - msr::mtrr_fixed_16k);
    if (within(msr::mtrr_fixed_4k, 8))
        return first_fixed + 3 + (number - msr::mtrr_fixed_4k);
    return number == msr::mtrr_default ? default_range : range_registers;
}

bool ModelSpecificRegisters::write_range(uint32_t number, uint64_t value) {
    const size_t index = range_index(number);
    uint64_t& place = ranges_[index];
    if (index == default_range)
        return is_memory_type(value & type_field) &&
               store(place, value, type_field | default_fixed_enable | default_enable);
    if (index >= first_fixed)
        return all_bytes(value, is_memory_type) && store(place, value, ~uint64_t{0});
    if ((index & 1) != 0)
        return store(place, value, address_36 | mask_valid);
    return is_memory_type(value & type_field) && store(place, value, address_36 | type_field);
}

// ---- Machine checks: five banks of control, status, address and miscellaneous (not in a P6)

bool ModelSpecificRegisters::read_machine_check(uint32_t number, uint64_t& value) const {
    if (!has(feature::mca))
        return false;
    switch (number) {
    case msr::p5_machine_check_address:
    case msr::p5_machine_check_type:
        value = 0;
        return true;
    case msr::machine_check_capability:
        value = banks | machine_check_has_control;
        return true;
    case msr::machine_check_status:
        value = machine_check_status_;
        return true;
    case msr::machine_check_control:
        value = machine_check_control_;
        return true;
    default:
        break;
    }
    const uint32_t index = number - msr::machine_check_banks, kind = index % 4;
    if (number < msr::machine_check_banks || index / 4 >= banks || kind == 3)
        return false;
    value = kind == 0 ? bank_control_[index / 4] : 0;
    return true;
}

bool ModelSpecificRegisters::write_machine_check(uint32_t number, uint64_t value) {
    if (!has(feature::mca))
        return false;
    switch (number) {
    case msr::p5_machine_check_address: // of the last error: there was none
    case msr::p5_machine_check_type:
        return value == 0;
    case msr::machine_check_status:
        return store(machine_check_status_, value, machine_check_status_valid);
    case msr::machine_check_control: // all or nothing
        return (value == 0 || value == ~uint64_t{0}) && store(machine_check_control_, value, value);
    default:
        break;
    }
    const uint32_t index = number - msr::machine_check_banks, kind = index % 4;
    if (number < msr::machine_check_banks || index / 4 >= banks || kind == 3)
        return false;
    if (kind != 0) // status and address may only be cleared, and no error has set them
        return value == 0;
    bank_control_[index / 4] = value;
    return true;
}

} // namespace fixpoint::models
