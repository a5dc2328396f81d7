// The machine as debuggers and profilers see it: they may look at every instruction, stop it and let it go on,
// and nothing that is modelled changes.
#include "models/cpu/cpu.hpp"
#include "tests/machine/machine_fixtures.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <unistd.h>

namespace fixpoint::sim {
namespace {

using models::Cpu;
using models::ps_per_second;
using test::boot_and_run;
using test::guest;
using test::in_child;
using test::Result;
using test::test_machine;

struct Counter final : models::InstructionObserver {
    uint64_t instructions = 0;

    bool before_instruction(uint32_t) override {
        ++instructions;
        return true;
    }
};

// Stops before every `interval`-th instruction it sees.
struct Stopper final : models::InstructionObserver {
    explicit Stopper(uint64_t wanted) : interval{wanted} {}
    uint64_t interval, seen = 0;

    bool before_instruction(uint32_t) override { return ++seen % interval != 0; }
};

struct Debugger final : MachineDebugger {
    std::function<void()> on_poll = [] {};
    std::function<bool(std::optional<Cpu::Stop>)> on_stop = [](std::optional<Cpu::Stop>) { return true; };

    void poll() override { on_poll(); }
    bool stopped(std::optional<Cpu::Stop> stop) override { return on_stop(stop); }
};

struct End {
    std::string console;
    uint64_t cycles, instructions, digest;

    bool operator==(const End&) const = default;
};

RunEnd run_in_slices(Machine& machine) {
    RunEnd end = RunEnd::time_limit;
    while (end == RunEnd::time_limit)
        end = machine.run(machine.now() + models::ps_per_ms);
    return end;
}

// Runs a guest program to its end, with whatever `prepare` adds to the machine.
End run_with(const std::string& program, const std::function<void(Machine&)>& prepare) {
    Machine machine{test_machine(), nullptr};
    prepare(machine);
    std::string console;
    machine.set_serial_output([&](char c) { console += c; });
    machine.load({guest(program), "", {}});
    EXPECT_EQ(run_in_slices(machine), RunEnd::debug_exit);
    const Cpu& cpu = machine.cpu();
    return {console, cpu.cycles(), cpu.instructions(), cpu.timing_state_digest()};
}

// One machine a process: the ends are compared as text.
void expect_undisturbed(const std::string& program, const std::function<void(Machine&)>& prepare) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    for (const bool disturbed : {false, true})
        in_child([&] {
            const End end = run_with(
                program, disturbed ? prepare : [](Machine&) {});
            const std::string text = std::to_string(end.cycles) + ' ' + std::to_string(end.instructions) +
                                     ' ' + std::to_string(end.digest) + ' ' +
                                     std::to_string(std::hash<std::string>{}(end.console)) + '\n';
            EXPECT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
        });
    close(ends[1]);
    std::string both(1024, 0);
    const ssize_t count = read(ends[0], both.data(), both.size());
    close(ends[0]);
    ASSERT_GT(count, 0);
    both.resize(static_cast<size_t>(count));
    const std::string first = both.substr(0, both.find('\n') + 1);
    EXPECT_EQ(both, first + first) << "cycles, instructions, caches and TLBs, console";
}

TEST(Debugging, ObserversChangeNothing) {
    for (const char* program : {"boot", "timers"}) {
        Counter first, second;
        expect_undisturbed(program, [&](Machine& machine) {
            machine.add_observer(first);
            machine.add_observer(second);
        });
    }
}

TEST(Debugging, ADebuggerThatOnlyLooksChangesNothing) {
    Debugger debugger;
    expect_undisturbed("timers", [&](Machine& machine) {
        machine.set_debugger(&debugger);
        debugger.on_poll = [&machine] { machine.request_break(); };
        debugger.on_stop = [&](std::optional<Cpu::Stop>) {
            (void)machine.cpu().tlb_entries();
            uint32_t physical = 0;
            (void)machine.cpu().translate(machine.cpu().state().eip, physical);
            return true;
        };
    });
}

TEST(Debugging, EveryObserverSeesEveryInstructionOnceHoweverOftenAnotherOneStops) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        Counter counter;
        Stopper stopper{1000};
        Debugger debugger;
        unsigned stops = 0;
        debugger.on_stop = [&](std::optional<Cpu::Stop> stop) {
            stops += stop == Cpu::Stop::observer ? 1 : 0;
            return true;
        };
        machine.set_debugger(&debugger);
        machine.add_observer(counter);
        machine.add_observer(counter);
        machine.add_observer(stopper);
        EXPECT_EQ(boot_and_run(machine, {guest("boot"), "", {}}).end, RunEnd::debug_exit);
        EXPECT_EQ(counter.instructions, stopper.seen);
        EXPECT_EQ(stops, stopper.seen / 1000);
        EXPECT_GT(stops, 0u);
    });
}

