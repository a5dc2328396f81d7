// Our processor, alone with memory and the few ports that the driver uses.
#include "tests/differential/image_file.hpp"
#include "tests/differential/processor.hpp"

#include "models/cpu/cpu.hpp"
#include "tests/cpu/cpu_bench.hpp"

#include <cstring>
#include <ctime>

namespace differential {
namespace {

using namespace fixpoint::models;

struct Ports : CpuBus {
    static constexpr uint16_t serial = 0x3F8, line_control = serial + 3, line_status = serial + 5,
                              scratch = serial + 7, debug_exit = 0xF4;
    static constexpr uint8_t transmitter_empty = 0x60;

    Cpu* cpu = nullptr;
    std::vector<uint8_t> output;
    uint8_t scratch_value = 0;
    bool divisor_access = false, ended = false;

    uint32_t io_read(uint16_t port, unsigned) override {
        if (port == line_status)
            return transmitter_empty;
        return port == scratch ? scratch_value : ~0u;
    }
    void io_write(uint16_t port, unsigned, uint32_t value) override {
        if (port == line_control)
            divisor_access = (value & 0x80) != 0;
        if (port == serial && !divisor_access)
            output.push_back(static_cast<uint8_t>(value));
        if (port == scratch)
            scratch_value = static_cast<uint8_t>(value);
        if (port == debug_exit) {
            ended = true;
            cpu->request_stop();
        }
    }
    uint32_t mmio_read(uint32_t, unsigned) override { return ~0u; }
    void mmio_write(uint32_t, unsigned, uint32_t) override {}
    uint8_t acknowledge_interrupt() override { return 0; }
    unsigned io_cycles(uint16_t) override { return 1; }
};

double thread_seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

class Model final : public Processor {
public:
    explicit Model(const GuestFiles& files) : driver_{flatten(files.driver)} {}
    [[nodiscard]] std::string name() const override { return "model"; }

private:
    static constexpr uint32_t information = 0x9000, module_list = 0x9100;
    // Between two results; the longest case takes a hundredth of it.
    static constexpr uint64_t patience_cycles = 20'000'000;

    Run run(const std::vector<uint8_t>& module, double /*patience_seconds*/) override {
        const double begin = thread_seconds();
        PhysicalMemory memory{machine_memory_bytes};
        Ports ports;
        Cpu cpu{pentium3_parameters(), memory, ports};
        ports.cpu = &cpu;
        const auto put = [&](uint32_t address, const std::vector<uint8_t>& bytes) {
            std::memcpy(memory.span(address, bytes.size()).data(), bytes.data(), bytes.size());
        };
        put(module_address, module);
        const uint32_t one = 1;
        std::memcpy(memory.data() + information + 20, &one,
                    4); // Multiboot information: mods_count, mods_addr
        std::memcpy(memory.data() + information + 24, &module_list, 4);
        std::memcpy(memory.data() + module_list, &module_address, 4);
        const auto boot = [&] {
            put(driver_.address, driver_.bytes);
            cpu.reset();
            CpuState state = CpuBench::flat_state();
            state.general[reg_ebx] = information;
            state.eip = driver_entry;
            cpu.set_state(state);
        };
        boot();
        while (!ports.ended) {
            const size_t before = ports.output.size();
            const Cpu::Stop stop = cpu.run(cpu.cycles() + patience_cycles);
            if (stop == Cpu::Stop::triple_fault)
                boot();
            else if (!ports.ended && ports.output.size() == before)
                break;
        }
        return {std::move(ports.output), thread_seconds() - begin};
    }

    FlatProgram driver_;
};

} // namespace

std::unique_ptr<Processor> make_model(const GuestFiles& files) {
    return std::make_unique<Model>(files);
}

} // namespace differential
