// Runs the same programs in the model: level 3, paging on, the same descriptors in the LDT; every vector leads
// to a level-0 handler whose stack tells what the processor pushed.
//
// The supervisor's tables lie where no host process has memory that a program could name.
#pragma once

#include "tests/native/native_case.hpp"

#include "tests/cpu/cpu_bench.hpp"

namespace fixpoint::native {

class ModelProcessor {
public:
    explicit ModelProcessor(const LocalTable& table);

    void set_memory(const MemoryImage& image);
    [[nodiscard]] uint8_t* memory() { return bench_.memory.data() + image_physical; }
    [[nodiscard]] const uint8_t* memory() const { return bench_.memory.data() + image_physical; }

    // False: it neither ended nor faulted (the model's defect).
    [[nodiscard]] bool run(const Program& program, Outcome& outcome);
    [[nodiscard]] uint64_t instructions() const { return bench_.cpu.instructions(); }

    // Where the supervisor's pages are in linear memory: the host has nothing there.
    static constexpr uint32_t supervisor_begin = 0xFFC0'0000;

private:
    static constexpr uint32_t directory = 0x1000, low_table = 0x2000, high_table = 0x3000, gdt = 0x4000,
                              idt = 0x5000, tss = 0x6000, handlers = 0x7000, stack_top = 0x9000, ldt = 0xA000;
    static constexpr uint32_t code_physical = 0x10'0000, image_physical = 0x11'0000;
    static constexpr uint16_t kernel_code = 0x08, kernel_data = 0x10, tss_selector = 0x18,
                              ldt_selector = 0x20;
    static constexpr uint32_t handler_bytes = 16;

    struct StopAtProbe : models::ProbeSink {
        explicit StopAtProbe(models::Cpu& the_cpu) : cpu{the_cpu} {}
        void on_probe(l4::Probe, const models::ProbeArguments&) override { cpu.request_stop(); }
        models::Cpu& cpu;
    };

    void map(const Area& area, uint32_t physical, bool writable);
    void build_paging();
    void build_tables();
    void resume(const Registers& from);
    void record(const models::CpuState& state, uint32_t frame, Registers& to) const;
    static void record(const models::X87State& state, X87Registers& to);
    void descriptor(uint32_t address, uint32_t low, uint32_t high) {
        bench_.put32(address, low);
        bench_.put32(address + 4, high);
    }

    const LocalTable& table_;
    models::CpuBench bench_;
    StopAtProbe sink_;
    models::CpuState user_;
};

} // namespace fixpoint::native
