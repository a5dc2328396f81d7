// A processor alone: memory, a bus that records, and ways to put code in front of it.
#pragma once

#include "models/cpu/cpu.hpp"

#include <cstring>
#include <functional>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

namespace fixpoint::models {

// A Pentium III 500 (Katmai), as configs/machines describes it; tests may change what they look at.
inline CpuParameters pentium3_parameters() {
    CpuParameters p{};
    p.frequency_hz = 500'000'000;
    p.l1_instruction = {16384, 4, 32, 0};
    p.l1_data = {16384, 4, 32, 0};
    p.l2 = {524288, 4, 32, 21};
    p.memory_latency_cycles = 60;
    p.memory_stream_cycles = 30;
    p.memory_streams = 4;
    p.writeback_cycles = 8;
    p.instruction_tlb_4k = {32, 4};
    p.instruction_tlb_4m = {2, 2};
    p.data_tlb_4k = {64, 4};
    p.data_tlb_4m = {8, 4};
    p.page_walk_cycles = 4;
    p.retire_width = 3;
    p.multiply_cycles = 3;
    p.divide_cycles = 38;
    p.branch_mispredict_cycles = 12;
    p.branch_history_entries = 512;
    p.branch_history_bits = 4;
    p.interrupt_cycles = 40;
    p.iret_cycles = 30;
    p.privilege_change_cycles = 35;
    p.sysenter_cycles = 25;
    p.sysexit_cycles = 30;
    p.cr3_load_cycles = 40;
    p.invlpg_cycles = 25;
    p.rdtsc_cycles = 31;
    p.cpuid_cycles = 100;
    p.segment_load_cycles = 8;
    p.other_system_cycles = 20;
    p.string_iteration_cycles = 1;
    p.locked_cycles = 15;
    p.x87_divide_cycles = 37;
    p.x87_square_root_cycles = 68;
    p.x87_transcendental_cycles = 60;
    p.cpuid_signature = 0x672;
    return p;
}

struct RecordingBus : CpuBus {
    uint32_t io_read(uint16_t port, unsigned bytes) override {
        reads.emplace_back(port, bytes);
        return read_value;
    }
    void io_write(uint16_t port, unsigned bytes, uint32_t value) override {
        writes.push_back({port, bytes, value});
        if (on_write)
            on_write();
    }
    uint32_t mmio_read(uint32_t address, unsigned bytes) override {
        mmio_reads.emplace_back(address, bytes);
        return mmio_value;
    }
    void mmio_write(uint32_t address, unsigned bytes, uint32_t value) override {
        mmio_writes.push_back({address, bytes, value});
    }
    uint8_t acknowledge_interrupt() override {
        ++acknowledged;
        if (on_acknowledge)
            on_acknowledge();
        return interrupt_vector;
    }
    unsigned io_cycles(uint16_t) override { return 250; }
    void floating_point_error(bool level) override { floating_point_errors.push_back(level); }

    struct Write {
        uint32_t address;
        unsigned bytes;
        uint32_t value;
    };
    std::vector<std::pair<uint32_t, unsigned>> reads, mmio_reads;
    std::vector<Write> writes, mmio_writes;
    std::vector<bool> floating_point_errors;
    uint32_t read_value = 0xFFFF'FFFF, mmio_value = 0x1122'3344;
    uint8_t interrupt_vector = 0x20;
    unsigned acknowledged = 0;
    std::function<void()> on_write, on_acknowledge;
};

class CpuBench {
public:
    static constexpr uint32_t code_address = 0x10'0000, stack_top = 0x9'0000, gdt_address = 0x1000,
                              idt_address = 0x2000, tss_address = 0x3000, handlers_address = 0x4000;
    // Selectors of the descriptor table that install_tables() writes.
    static constexpr uint16_t kernel_code = 0x08, kernel_data = 0x10, user_code = 0x1B, user_data = 0x23,
                              tss = 0x28, small_data = 0x30, call_gate = 0x38, expand_down = 0x40,
                              absent = 0x48, code16 = 0x50, data16 = 0x58;

    explicit CpuBench(const CpuParameters& parameters = pentium3_parameters(),
                      size_t memory_bytes = 32u << 20)
        : memory{memory_bytes}, cpu{parameters, memory, bus} {
        cpu.set_state(flat_state());
    }

