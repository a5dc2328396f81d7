// The whole machine under a kernel out of control: random code, tables and registers as for the processor alone, with
// code in between that uses the devices' ports, right and wrong. Nothing may crash, throw or hang; time goes
// forward only; and the same case ends the same, with somebody who watches every instruction or nobody.
#include "models/cpu/cpu.hpp"
#include "tests/fuzz/campaign.hpp"
#include "tests/fuzz/device_code.hpp"
#include "tests/fuzz/random_scenario.hpp"
#include "tests/machine/machine_fixtures.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <sys/mman.h>

namespace fixpoint::fuzz {
namespace {

using models::Picoseconds;
using sim::Machine;
using sim::RunEnd;

constexpr unsigned default_cases = 30, slices = 40;
constexpr Picoseconds slice_max = 100 * models::ps_per_us;
// An access to a device may take that long, and what comes after the limit in a block.
constexpr Picoseconds overshoot_max = models::ps_per_ms;
constexpr uint32_t input_output_level3 = 0x3000; // IOPL
constexpr uint32_t kernel_address = 0x10'0000, kernel_bytes = 0x2000;

// What must be the same.
struct End {
    RunEnd how;
    Picoseconds now;
    uint64_t cycles, instructions, timing, memory, disk, output;
};

// Where the child leaves it.
class SharedEnd {
public:
    SharedEnd()
        : place_{mmap(nullptr, sizeof(End), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)} {}
    ~SharedEnd() { munmap(place_, sizeof(End)); }
    SharedEnd(const SharedEnd&) = delete;
    SharedEnd& operator=(const SharedEnd&) = delete;

    void set(const End& end) { std::memcpy(place_, &end, sizeof end); }
    [[nodiscard]] End get() const {
        End end;
        std::memcpy(&end, place_, sizeof end);
        return end;
    }

private:
    void* place_;
};

class KernelFile {
public:
    explicit KernelFile(std::span<const uint8_t> content) {
        std::ofstream{path(), std::ios::binary}.write(reinterpret_cast<const char*>(content.data()),
                                                      static_cast<std::streamsize>(content.size()));
    }

    [[nodiscard]] std::filesystem::path path() const { return folder_ / "kernel"; }

private:
    tests::TemporaryFolder folder_{"machine-fuzz"};
};

uint64_t digest(std::span<const uint8_t> bytes) {
    uint64_t hash = 0xCBF2'9CE4'8422'2325;
    for (size_t i = 0; i + 8 <= bytes.size(); i += 8) {
        uint64_t word;
        std::memcpy(&word, bytes.data() + i, 8);
        hash = (hash ^ word) * 0x1000'0000'01B3;
    }
    return hash;
}

struct Onlooker final : models::InstructionObserver {
    uint64_t seen = 0;

    bool before_instruction(uint32_t) override {
        ++seen;
        return true;
    }
};

// Presses the reset button when the machine stands still at its request.
struct ResetButton final : sim::MachineDebugger {
    explicit ResetButton(Machine& of) : machine{of} {}
    Machine& machine;

