// Reading and writing model-specific registers by number, and the events that performance counters count.
#include "models/cpu/core.hpp"

namespace fixpoint::models {

uint64_t Core::event_count(PerformanceEvent event) const {
    switch (event) {
    case PerformanceEvent::cpu_clk_unhalted:
        return cycles_now() - clock.idle;
    case PerformanceEvent::inst_retired:
        return instructions_now();
    case PerformanceEvent::dcu_lines_in:
        return counters.l1_data_misses;
    case PerformanceEvent::ifu_ifetch_miss:
        return counters.l1_instruction_misses;
    case PerformanceEvent::itlb_miss:
        return counters.instruction_tlb_misses;
    case PerformanceEvent::l2_lines_in:
        return counters.l2_misses;
    case PerformanceEvent::br_miss_pred_retired:
        return counters.branch_mispredictions;
    case PerformanceEvent::hw_int_rx:
        return counters.interrupts;
    }
    return 0;
}

void Core::account_performance() {
    performance.account(privilege != 0, [this](PerformanceEvent event) { return event_count(event); });
}

uint64_t Core::performance_counter(uint32_t index) {
    account_performance();
    return performance.value(index);
}

bool Core::read_msr(uint32_t number, uint64_t& value) {
    switch (number) {
    case msr::tsc:
        value = cycles_now() + tsc_offset;
        return has_feature(feature::tsc);
    case msr::sysenter_cs:
        value = sysenter_cs;
        return has_feature(feature::sep);
    case msr::sysenter_esp:
        value = sysenter_esp;
        return has_feature(feature::sep);
    case msr::sysenter_eip:
        value = sysenter_eip;
        return has_feature(feature::sep);
    case msr::performance_counter0:
    case msr::performance_counter0 + 1:
        value = performance_counter(number - msr::performance_counter0);
        return true;
    case msr::event_select0:
    case msr::event_select0 + 1:
        value = performance.select(number - msr::event_select0);
        return true;
    default:
        return registers_by_number.read(number, value);
    }
}

bool Core::write_msr(uint32_t number, uint64_t value) {
    const auto low = static_cast<uint32_t>(value);
    switch (number) {
    case msr::tsc: // P6: the low half is written, the high half cleared (SDM vol. 3, 17.17)
        if (!has_feature(feature::tsc))
            return false;
        tsc_offset = uint64_t{low} - cycles_now();
        return true;
    case msr::sysenter_cs:
        sysenter_cs = has_feature(feature::sep) ? low : 0;
        return has_feature(feature::sep);
    case msr::sysenter_esp:
        sysenter_esp = has_feature(feature::sep) ? low : 0;
        return has_feature(feature::sep);
    case msr::sysenter_eip:
        sysenter_eip = has_feature(feature::sep) ? low : 0;
        return has_feature(feature::sep);
    case msr::performance_counter0:
    case msr::performance_counter0 + 1:
        account_performance();
        performance.set_value(number - msr::performance_counter0, low);
        return true;
    case msr::event_select0:
    case msr::event_select0 + 1:
        account_performance();
        return performance.set_select(number - msr::event_select0, value,
                                      [this](PerformanceEvent event) { return event_count(event); });
    case msr::apic_base:
        if (!registers_by_number.write(number, value))
            return false;
        bus.local_apic_moved(low & msr::apic_base_address, (low & msr::apic_base_enable) != 0);
        return true;
    default:
        return registers_by_number.write(number, value);
    }
}

} // namespace fixpoint::models
