// System instructions, input and output, probes, and instructions that only raise exceptions.
#include "models/cpu/handler_support.hpp"

namespace fixpoint::models {

namespace {

void refuse(Core& core, const Op* op, uint8_t number) {
    if (number == vector::general_protection)
        core.raise_protection();
    else
        core.raise(number);
    core.fault_exit(op);
}

[[nodiscard]] bool privileged(Core& core) {
    return core.privilege == 0;
} // V86 runs at level 3

template<unsigned Operation, class T>
void table_register_op(Core& core, const Op* op) {
    constexpr bool is_load = Operation >= 2;
    core.current = op;
    if (is_load && !privileged(core))
        return refuse(core, op, vector::general_protection);
    DescriptorTableState& table = (Operation & 1) == 0 ? core.gdtr : core.idtr;
    const uint32_t address = effective_address<false>(core, op);
    const uint32_t second = (address + 2) & op->address_mask;
    uint32_t linear = 0;
    if constexpr (is_load) {
        DescriptorTableState loaded;
        if (!load_at<uint16_t, false>(core, op, address, loaded.limit) ||
            !load_at<uint32_t, false>(core, op, second, loaded.base))
            return core.fault_exit(op);
        if constexpr (sizeof(T) == 2)
            loaded.base &= 0x00FF'FFFFu;
        table = loaded;
    } else { // all 32 bits of the base, whatever the operand size
        uint32_t linear_base = 0;
        if (!core.segment_address(op->segment, address, 2, true, linear) ||
            !core.segment_address(op->segment, second, 4, true, linear_base) ||
            !core.probe_write(linear, 2, core.user()) || !core.probe_write(linear_base, 4, core.user()) ||
            !write_linear<uint16_t>(core, op, linear, table.limit) ||
            !write_linear<uint32_t>(core, op, linear_base, table.base))
            return core.fault_exit(op);
    }
    return next(core, op);
}

bool set_cr0(Core& core, uint32_t value) {
    const bool paging_unprotected = (value & Mmu::cr0_pg) != 0 && (value & Mmu::cr0_pe) == 0;
    const bool write_through_alone = (value & Mmu::cr0_nw) != 0 && (value & Mmu::cr0_cd) == 0;
    if (paging_unprotected || write_through_alone ||
        !core.mmu.set_cr0((value & Mmu::cr0_writable) | Mmu::cr0_et))
        return core.raise_protection();
    core.update_mode();
    return true;
}

template<class T, bool Memory, bool Load>
void machine_status_op(Core& core, const Op* op) {
    core.current = op;
    if constexpr (Load) {
        uint16_t value;
        if (!privileged(core))
            return refuse(core, op, vector::general_protection);
        if (!read_rm<uint16_t, Memory>(core, op, value))
            return core.fault_exit(op);
        // Sets PE, MP, EM and TS; PE cannot be cleared by LMSW.
        const uint32_t low = value & 0xFu;
        if (!set_cr0(core, (core.mmu.cr0 & ~0xEu) | low))
            return core.fault_exit(op);
    } else if constexpr (Memory) {
        if (!store<uint16_t, false>(core, op, static_cast<uint16_t>(core.mmu.cr0)))
            return core.fault_exit(op);
    } else {
        core.set<T>(op->rm, static_cast<T>(core.mmu.cr0));
    }
    return next(core, op);
}

template<bool ToRegister>
void control_register_op(Core& core, const Op* op) {
    core.current = op;
    if (!privileged(core))
        return refuse(core, op, vector::general_protection);
    if constexpr (ToRegister) {
        const uint32_t value = op->detail == 0   ? core.mmu.cr0
                               : op->detail == 2 ? core.mmu.cr2
                               : op->detail == 3 ? core.mmu.cr3
                                                 : core.mmu.cr4;
        core.set<uint32_t>(op->rm, value);
        return next(core, op);
    }
    const auto value = core.get<uint32_t>(op->rm);
    switch (op->detail) {
    case 0:
        if (!set_cr0(core, value))
            return core.fault_exit(op);
        break;
    case 2:
        core.mmu.cr2 = value;
        break;
    case 3:
        core.clock.cycles += core.parameters.cr3_load_cycles;
        if (!core.mmu.set_cr3(value))
            return refuse(core, op, vector::general_protection);
        break;
    default:
        if ((value & ~cr4_valid_bits(core.features)) != 0 || !core.mmu.set_cr4(value))
            return refuse(core, op, vector::general_protection);
        core.update_breakpoints(); // DE
        break;
    }
    return next(core, op);
}

// The segment's limit is not checked (SDM vol. 2, INVLPG).
void invalidate_page_op(Core& core, const Op* op) {
    if (!privileged(core))
        return refuse(core, op, vector::general_protection);
    core.clock.cycles += core.parameters.invlpg_cycles;
    core.mmu.invalidate_page(core.segment[op->segment].base + effective_address<false>(core, op));
    return next(core, op);
}

void cpuid_op(Core& core, const Op* op) {
    auto& r = core.registers;
    core.clock.cycles += core.parameters.cpuid_cycles;
    const uint32_t leaf = r[reg_eax];
    CpuidResult result = cpuid(core.parameters, leaf);
    if (leaf == 1 && !core.registers_by_number.apic_enabled())
        result.edx &= ~feature::apic; // SDM vol. 3, 10.4.3
    r[reg_eax] = result.eax;
    r[reg_ebx] = result.ebx;
    r[reg_ecx] = result.ecx;
    r[reg_edx] = result.edx;
    return next(core, op);
}

// CLTS, INVD, WBINVD. Caches hold no content of their own, so both empty them.
template<uint8_t Opcode>
void privileged_op(Core& core, const Op* op) {
    if (!privileged(core))
        return refuse(core, op, vector::general_protection);
    if constexpr (Opcode == 0x06)
        core.mmu.cr0 &= ~Mmu::cr0_ts;
    else
        core.caches.invalidate_all();
    core.clock.cycles += core.parameters.other_system_cycles;
    return next(core, op);
}

void halt_op(Core& core, const Op* op) {
    if (!privileged(core))
        return refuse(core, op, vector::general_protection);
    core.halted = true;
    core.request_attention();
    return next(core, op);
}

template<class T, bool Output, bool Immediate>
void port_op(Core& core, const Op* op) {
    const auto port =
        Immediate ? static_cast<uint16_t>(op->immediate & 0xFF) : core.get<uint16_t>(reg_edx * 4);
    core.current = op;
    if (!core.io_allowed(port, sizeof(T)))
        return core.fault_exit(op);
    if constexpr (Output)
        core.io_write(op, port, sizeof(T), core.get<T>(reg_eax * 4));
    else
        core.set<T>(reg_eax * 4, static_cast<T>(core.io_read(op, port, sizeof(T))));
    return next(core, op);
}

void probe_op(Core& core, const Op* op) {
    if (core.probe_sink != nullptr) {
        core.current = op;
        const auto& r = core.registers;
        core.probe_sink->on_probe(static_cast<l4::Probe>(op->immediate),
                                  {r[reg_eax], r[reg_edx], r[reg_ecx], r[reg_ebx]});
    }
    return next(core, op);
}

void raise_op(Core& core, const Op* op) {
    return refuse(core, op, op->detail);
}

} // namespace

Handler table_register_handler(unsigned operation, unsigned size) {
    return by_value<4>(operation, [&]<unsigned N>() {
        return by_wide_size(size, []<class T>() -> Handler { return table_register_op<N, T>; });
    });
}
Handler machine_status_handler(bool load, unsigned size, bool memory) {
    return by_wide_size(size, [&]<class T>() -> Handler {
        if (load)
            return memory ? machine_status_op<T, true, true> : machine_status_op<T, false, true>;
        return memory ? machine_status_op<T, true, false> : machine_status_op<T, false, false>;
    });
}
Handler control_register_handler(bool to_register) {
    return to_register ? control_register_op<true> : control_register_op<false>;
}
Handler invalidate_page_handler() {
    return invalidate_page_op;
}
Handler system_handler(uint8_t opcode) {
    switch (opcode) {
    case 0x06:
        return privileged_op<0x06>;
    case 0xA2:
        return cpuid_op;
    default:
        return privileged_op<0x09>;
    }
}
Handler halt_handler() {
    return halt_op;
}
Handler port_handler(bool output, unsigned size, bool immediate) {
    return by_size(size, [&]<class T>() -> Handler {
        if (output)
            return immediate ? port_op<T, true, true> : port_op<T, true, false>;
        return immediate ? port_op<T, false, true> : port_op<T, false, false>;
    });
}
Handler probe_handler() {
    return probe_op;
}
Handler raise_handler() {
    return raise_op;
}

} // namespace fixpoint::models
