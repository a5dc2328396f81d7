// RDMSR, WRMSR, RDTSC and RDPMC.
#include "models/cpu/handler_support.hpp"

namespace fixpoint::models {

namespace {

// All of them fault with #GP(0) only.
void refuse(Core& core, const Op* op) {
    core.raise_protection();
    core.fault_exit(op);
}

void set_edx_eax(Core& core, uint64_t value) {
    core.registers[reg_eax] = static_cast<uint32_t>(value);
    core.registers[reg_edx] = static_cast<uint32_t>(value >> 32);
}

void write_msr_op(Core& core, const Op* op) {
    core.current = op;
    const uint64_t value = uint64_t{core.registers[reg_edx]} << 32 | core.registers[reg_eax];
    if (core.privilege != 0 || !core.write_msr(core.registers[reg_ecx], value))
        return refuse(core, op);
    return next(core, op);
}

void read_msr_op(Core& core, const Op* op) {
    core.current = op;
    uint64_t value = 0;
    if (core.privilege != 0 || !core.read_msr(core.registers[reg_ecx], value))
        return refuse(core, op);
    set_edx_eax(core, value);
    return next(core, op);
}

void read_tsc_op(Core& core, const Op* op) {
    core.current = op;
    if ((core.mmu.cr4 & Mmu::cr4_tsd) != 0 && core.privilege != 0)
        return refuse(core, op);
    set_edx_eax(core, core.cycles_now() + core.tsc_offset);
    core.clock.cycles += core.parameters.rdtsc_cycles;
    return next(core, op);
}

void read_performance_counter_op(Core& core, const Op* op) {
    core.current = op;
    const uint32_t index = core.registers[reg_ecx];
    if (((core.mmu.cr4 & Mmu::cr4_pce) == 0 && core.privilege != 0) || index >= PerformanceCounters::count)
        return refuse(core, op);
    set_edx_eax(core, core.performance_counter(index));
    core.clock.cycles += core.parameters.rdtsc_cycles;
    return next(core, op);
}

} // namespace

Handler model_specific_handler(uint8_t opcode) {
    switch (opcode) {
    case 0x30:
        return write_msr_op;
    case 0x31:
        return read_tsc_op;
    case 0x32:
        return read_msr_op;
    default:
        return read_performance_counter_op;
    }
}

} // namespace fixpoint::models