TEST(Debugging, ABreakThatIsWantedBeforeTheRunComesBeforeTheFirstInstruction) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        Debugger debugger;
        std::vector<uint64_t> instructions_at;
        debugger.on_stop = [&](std::optional<Cpu::Stop>) {
            instructions_at.push_back(machine.cpu().instructions());
            return true;
        };
        machine.set_debugger(&debugger);
        machine.request_break();
        machine.load({guest("echo"), "", {}});
        EXPECT_EQ(machine.run(models::ps_per_ms), RunEnd::time_limit);
        EXPECT_EQ(instructions_at, std::vector<uint64_t>{0});
    });
}

TEST(Debugging, ABreakReachesAHaltedMachine) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        Debugger debugger;
        unsigned halted = 0, running = 0;
        debugger.on_poll = [&] { machine.request_break(); };
        debugger.on_stop = [&](std::optional<Cpu::Stop>) {
            ++(machine.cpu().halted() ? halted : running);
            return true;
        };
        machine.set_debugger(&debugger);
        machine.load({guest("timers"), "", {}});
        EXPECT_EQ(run_in_slices(machine), RunEnd::debug_exit);
        EXPECT_GT(halted, 0u);
        EXPECT_GT(running, 0u);
    });
}

TEST(Debugging, TheDebuggerMayEndTheRun) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        Debugger debugger;
        debugger.on_stop = [](std::optional<Cpu::Stop>) { return false; };
        machine.set_debugger(&debugger);
        machine.request_break();
        EXPECT_EQ(boot_and_run(machine, {guest("boot"), "", {}}).end, RunEnd::stop_requested);
        EXPECT_EQ(machine.cpu().instructions(), 0u);
    });
}

TEST(Debugging, ResetStartsTheImageAnew) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        Stopper stopper{2000};
        Debugger debugger;
        debugger.on_stop = [&](std::optional<Cpu::Stop>) {
            machine.remove_observer(stopper);
            const uint32_t eip = machine.cpu().state().eip;
            machine.reset();
            EXPECT_NE(machine.cpu().state().eip, eip);
            return true;
        };
        machine.set_debugger(&debugger);
        machine.add_observer(stopper);
        const Result result = boot_and_run(machine, {guest("boot"), "a=1", {}});
        EXPECT_EQ(result.end, RunEnd::debug_exit);
        EXPECT_NE(result.console.find("arguments a=1\n"), std::string::npos) << result.console;
    });
}

// run() may end while the processor waits in an access for the devices' time to come to its own.
TEST(Debugging, ResetWaitsForTheEndOfADeviceAccess) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        machine.load({guest("boot"), "a=1", {}});
        std::string console;
        machine.set_serial_output([&](char c) { console += c; });
        models::Picoseconds until = 0;
        while (!machine.cpu().is_running()) {
            until += 100 * models::ps_per_us + 1;
            ASSERT_EQ(machine.run(until), RunEnd::time_limit) << "no run ended during an access";
        }
        machine.reset();
        console.clear();
        EXPECT_EQ(machine.run(until + ps_per_second), RunEnd::debug_exit);
        EXPECT_NE(console.find("arguments a=1\n"), std::string::npos) << console;
    });
}

TEST(Debugging, WatchpointsStopBehindTheInstructionThatTouchesThem) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        Debugger debugger;
        unsigned hits = 0;
        debugger.on_stop = [&](std::optional<Cpu::Stop> stop) {
            if (stop == Cpu::Stop::watchpoint) {
                ++hits;
                EXPECT_TRUE(machine.cpu().take_watch_hit());
            }
            return true;
        };
        machine.set_debugger(&debugger);
        machine.load({guest("boot"), "", {}});
        const uint32_t stack = machine.cpu().state().general[models::reg_esp];
        machine.cpu().set_watchpoints({{stack - 64, 64, false}, {0x10'0000, 1 << 16, false}});
        EXPECT_EQ(machine.run(20 * ps_per_second), RunEnd::debug_exit);
        EXPECT_GT(hits, 0u);
    });
}

} // namespace
} // namespace fixpoint::sim
