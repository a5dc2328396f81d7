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
    no_block_.physical = Block::dead;
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
    flags.set_value(s.eflags);
    segment = s.segment;
    ldtr = s.ldtr;
    tr = s.tr;
    gdtr = s.gdtr;
    idtr = s.idtr;
    mmu.restore(s.cr0, s.cr2, s.cr3, s.cr4);
    debug = s.debug;
    sysenter_cs = s.sysenter_cs;
    sysenter_esp = s.sysenter_esp;
    sysenter_eip = s.sysenter_eip;
    x87 = s.x87;
    halted = s.halted;
    shutdown = false;
    undelivered.reset();
    current = nullptr;
    block = &no_block_;
    privilege = !protected_mode() ? 0 : v86() ? 3 : static_cast<uint8_t>(s.segment[seg_cs].selector & 3);
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
    if (undelivered)
        deliver(*std::exchange(undelivered, std::nullopt), eip, true);
    else if (pending_debug != 0 && !traps_held)
        debug_exception(std::exchange(pending_debug, 0));
    if (shutdown)
        return Cpu::Stop::triple_fault;
    if (undelivered)
        return Cpu::Stop::limit;
    if (interrupt_line && (flags.system & eflags::iif) != 0 && !shadow) {
        halted = false;
        ++counters.interrupts;
        block = &no_block_;
        deliver({bus.acknowledge_interrupt(), false, 0}, eip, false);
        if (pending_debug != 0 && !shutdown) // the T bit of an interrupt's task
            debug_exception(std::exchange(pending_debug, 0));
        if (shutdown)
            return Cpu::Stop::triple_fault;
        if (undelivered)
            return Cpu::Stop::limit;
    } else if (halted) {
        return (flags.system & eflags::iif) != 0 ? Cpu::Stop::halted : Cpu::Stop::halted_for_ever;
    }
    const bool soon = (interrupt_line && (flags.system & eflags::iif) != 0) || pending_debug != 0;
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
        if (candidate->lines > 1) {
            const Entry entered = fetch_further_lines(*candidate, linear);
            if (entered != Entry::ready) [[unlikely]] {
                if (entered == Entry::fault)
                    deliver(fault, eip, true);
                else
                    blocks.kill(candidate);
                continue;
            }
        }
        if (candidate->bytes - 1u > code_limit - eip) [[unlikely]] {
            candidate = build_block(linear, physical, true);
            if (candidate == nullptr || candidate->bytes - 1u > code_limit - eip) {
                if (candidate != nullptr)
                    raise_protection();
                deliver(fault, eip, true);
                continue;
            }
            candidate->physical = Block::dead; // not in the cache: no hint may lead to it
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

bool Core::fetch_slow(uint32_t linear, uint32_t& physical) {
    current = nullptr;
    if (eip > code_limit)
        return raise_protection();
    Mmu::Translation translation;
    if (!mmu.translate(linear, AccessKind::fetch, user(), translation))
        return raise(vector::page_fault, mmu.fault_error());
    physical = translation.physical;
    if (!map.is_memory(physical)) {
        caches.uncached_access();
        return true;
    }
    caches.fetch_access(physical);
    fetch_path.fill(user(), linear, false, physical & line_mask, translation.tlb_set);
    return true;
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

Block* Core::locate(uint32_t linear, uint32_t physical) {
    if (Block* known = blocks.find(physical, mode))
        return known;
    if (blocks.full()) {
        blocks.flush();
        block = &no_block_;
    }
    Block* made = build_block(linear, physical, false);
    if (made == nullptr)
        return nullptr;
    if (made->provisional)
        made->physical = Block::dead; // no hint may lead to it
    else
        blocks.insert(made);
    return made;
}

size_t Core::fetch_bytes(uint32_t physical, uint32_t second_page, size_t wanted, uint8_t* bytes) {
    constexpr uint32_t page_bytes = 4096;
    const uint32_t left = page_bytes - physical % page_bytes;
    for (uint32_t i = 0; i < wanted; ++i) {
        if (i >= left && second_page == Block::no_page)
            return i;
        const uint32_t address = i < left ? physical + i : second_page + (i - left);
        bytes[i] = static_cast<uint8_t>(map.read(address, 1));
    }
    return wanted;
}

// nullptr: fetching the second page of a crossing instruction faulted.
Block* Core::build_block(uint32_t linear, uint32_t physical, bool single) {
    constexpr unsigned longest = 15;
    constexpr uint32_t page_bytes = 4096;
    Block* made = blocks.allocate();
    made->physical = physical;
    made->mode = mode;
    made->second_page = Block::no_page;
    made->chain[0] = made->chain[1] = &no_block_;
    constexpr uint32_t one_by_one = block_mode::single_step | block_mode::shadowed;
    const unsigned most = single || (mode & one_by_one) != 0 ? 1 : Block::max_instructions;
    const bool observed = (mode & block_mode::observed) != 0;
    uint32_t offset = 0, micro_ops = 0, extra_cycles = 0;
    bool ends = false;
    unsigned count = 0, instructions = 0;
    const auto cycles_so_far = [&] {
        return (micro_ops + parameters.retire_width - 1) / parameters.retire_width + extra_cycles;
    };
    while (instructions < most && !ends) {
        uint8_t bytes[longest];
        if (offset >= page_bytes - physical % page_bytes)
            break;
        size_t available = fetch_bytes(physical + offset, Block::no_page, longest, bytes);
        Decoded decoded = decoder.decode(bytes, available, mode);
        if (decoded.incomplete) {
            if (instructions != 0)
                break; // it gets a block of its own
            const uint32_t next_page = (linear | (page_bytes - 1)) + 1;
            uint32_t second = 0;
            if (!fetch_slow(next_page, second))
                return nullptr;
            made->second_page = second & ~(page_bytes - 1);
            available = fetch_bytes(physical, made->second_page, longest, bytes);
            decoded = decoder.decode(bytes, available, mode);
        }
        if (decoded.provisional) {
            if (instructions != 0)
                break;
            made->provisional = true;
        }
        Op& op = made->ops[count + (observed && count != 0 ? 1 : 0)];
        op = decoded.op;
        op.number = made->instructions;
        op.eip_offset = static_cast<uint16_t>(offset);
        op.cycles_before = static_cast<uint16_t>(cycles_so_far());
        offset += decoded.length;
        op.next_offset = static_cast<uint16_t>(offset);
        if (decoded.relative)
            op.immediate += offset;
        if (observed && count != 0) {
            Op& observing = made->ops[count++];
            observing = op;
            observing.handler = observe_handler();
        }
        ++count;
        ++instructions;
        micro_ops += decoded.cost.micro_ops;
        extra_cycles += decoded.cost.extra_cycles;
        made->instructions = static_cast<uint8_t>(made->instructions + (decoded.counts ? 1 : 0));
        ends = decoded.ends_block || made->second_page != Block::no_page;
    }
    made->cycles = cycles_so_far();
    made->bytes = static_cast<uint16_t>(offset);
    made->lines = static_cast<uint8_t>(((physical & ~line_mask) + offset - 1) / caches.line_bytes() + 1);
    Op& end = made->ops[count];
    end = Op{};
    end.handler = end_of_block_handler();
    end.number = made->instructions;
    end.eip_offset = end.next_offset = made->bytes;
    end.cycles_before = static_cast<uint16_t>(made->cycles);
    made->op_count = static_cast<uint8_t>(count + 1);
    return made;
}

// ---- Input and output

// SDM vol. 1, 18.5: CPL against IOPL, then the bitmap in the TSS.
bool Core::io_allowed(uint16_t port, unsigned bytes) {
    if (!protected_mode() || (!v86() && privilege <= iopl()))
        return true;
    constexpr uint32_t map_base_offset = 0x66, smallest_limit = 0x67;
    const unsigned type = tr.attributes & SegmentState::type_mask;
    uint16_t map_base = 0, bits = 0;
    if ((type != 9 && type != 11) || tr.limit < smallest_limit)
        return raise_protection();
    if (!read_system(tr.base + map_base_offset, map_base))
        return false;
    const uint32_t offset = uint32_t{map_base} + port / 8;
    if (offset + 1 > tr.limit)
        return raise_protection();
    if (!read_system(tr.base + offset, bits))
        return false;
    return (bits >> (port % 8) & ((1u << bytes) - 1)) == 0 || raise_protection();
}

uint32_t Core::io_read(const Op* op, uint16_t port, unsigned bytes) {
    current = op;
    note_port_access(port, bytes);
    clock.cycles += bus.io_cycles(port);
    return bus.io_read(port, bytes);
}
void Core::io_write(const Op* op, uint16_t port, unsigned bytes, uint32_t value) {
    current = op;
    note_port_access(port, bytes);
    clock.cycles += bus.io_cycles(port);
    bus.io_write(port, bytes, value);
}

} // namespace fixpoint::models
