#include "models/cpu/core.hpp"

#include "models/cpu/handlers.hpp"

#include <bit>
#include <utility>

namespace fixpoint::models {

Core::Core(const CpuParameters& given, PhysicalMemory& memory, CpuBus& the_bus)
    : parameters{given}, features{cpu_features(given)}, map{memory, the_bus}, bus{the_bus},
      data_path{given.l1_data.size_bytes / (given.l1_data.ways * given.l1_data.line_bytes),
                given.l1_data.line_bytes, Mmu::tlb_sets(given.data_tlb_4k, given.data_tlb_4m)},
      fetch_path{
          given.l1_instruction.size_bytes / (given.l1_instruction.ways * given.l1_instruction.line_bytes),
          given.l1_instruction.line_bytes, Mmu::tlb_sets(given.instruction_tlb_4k, given.instruction_tlb_4m)},
      caches{given, clock, counters, data_path, fetch_path}, blocks{memory.size(), leave_block_handler(),
                                                                    data_path, counters},
      mmu{given, map, caches, blocks, clock, counters, data_path, fetch_path}, registers_by_number{features},
      predictor{given.branch_history_entries, given.branch_history_bits}, decoder{parameters} {
    data_index_mask = data_path.index_mask();
    fetch_index_mask = fetch_path.index_mask();
    line_mask = ~(caches.line_bytes() - 1);
    line_shift = static_cast<uint32_t>(std::countr_zero(caches.line_bytes()));
    runs_may_compete = given.l1_data.ways > 1 && given.data_tlb_4k.ways > 1 && given.data_tlb_4m.ways > 1;
    no_block_.mode = Block::dead;
    no_block_.chain[0] = no_block_.chain[1] = &no_block_;
    block = &no_block_;
    reset();
}

// SDM vol. 3, table 9-1.
void Core::reset() {
    constexpr uint16_t data_attributes = 0x93, table_attributes = 0x82, tss_attributes = 0x83;
    CpuState fresh;
    fresh.eip = 0xFFF0;
    fresh.eflags = eflags::always_set;
    for (SegmentState& s : fresh.segment)
        s = {0, data_attributes, 0, 0xFFFF};
    fresh.segment[seg_cs] = {0xF000, data_attributes | 8, 0xFFFF'0000, 0xFFFF};
    fresh.ldtr = {0, table_attributes, 0, 0xFFFF};
    fresh.tr = {0, tss_attributes, 0, 0xFFFF};
    fresh.general[reg_edx] = parameters.cpuid_signature;
    fresh.cr0 = Mmu::cr0_cd | Mmu::cr0_nw | Mmu::cr0_et;
    fresh.debug[6] = 0xFFFF'0FF0;
    fresh.debug[7] = 0x400;
    tsc_offset = 0 - clock.cycles;
    shutdown = false;
    interrupt_shadow = trap_shadow = false;
    nmi_pending = nmi_blocked = false;
    pending_debug = 0;
    reset_requested = false;
    ignore_numeric_error = false;
    release_numeric_error();
    caches.invalidate_all();
    blocks.flush();
    predictor.reset();
    registers_by_number.reset();
    performance.reset();
    set_state(fresh);
}

CpuState Core::state() const {
    CpuState s;
    for (unsigned i = 0; i < 8; ++i)
        s.general[i] = registers[i];
    s.eip = eip + (current != nullptr ? current->eip_offset : 0);
    s.eflags = flags.value();
    s.segment = segment;
    s.ldtr = ldtr;
    s.tr = tr;
    s.gdtr = gdtr;
    s.idtr = idtr;
    s.cr0 = mmu.cr0;
    s.cr2 = mmu.cr2;
    s.cr3 = mmu.cr3;
    s.cr4 = mmu.cr4;
    s.debug = debug;
    s.sysenter_cs = sysenter_cs;
    s.sysenter_esp = sysenter_esp;
    s.sysenter_eip = sysenter_eip;
    s.x87 = x87;
    s.halted = halted;
    return s;
}

void Core::set_state(const CpuState& s) {
    for (unsigned i = 0; i < 8; ++i)
        registers[i] = s.general[i];
    eip = s.eip;
    flags.set_value(s.eflags & eflags::defined);
    segment = s.segment;
    ldtr = s.ldtr;
    tr = s.tr;
    gdtr = s.gdtr;
    idtr = s.idtr;
    mmu.restore((s.cr0 & Mmu::cr0_writable) | Mmu::cr0_et, s.cr2, s.cr3, s.cr4 & cr4_valid_bits(features));
    debug = s.debug;
    debug[6] = (debug[6] & dr6::writable) | dr6::always_set;
    debug[7] = (debug[7] & dr7::writable) | dr7::always_set;
    sysenter_cs = s.sysenter_cs;
    sysenter_esp = s.sysenter_esp;
    sysenter_eip = s.sysenter_eip;
    x87 = s.x87;
    halted = s.halted;
    shutdown = false;
    undelivered.reset();
    current = nullptr;
    block = &no_block_;
    privilege = static_cast<uint8_t>(!protected_mode() ? 0 : v86() ? 3 : s.privilege_level());
    update_breakpoints();
}

void Core::update_mode() {
    const SegmentState &code = segment[seg_cs], &stack = segment[seg_ss];
    code_base = code.base;
    code_limit = code.limit;
    stack_mask = (stack.attributes & SegmentState::big) != 0 ? 0xFFFF'FFFFu : 0xFFFFu;
    const auto flat = [](const SegmentState& s) {
        constexpr uint16_t needed = SegmentState::present | SegmentState::s_bit | 2, kind = needed | 4 | 8;
        return s.base == 0 && s.limit == 0xFFFF'FFFFu &&
               (s.attributes & kind) == needed; // writable, expand-up
    };
    const bool aligned = (flags.system & eflags::ac) != 0 && (mmu.cr0 & Mmu::cr0_am) != 0 && user();
    const bool flat_data = flat(segment[seg_ds]) && flat(segment[seg_es]) && flat(stack) &&
                           (stack.attributes & SegmentState::big) != 0 && !aligned;
    mode = ((code.attributes & SegmentState::big) != 0 ? block_mode::code32 : 0) |
           (flat_data ? block_mode::flat_data : 0) |
           ((flags.system & eflags::tf) != 0 ? block_mode::single_step : 0) |
           (observer != nullptr || breakpoints.armed() ? block_mode::observed : 0);
    data_entries = data_path.table(user());
    fetch_entries = fetch_path.table(user());
    if (performance.watches_privilege()) [[unlikely]]
        account_performance();
}

void Core::set_flags(uint32_t value, uint32_t changeable) {
    flags.set_value((flags.value() & ~changeable) | (value & changeable));
    update_mode();
    request_attention(); // IF may be set now
}

void Core::give_back(const Op* op) {
    retired -= block->instructions - op->number;
    clock.cycles -= block->cycles - op->cycles_before;
    current = nullptr;
}

void Core::leave_block(const Op* op) {
    give_back(op);
    eip += op->eip_offset;
    slot = 0;
}

// RF stands for "instruction breakpoints were looked for" until it goes on (SDM vol. 3, 17.3.1.1).
void Core::leave_repetition(const Op* op) {
    flags.system |= eflags::rf;
    request_attention();
    leave_block(op);
}

void Core::fault_exit(const Op* op) {
    give_back(op);
    const uint32_t return_eip = std::exchange(fault_in_new_task, false) ? eip : eip + op->eip_offset;
    block = &no_block_;
    deliver(fault, return_eip, true);
}

uint64_t Core::cycles_now() const {
    return current == nullptr ? clock.cycles : clock.cycles - (block->cycles - current->cycles_before);
}
uint64_t Core::instructions_now() const {
    return current == nullptr ? retired : retired - (block->instructions - current->number);
}

void Core::set_limit(uint64_t until_cycle) {
    limit = until_cycle;
    request_attention();
}

// Between blocks, when something may want attention: all of it in one place.
std::optional<Cpu::Stop> Core::boundary() {
    current = nullptr;
    if ((mode & block_mode::shadowed) != 0)
        update_mode();
    if (reset_requested)
        reset();
    if (shutdown)
        return Cpu::Stop::triple_fault;
    if (stop_requested) {
        stop_requested = false;
        return Cpu::Stop::requested;
    }
    if (observer_stopped) {
        observer_stopped = false;
        return Cpu::Stop::observer;
    }
    if (watch_hit)
        return Cpu::Stop::watchpoint;
    if (clock.cycles >= limit && !halted)
        return Cpu::Stop::limit;
    const bool shadow = interrupt_shadow, traps_held = trap_shadow;
    interrupt_shadow = trap_shadow = false;
    const auto nmi_due = [this] { return nmi_pending && !nmi_blocked; };
    if (undelivered)
        deliver(*std::exchange(undelivered, std::nullopt), eip, true);
    else if (pending_debug != 0 && !traps_held)
        debug_exception(std::exchange(pending_debug, 0));
    if (shutdown)
        return Cpu::Stop::triple_fault;
    if (undelivered || (pending_debug != 0 && !traps_held))
        return Cpu::Stop::limit;
    const bool nmi = nmi_due() && !traps_held; // the shadow of STI is none for it
    if (nmi || (interrupt_line && (flags.system & eflags::iif) != 0 && !shadow)) {
        halted = false;
        ++counters.interrupts;
        block = &no_block_;
        nmi_pending &= !nmi;
        nmi_blocked |= nmi;
        deliver({nmi ? vector::nmi : bus.acknowledge_interrupt(), false, 0}, eip, false);
        if (pending_debug != 0 && !shutdown) // the T bit of an interrupt's task
            debug_exception(std::exchange(pending_debug, 0));
        if (shutdown)
            return Cpu::Stop::triple_fault;
        if (undelivered || pending_debug != 0)
            return Cpu::Stop::limit;
    } else if (halted) {
        return (flags.system & eflags::iif) != 0 ? Cpu::Stop::halted : Cpu::Stop::halted_for_ever;
    }
    const bool soon =
        (interrupt_line && (flags.system & eflags::iif) != 0) || pending_debug != 0 || nmi_due();
    const bool observed = (mode & block_mode::observed) != 0;
    deadline = soon ? 0 : limit;
    if (shadow && soon) // STI or MOV SS holds interrupts back for exactly one instruction
        mode |= block_mode::shadowed;
    if (observed) {
        // What STI and MOV SS hold back stays so when the observer stops before the instruction.
        interrupt_shadow = shadow;
        trap_shadow = traps_held;
        if (const auto stop = observe_first())
            return stop;
        interrupt_shadow = trap_shadow = false;
    }
    if (virtual_interrupt_due()) [[unlikely]] {
        raise_protection();
        deliver(fault, eip, true);
        return boundary(); // before the handler
    }
    flags.system &= ~eflags::rf; // instruction breakpoints have been looked for
    return std::nullopt;
}

Cpu::Stop Core::run(uint64_t until_cycle) {
    limit = until_cycle;
    deadline = 0;
    running = true;
    for (;;) {
        if (clock.cycles >= deadline) [[unlikely]]
            if (const auto stop = boundary()) {
                running = false;
                return *stop;
            }
        const uint32_t linear = code_base + eip;
        const FastPath::Entry& entry = fetch_entries[(linear >> line_shift) & fetch_index_mask];
        uint32_t physical = static_cast<uint32_t>(entry.target) | (linear & ~line_mask);
        if ((linear & line_mask) != entry.read_tag || eip > code_limit) [[unlikely]]
            if (!fetch_slow(linear, physical)) {
                deliver(fault, eip, true);
                continue;
            }
        Block* candidate = block->chain[slot];
        if (candidate->physical != physical || candidate->mode != mode) [[unlikely]] {
            candidate = locate(linear, physical);
            if (candidate == nullptr) {
                deliver(fault, eip, true);
                continue;
            }
            block->chain[slot] = candidate;
        }
        if (candidate->bytes - 1u > code_limit - eip) [[unlikely]] {
            candidate = build_block(linear, physical, true);
            if (candidate == nullptr || candidate->bytes - 1u > code_limit - eip) {
                if (candidate != nullptr)
                    raise_protection();
                deliver(fault, eip, true);
                continue;
            }
            candidate->mode |= Block::dead; // not in the cache: no hint may lead to it
        }
        if (candidate->lines > 1) {
            const Entry entered = fetch_further_lines(*candidate, linear);
            if (entered != Entry::ready) [[unlikely]] {
                if (entered == Entry::fault)
                    deliver(fault, eip, true);
                else if ((candidate->mode & Block::dead) == 0)
                    blocks.kill(candidate);
                continue;
            }
        }
        block = candidate;
        trail[trail_end++ % trail_length] = linear;
        retired += candidate->instructions;
        clock.cycles += candidate->cycles;
        if ((candidate->mode & block_mode::debugged) != 0) [[unlikely]] {
            step_trap = (candidate->mode & block_mode::single_step) != 0;
            candidate->ops->handler(*this, candidate->ops);
            after_debugged_block();
            continue;
        }
        candidate->ops->handler(*this, candidate->ops);
    }
}

Core::Entry Core::fetch_further_lines(const Block& candidate, uint32_t linear) {
    uint32_t line = linear & line_mask;
    for (unsigned i = 1; i < candidate.lines; ++i) {
        line += caches.line_bytes();
        const FastPath::Entry& entry = fetch_entries[(line >> line_shift) & fetch_index_mask];
        uint32_t physical = static_cast<uint32_t>(entry.target);
        if (entry.read_tag != line && !fetch_slow(line, physical))
            return Entry::fault;
        // The second page of a crossing instruction may be another one by now.
        if (candidate.second_page != Block::no_page && (physical & ~0xFFFu) != candidate.second_page)
            return Entry::stale;
    }
    return Entry::ready;
}

} // namespace fixpoint::models
