#include "tests/native/model_processor.hpp"

#include "models/cpu/core.hpp"

#include <cstring>

namespace fixpoint::native {

using namespace models;

namespace {

constexpr uint32_t page_present = 1, page_writable = 2, page_user = 4, page_accessed = 0x20,
                   page_dirty = 0x40;
constexpr uint32_t entry = page_present | page_accessed | page_dirty;
constexpr uint32_t table_reach = 4u << 20, low_base = code_area.begin & ~(table_reach - 1);

bool has_error_code(uint8_t number) {
    return number == vector::double_fault ||
           (number >= vector::invalid_tss && number <= vector::page_fault) ||
           number == vector::alignment_check;
}

} // namespace

ModelProcessor::ModelProcessor(const LocalTable& table) : table_{table}, sink_{bench_.cpu} {
    bench_.cpu.set_probe_sink(&sink_);
    build_paging();
    build_tables();
}

// In the low table.
void ModelProcessor::map(const Area& area, uint32_t physical, bool writable) {
    for (uint32_t i = 0; i < area.bytes; i += page_bytes)
        bench_.put32(low_table + (area.begin + i - low_base) / page_bytes * 4,
                     (physical + i) | entry | page_user | (writable ? page_writable : 0));
}

void ModelProcessor::build_paging() {
    // The low table serves the 4 MB that hold all areas, the high one the supervisor's page frames.
    static_assert(data_end <= low_base + table_reach);
    bench_.put32(directory + (low_base >> 22) * 4, low_table | entry | page_writable | page_user);
    bench_.put32(directory + (supervisor_begin >> 22) * 4, high_table | entry | page_writable);
    for (uint32_t page = 0; page < 16; ++page)
        bench_.put32(high_table + page * 4, page * page_bytes | entry | page_writable);
    map(code_area, code_physical, false);
    uint32_t physical = image_physical;
    for (const Area& area : data_areas) {
        map(area, physical, area.writable);
        physical += area.bytes;
    }
}

void ModelProcessor::build_tables() {
    descriptor(gdt + kernel_code, 0x0000'FFFF, 0x00CF'9B00);
    descriptor(gdt + kernel_data, 0x0000'FFFF, 0x00CF'9300);
    constexpr uint32_t tss_bytes = 0x68, ldt_linear = supervisor_begin + ldt,
                       tss_linear = supervisor_begin + tss;
    const auto system = [&](uint16_t selector, uint32_t base, uint32_t limit, uint32_t type) {
        descriptor(gdt + selector, base << 16 | limit,
                   (base & 0xFF00'0000) | (base >> 16 & 0xFF) | type << 8);
    };
    system(tss_selector, tss_linear, tss_bytes - 1, 0x8B);
    system(ldt_selector, ldt_linear, LocalTable::entries * 8 - 1, 0x82);
    bench_.put32(tss + 4, supervisor_begin + stack_top);
    bench_.put32(tss + 8, kernel_data);
    bench_.put32(tss + 0x64, tss_bytes << 16); // the I/O bitmap lies beyond the limit: no port is allowed
    for (unsigned i = 0; i < LocalTable::entries; ++i)
        descriptor(ldt + i * 8, table_[i].low(), table_[i].high());
    constexpr uint8_t probe[] = {0x0F, 0x1F, 0x80, 0x01, 0x00, 0x58, 0x46};
    constexpr uint32_t level0 = 0x8E00, level3 = 0xEE00;
    for (unsigned v = 0; v < 256; ++v) {
        const uint32_t target = supervisor_begin + handlers + v * handler_bytes;
        // Linux opens INT3 and INTO to programs (arch/x86/kernel/idt.c).
        const bool open = v == vector::breakpoint || v == vector::overflow;
        descriptor(idt + v * 8, uint32_t{kernel_code} << 16 | (target & 0xFFFF),
                   (target & 0xFFFF'0000) | (open ? level3 : level0));
        bench_.put(handlers + v * handler_bytes, std::span{probe});
    }
    user_ = CpuBench::flat_state();
    user_.gdtr = {supervisor_begin + gdt, 0x27};
    user_.idtr = {supervisor_begin + idt, 0x7FF};
    user_.tr = {tss_selector, 0x8B, tss_linear, tss_bytes - 1};
    user_.ldtr = {ldt_selector, 0x82, ldt_linear, LocalTable::entries * 8 - 1};
    user_.cr0 = Mmu::cr0_pg | Mmu::cr0_wp | Mmu::cr0_am | Mmu::cr0_ne | Mmu::cr0_et | Mmu::cr0_mp | 1;
    user_.cr3 = directory;
}

void ModelProcessor::set_memory(const MemoryImage& image) {
    std::memcpy(bench_.memory.data() + image_physical, image.data(), image.size());
}

// As IRET does, but with all of ESP: for a 16-bit stack IRET restores its low half only.
void ModelProcessor::resume(const Registers& from) {
    user_.general = from.general;
    user_.eip = from.eip;
    user_.eflags = from.eflags;
    for (unsigned i = 0; i < segment_count; ++i) {
        const Descriptor* found = table_.find(from.selector[i]);
        user_.segment[i] = found != nullptr ? found->segment(from.selector[i]) : SegmentState{};
        user_.segment[i].selector = from.selector[i];
    }
    bench_.cpu.set_state(user_);
}

void ModelProcessor::record(const CpuState& state, uint32_t frame, Registers& to) const {
    to.general = state.general;
    for (unsigned i = 0; i < segment_count; ++i)
        to.selector[i] = state.segment[i].selector;
    to.eip = bench_.get32(frame);
    to.selector[seg_cs] = static_cast<uint16_t>(bench_.get32(frame + 4));
    to.eflags = bench_.get32(frame + 8);
    to.general[reg_esp] = bench_.get32(frame + 12);
    to.selector[seg_ss] = static_cast<uint16_t>(bench_.get32(frame + 16));
}

void ModelProcessor::record(const X87State& state, X87Registers& to) {
    to.control = state.control;
    to.status = state.status_word();
    to.occupied = state.occupied;
    for (unsigned i = 0; i < 8; ++i) {
        const Float80& value = state.st(i);
        std::memcpy(to.stack[i].data(), &value.significand, sizeof value.significand);
        std::memcpy(to.stack[i].data() + sizeof value.significand, &value.sign_exponent, 2);
    }
}

bool ModelProcessor::run(const Program& program, Outcome& outcome) {
    const uint32_t code = code_physical + (program.address - code_area.begin);
    bench_.put(code, std::span{program.code});
    bench_.cpu.snoop_write(code, static_cast<uint32_t>(program.code.size()));
    map(code_area, code_physical, program.code_writable); // resume() forgets all translations
    user_.x87 = {};                                       // empty, all zeros, as Linux gives it to a process
    user_.x87.finit();
    resume(program.before);
    outcome.step_count = 0;
    constexpr uint64_t most_cycles = 20'000'000;
    for (;;) {
        if (bench_.cpu.run(bench_.cpu.cycles() + most_cycles) != Cpu::Stop::requested)
            return false;
        const CpuState state = bench_.cpu.state();
        const auto number = static_cast<uint8_t>((state.eip - supervisor_begin - handlers) / handler_bytes);
        uint32_t frame = state.general[reg_esp] - supervisor_begin;
        outcome.vector = number;
        outcome.error = 0;
        if (has_error_code(number)) {
            outcome.error = bench_.get32(frame);
            frame += 4;
        }
        outcome.cr2 = number == vector::page_fault ? state.cr2 : 0;
        if (number == vector::debug && outcome.step_count < Outcome::steps_max) {
            Registers& step = outcome.steps[outcome.step_count++];
            record(state, frame, step);
            if (outcome.step_count < Outcome::steps_max) {
                user_.x87 = state.x87;
                resume(step);
                continue;
            }
        }
        record(state, frame, outcome.end);
        record(state.x87, outcome.x87);
        return true;
    }
}

} // namespace fixpoint::native
