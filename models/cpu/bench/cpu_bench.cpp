// Speed of the processor model: guest instructions per host second, timing on (caches, TLBs, predictor as
// always).
//
// Programs are hand-assembled loops, and `mix`, compiled from C (mix_program.c): a sort, a CRC and a small
// interpreter, the kind of code that workloads consist of. They run under paging, 4 KB pages.
#include "models/cpu/cpu.hpp"

#include <benchmark/benchmark.h>

#include <cstring>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <vector>

namespace fixpoint::models {
namespace {

CpuParameters pentium3_parameters() {
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
    p.cr3_load_cycles = 40;
    p.invlpg_cycles = 25;
    p.string_iteration_cycles = 1;
    p.cpuid_signature = 0x672;
    return p;
}

struct SilentBus : CpuBus {
    uint32_t io_read(uint16_t, unsigned) override { return ~0u; }
    void io_write(uint16_t, unsigned, uint32_t) override {}
    uint32_t mmio_read(uint32_t, unsigned) override { return ~0u; }
    void mmio_write(uint32_t, unsigned, uint32_t) override {}
    uint8_t acknowledge_interrupt() override { return 0x20; }
    unsigned io_cycles(uint16_t) override { return 250; }
};

class Machine {
public:
    static constexpr uint32_t code = 0x10'0000, stack = 0x9'0000, directory = 0x1000, tables = 0x2000;

    Machine() : memory_{64u << 20}, cpu{pentium3_parameters(), memory_, bus_} {
        for (uint32_t i = 0; i < 16; ++i)
            put32(directory + i * 4, (tables + i * 0x1000) | 7);
        for (uint32_t page = 0; page < 16 * 1024; ++page)
            put32(tables + page * 4, page << 12 | 7);
    }
    void put(uint32_t address, const void* bytes, size_t count) {
        std::memcpy(memory_.data() + address, bytes, count);
    }
    void put32(uint32_t address, uint32_t value) { put(address, &value, 4); }
    void start(uint32_t eip = code) {
        CpuState s;
        const SegmentState data{0x10, 0xC093, 0, 0xFFFF'FFFF};
        s.segment = {data, SegmentState{0x08, 0xC09B, 0, 0xFFFF'FFFF}, data, data, data, data};
        s.cr0 = 0x8001'0011;
        s.cr3 = directory;
        s.eip = eip;
        s.general[reg_esp] = stack;
        cpu.set_state(s);
    }
    // The guest's program never ends; the counters say what happened meanwhile.
    void measure(benchmark::State& state) {
        constexpr uint64_t slice = 1'000'000;
        const uint64_t instructions = cpu.instructions(), cycles = cpu.cycles();
        for (auto _ : state)
            if (cpu.run(cpu.cycles() + slice) != Cpu::Stop::limit)
                state.SkipWithError("the guest program stopped");
        const auto executed = static_cast<double>(cpu.instructions() - instructions);
        state.counters["MIPS"] = benchmark::Counter(executed / 1e6, benchmark::Counter::kIsRate);
        state.counters["CPI"] = static_cast<double>(cpu.cycles() - cycles) / executed;
    }

private:
    PhysicalMemory memory_;
    SilentBus bus_;

public:
    Cpu cpu;
};

void run_code(benchmark::State& state, std::initializer_list<uint8_t> code) {
    Machine machine;
    machine.put(Machine::code, code.begin(), code.size());
    machine.start();
    machine.measure(state);
}

void register_alu(benchmark::State& state) {
    // 12 x (add eax, ecx; xor edx, eax), dec ecx, jmp
    run_code(state, {0x01, 0xC8, 0x31, 0xC2, 0x01, 0xC8, 0x31, 0xC2, 0x01, 0xC8, 0x31, 0xC2, 0x01, 0xC8,
                     0x31, 0xC2, 0x01, 0xC8, 0x31, 0xC2, 0x01, 0xC8, 0x31, 0xC2, 0x49, 0xEB, 0xE5});
}
void stores(benchmark::State& state) {
    // mov esi, 4M; mov ecx, 1024; l: mov [esi], eax; mov [esi+4], eax; add esi, 8; dec ecx; jnz l; jmp
    run_code(state, {0xBE, 0,    0,    0x40, 0,    0xB9, 0,    4,    0,    0,    0x89, 0x06,
                     0x89, 0x46, 0x04, 0x83, 0xC6, 0x08, 0x49, 0x75, 0xF5, 0xEB, 0xE9});
}
void repeated_move(benchmark::State& state) {
    // rep movsd of 4 KB, for ever
    run_code(state, {0xBE, 0, 0, 0x40, 0, 0xBF, 0, 0x20, 0x40, 0, 0xB9, 0, 4, 0, 0, 0xF3, 0xA5, 0xEB, 0xED});
}
void call_and_return(benchmark::State& state) {
    // call f; jmp; f: push ebp; mov ebp, esp; pop ebp; ret
    run_code(state, {0xE8, 2, 0, 0, 0, 0xEB, 0xF9, 0x55, 0x89, 0xE5, 0x5D, 0xC3});
}
void pointer_chase(benchmark::State& state) {
    Machine machine;
    constexpr uint32_t base = 0x40'0000, line = 64;
    const auto count = static_cast<uint32_t>(state.range(0)) / line;
    uint32_t place = 0;
    for (uint32_t i = 0; i < count; ++i) { // a full cycle: 5 mod 8 multiplier, odd increment
        const uint32_t next = (place * 5 + 3) % count;
        machine.put32(base + place * line, base + next * line);
        place = next;
    }
    // mov esi, base; l: mov esi, [esi] x 8; jmp l
    const uint8_t code[] = {0xBE, 0,    0,    0x40, 0,    0x8B, 0x36, 0x8B, 0x36, 0x8B, 0x36, 0x8B,
                            0x36, 0x8B, 0x36, 0x8B, 0x36, 0x8B, 0x36, 0x8B, 0x36, 0xEB, 0xEE};
    machine.put(Machine::code, code, sizeof code);
    machine.start();
    machine.measure(state);
}
void mix(benchmark::State& state) {
    Machine machine;
    std::ifstream file{MIX_PROGRAM, std::ios::binary};
    const std::vector<char> image{std::istreambuf_iterator<char>{file}, {}};
    if (image.empty())
        return state.SkipWithError("cannot read the mix program");
    machine.put(Machine::code, image.data(), image.size());
    machine.start();
    machine.measure(state);
}

BENCHMARK(register_alu);
BENCHMARK(mix);
BENCHMARK(pointer_chase)->Arg(8 << 10)->Arg(64 << 10)->Arg(4 << 20);
BENCHMARK(stores);
BENCHMARK(repeated_move);
BENCHMARK(call_and_return);

} // namespace
} // namespace fixpoint::models

BENCHMARK_MAIN();