    void poll() override {}
    bool stopped(std::optional<models::Cpu::Stop> stop) override {
        if (!stop)
            machine.reset();
        return true;
    }
};

struct Case {
    Scenario scenario;
    std::vector<uint8_t> kernel; // what lies at kernel_address, also after a reset
    uint64_t seed;               // of what happens from outside
};

// Most of them sound enough to get to the devices.
Case draw_case(uint64_t seed) {
    Random random{seed};
    ScenarioKind kind{CodeKind::valid_instructions, Environment::level0, Paging::off, Tables::sound};
    if (random() % 4 == 0)
        kind.environment = Environment::level3;
    constexpr Paging pagings[] = {Paging::off, Paging::one_to_one, Paging::one_to_one, Paging::random,
                                  Paging::random_pae};
    kind.paging = pagings[random() % std::size(pagings)];
    if (random() % 8 == 0)
        kind.tables = Tables::damaged;
    Case drawn{draw_scenario(kind, random), {}, random()};
    const std::span<uint8_t> code{drawn.scenario.memory.data() + kernel_address, kernel_bytes};
    drawn.scenario.state.eip = add_device_code(code, random);
    if (random() % 4 != 0)
        drawn.scenario.state.eflags |= input_output_level3;
    drawn.kernel.assign(code.begin(), code.end());
    return drawn;
}

End run_machine(const Case& drawn, const KernelFile& file, bool observed) {
    models::DiskImage disk{sim::test::disk_sectors};
    sim::MachineParameters parameters = sim::test::test_machine();
    parameters.cpu = drawn.scenario.parameters;
    parameters.memory.bytes = memory_bytes;
    Machine machine{parameters, &disk};
    Onlooker onlooker;
    if (observed)
        machine.add_observer(onlooker);
    uint64_t output = 0;
    const auto note = [&](char c) { output = output * 31 + static_cast<uint8_t>(c); };
    machine.set_serial_output(note);
    machine.set_debug_output(note);
    machine.load({file.path(), "", {}});
    std::memcpy(machine.memory().data(), drawn.scenario.memory.data(), memory_bytes);
    machine.cpu().set_state(drawn.scenario.state);

    ResetButton button{machine};
    machine.set_debugger(&button);
    Random outside{drawn.seed};
    RunEnd how = RunEnd::time_limit;
    for (unsigned i = 0; i < slices && how == RunEnd::time_limit; ++i) {
        const Picoseconds before = machine.now(), until = before + 1 + outside() % slice_max;
        how = machine.run(until);
        EXPECT_GE(machine.now(), before);
        EXPECT_LE(machine.now(), until + overshoot_max);
        if (outside() % 8 == 0)
            machine.feed_serial_input("input");
        if (outside() % 32 == 0)
            machine.request_break();
        else if (outside() % 32 == 0)
            machine.power_cycle(models::PowerLoss::torn, outside());
    }
    EXPECT_TRUE(!observed || onlooker.seen >= machine.cpu().instructions());
    std::vector<uint8_t> content(disk.sector_count() * models::sector_bytes);
    disk.read(0, content);
    return {how,
            machine.now(),
            machine.cpu().cycles(),
            machine.cpu().instructions(),
            machine.cpu().timing_state_digest(),
            digest({machine.memory().data(), memory_bytes}),
            digest(content),
            output};
}

End run_in_child(const Case& drawn, const KernelFile& file, bool observed) {
    SharedEnd end;
    sim::test::in_child([&] { end.set(run_machine(drawn, file, observed)); });
    return end.get();
}

TEST(MachineFuzz, RandomKernelsWithDevices) {
    run_campaign(default_cases, [](uint64_t seed) {
        const Case drawn = draw_case(seed);
        const KernelFile file{drawn.kernel}; // its name is in the machine's memory
        const End alone = run_in_child(drawn, file, false), watched = run_in_child(drawn, file, true);
        EXPECT_EQ(alone.how, watched.how);
        EXPECT_EQ(alone.now, watched.now);
        EXPECT_EQ(alone.cycles, watched.cycles);
        EXPECT_EQ(alone.instructions, watched.instructions);
        EXPECT_EQ(alone.timing, watched.timing);
        EXPECT_EQ(alone.memory, watched.memory);
        EXPECT_EQ(alone.disk, watched.disk);
        EXPECT_EQ(alone.output, watched.output);
    });
}

// They do get to the devices.
TEST(MachineFuzz, KernelsReachTheDevices) {
    unsigned sent = 0;
    constexpr unsigned kernels = 40;
    for (uint64_t seed = 1; seed <= kernels; ++seed) {
        const Case drawn = draw_case(seed);
        sent += run_in_child(drawn, KernelFile{drawn.kernel}, false).output != 0 ? 1 : 0;
    }
    EXPECT_GT(sent, kernels / 8);
}

} // namespace
} // namespace fixpoint::fuzz