    // 32-bit protected mode without paging, level 0, everything flat.
    static CpuState flat_state() {
        CpuState s;
        const SegmentState data{kernel_data, 0xC093, 0, 0xFFFF'FFFF};
        s.segment = {data, SegmentState{kernel_code, 0xC09B, 0, 0xFFFF'FFFF}, data, data, data, data};
        s.tr = {tss, 0x8B, tss_address, 0x67 + 0x2000};
        s.gdtr = {gdt_address, 0x7F};
        s.idtr = {idt_address, 0x7FF};
        s.cr0 = 0x11;
        s.eip = code_address;
        s.general[reg_esp] = stack_top;
        return s;
    }

    void put(uint32_t address, std::initializer_list<uint8_t> bytes) {
        std::memcpy(memory.data() + address, bytes.begin(), bytes.size());
    }
    void put(uint32_t address, std::span<const uint8_t> bytes) {
        std::memcpy(memory.data() + address, bytes.data(), bytes.size());
    }
    void put32(uint32_t address, uint32_t value) { std::memcpy(memory.data() + address, &value, 4); }
    [[nodiscard]] uint32_t get32(uint32_t address) const {
        uint32_t value;
        std::memcpy(&value, memory.data() + address, 4);
        return value;
    }
    void code(std::initializer_list<uint8_t> bytes) {
        put(code_address, bytes);
        cpu.snoop_write(code_address, static_cast<uint32_t>(bytes.size())); // other code may have run there
    }

    void descriptor(uint16_t selector, uint32_t low, uint32_t high) {
        put32(gdt_address + (selector & ~7u), low);
        put32(gdt_address + (selector & ~7u) + 4, high);
    }
    void gate(unsigned vector, uint32_t target, unsigned type = 0x8E, uint16_t selector = kernel_code) {
        put32(idt_address + vector * 8, uint32_t{selector} << 16 | (target & 0xFFFF));
        put32(idt_address + vector * 8 + 4, (target & 0xFFFF'0000) | type << 8);
    }
    // A GDT, a TSS whose level-0 stack is below stack_top, and an IDT whose vector n halts at handler(n).
    void install_tables() {
        descriptor(0, 0, 0);
        descriptor(kernel_code, 0x0000'FFFF, 0x00CF'9B00);
        descriptor(kernel_data, 0x0000'FFFF, 0x00CF'9300);
        descriptor(user_code, 0x0000'FFFF, 0x00CF'FB00);
        descriptor(user_data, 0x0000'FFFF, 0x00CF'F300);
        descriptor(tss, tss_address << 16 | 0x2067, 0x0000'8B00);
        descriptor(small_data, 0x0000'0FFF, 0x0040'9300);                         // 4 KB from 0
        descriptor(call_gate, uint32_t{kernel_code} << 16 | 0x4800, 0x0000'EC01); // to 0x4800, one parameter
        descriptor(expand_down, 0x0000'0FFF, 0x0040'9700);                        // offsets above 0xFFF
        descriptor(absent, 0x0000'FFFF, 0x00CF'1300);
        descriptor(code16, 0x0000'FFFF, 0x0000'9B00);
        descriptor(data16, 0x0000'FFFF, 0x0000'9300);
        put32(tss_address + 4, kernel_stack);
        put32(tss_address + 8, kernel_data);
        put32(tss_address + 0x64, 0x0068'0000); // I/O bitmap at 0x68: all ports closed
        std::memset(memory.data() + tss_address + 0x68, 0xFF, 0x2000);
        for (unsigned v = 0; v < 256; ++v) {
            gate(v, handler(v));
            put(handler(v), {0xF4});
        }
    }
    static constexpr uint32_t kernel_stack = 0x8'0000;
    static constexpr uint32_t handler(unsigned vector) { return handlers_address + vector * 4; }

    // Level 3 with the user segments of install_tables().
    void set_user(uint32_t eflags_value = 0x202) {
        CpuState s = cpu.state();
        const SegmentState data{user_data, 0xC0F3, 0, 0xFFFF'FFFF};
        s.segment = {data, SegmentState{user_code, 0xC0FB, 0, 0xFFFF'FFFF}, data, data, data, data};
        s.eflags = eflags_value;
        cpu.set_state(s);
    }
    // Runs until the processor halts; the state then.
    CpuState run(uint64_t cycles = 1'000'000) {
        stop = cpu.run(cpu.cycles() + cycles);
        return cpu.state();
    }
    // After run() halted in a handler of install_tables(): its vector; -1 elsewhere.
    [[nodiscard]] int halted_in() const {
        const uint32_t eip = cpu.state().eip - 1;
        if (!cpu.state().halted || eip < handlers_address || eip >= handlers_address + 1024 || eip % 4 != 0)
            return -1;
        return static_cast<int>((eip - handlers_address) / 4);
    }

    PhysicalMemory memory;
    RecordingBus bus;
    Cpu cpu;
    Cpu::Stop stop = Cpu::Stop::limit;
};

} // namespace fixpoint::models
