#include "models/chipset/pit.hpp"
#include "models/cpu/cpu.hpp"
#include "tests/machine/machine_fixtures.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace fixpoint::sim {
namespace {

using models::DiskImage;
using models::PowerLoss;
using models::ps_per_ms;
using models::ps_per_second;
using models::ps_per_us;
using test::boot_and_run;
using test::disk_sectors;
using test::guest;
using test::in_child;
using test::Result;
using test::test_machine;
using test::test_machine_with_mechanics;

TEST(Machine, BootsAndLeavesByTheDebugExit) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        const Result result = boot_and_run(machine, {guest("boot"), "a=1 b", {}});
        EXPECT_EQ(result.end, RunEnd::debug_exit);
        EXPECT_EQ(machine.debug_exit_value(), 0x10u);
        EXPECT_EQ(machine.last_post_code(), 0x5A);
        EXPECT_NE(result.console.find("arguments a=1 b\n"), std::string::npos) << result.console;
    });
}

TEST(Machine, ReportsAccessesThatNobodyAnswers) {
    struct Access {
        bool memory;
        uint32_t address;
        unsigned bytes;
        bool write;
        bool operator==(const Access&) const = default;
    };
    struct Listener : MachineEvents {
        explicit Listener(Machine& of) : machine{of} {}
        void unclaimed_memory(uint32_t address, unsigned bytes, bool write) override {
            note({true, address, bytes, write});
        }
        void unclaimed_port(uint16_t port, unsigned bytes, bool write) override {
            note({false, port, bytes, write});
        }
        void note(const Access& access) {
            accesses.push_back(access);
            instructions.push_back(machine.cpu().state().eip);
        }
        Machine& machine;
        std::vector<Access> accesses;
        std::vector<uint32_t> instructions;
    };
    in_child([] {
        Machine machine{test_machine(), nullptr};
        Listener listener{machine};
        machine.set_events(&listener);
        boot_and_run(machine, {guest("unclaimed"), "", {}});
        EXPECT_EQ(machine.debug_exit_value(), 0x10u) << "reads give all ones";
        EXPECT_EQ(listener.accesses, (std::vector<Access>{{false, 0x333, 1, false},
                                                          {true, 0x0C00'0000, 4, false},
                                                          {false, 0x333, 2, true},
                                                          {true, 0x0C00'0000, 4, true}}));
        // The first one is IN AL, DX; EIP was its own.
        ASSERT_FALSE(listener.instructions.empty());
        EXPECT_EQ(machine.memory().data()[listener.instructions[0]], 0xEC);
    });
}

// The test machine's 700 ns on ISA and 400 ns on PCI are 150 cycles apart.
TEST(Machine, APortCostsWhatItsBusDoes) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        const Result result = boot_and_run(machine, {guest("port_costs"), "", {}});
        EXPECT_EQ(result.console, "nobody 0\nserial 0\nIDE 150\nVGA 150\nconfiguration 150\n"
                                  "power management 150\nbeside it 0\n"
                                  "power management moved 150\nits old place 0\n");
    });
}

TEST(Machine, ASerialByteTakesItsTimeOnTheLine) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        std::vector<models::Picoseconds> times;
        machine.set_serial_output([&](char) { times.push_back(machine.now()); });
        machine.load({guest("boot"), "", {}});
        machine.run(ps_per_second);
        ASSERT_GT(times.size(), 50u);
        // 10 bits at 115,200 baud, one after the other as fast as the port takes them. In a device's callback
        // now() is the processor's instant, which may be an instruction ahead.
        const models::Picoseconds frames = models::Picoseconds{40} * 10 * ps_per_second / 115'200;
        EXPECT_GT(times[40] - times[0] + 2 * ps_per_us, frames);
        EXPECT_LT(times[40] - times[0], frames + 2 * ps_per_us);
    });
}

TEST(Machine, StopsAtTheTimeLimitAndGoesOnFromThere) {
    std::string whole, pieces;
    in_child([] {
        Machine machine{test_machine(), nullptr};
        std::string console;
        machine.set_serial_output([&](char c) { console += c; });
        machine.load({guest("timers"), "", {}});
        RunEnd end = RunEnd::time_limit;
        for (models::Picoseconds until = 1 * ps_per_ms; end == RunEnd::time_limit; until += 1 * ps_per_ms) {
            end = machine.run(until);
            if (end == RunEnd::time_limit) {
                EXPECT_GE(machine.now(), until);
                EXPECT_LT(machine.now(), until + 5 * ps_per_us);
            }
            ASSERT_LT(until, ps_per_second);
        }
        EXPECT_EQ(end, RunEnd::debug_exit);
        EXPECT_NE(console.find("timer interrupts 00000032"), std::string::npos) << console;
    });
}

TEST(Machine, TimerInterruptsComeAtTheProgrammedRate) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        const Result result = boot_and_run(machine, {guest("timers"), "", {}});
        EXPECT_EQ(result.end, RunEnd::debug_exit);
        // 50 ticks of 1 ms, 10 ms of channel 2, 20 ticks of 1/512 s: 99 ms, and the console's time.
        EXPECT_GT(machine.now(), 97 * ps_per_ms);
        EXPECT_LT(machine.now(), 135 * ps_per_ms);
        // Most of it the processor was halted.
        EXPECT_GT(machine.cpu().idle_cycles(), machine.cpu().cycles() * 6 / 10);
    });
}

TEST(Machine, TheClocksAgreeAfterHours) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        std::string console;
        machine.set_serial_output([&](char c) { console += c; });
        machine.load({guest("hours"), "", {}});
        EXPECT_EQ(machine.run(5 * 3'600 * ps_per_second), RunEnd::debug_exit);
        unsigned interrupts = 0, updates = 0, seconds = 0, high = 0, low = 0;
        ASSERT_EQ(std::sscanf(console.c_str(),
                              "timer interrupts %x\nupdates %x\nseconds of the day %x\n"
                              "cycles, high %x\ncycles, low %x\n",
                              &interrupts, &updates, &seconds, &high, &low),
                  5)
            << console;
        constexpr uint64_t hours_in_seconds = 4 * 3'600, clock_hz = 500'000'000;
        EXPECT_EQ(updates, hours_in_seconds);
        EXPECT_EQ(seconds, hours_in_seconds);
        EXPECT_EQ(interrupts, hours_in_seconds * models::Pit::frequency_hz / 65'536);
        // The guest reads it after an interrupt both times; the second may have come behind the timer's.
        constexpr double ten_us = 10e-6 * clock_hz;
        EXPECT_NEAR(static_cast<double>(uint64_t{high} << 32 | low),
                    static_cast<double>(hours_in_seconds * clock_hz), ten_us);
    });
}

TEST(Machine, CyclesAndTimeAgree) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        machine.load({guest("timers"), "", {}});
        machine.run(20 * ps_per_ms);
        EXPECT_GE(machine.cpu().cycles(), 20 * ps_per_ms / 2'000);
        EXPECT_LT(machine.cpu().cycles(), 20 * ps_per_ms / 2'000 + 2'000);
    });
}

TEST(Machine, AResetStartsTheImageAgain) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        const Result result = boot_and_run(machine, {guest("reset"), "", {}});
        EXPECT_EQ(result.end, RunEnd::debug_exit);
        EXPECT_EQ(result.console, "start 00000000\nstart 00000001\nstart 00000002\nstart 00000003\n");
        EXPECT_EQ(machine.debug_exit_value(), 0x11u);
    });
}

TEST(Machine, AnX87ExceptionArrivesAsInterrupt13) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        const Result result = boot_and_run(machine, {guest("coprocessor"), "", {}});
        EXPECT_EQ(result.end, RunEnd::debug_exit);
        EXPECT_EQ(result.console, "interrupts 00000001\nexceptions 00008084\n");
    });
}

TEST(Machine, SerialInputArrivesByInterruptAndPowerManagementSwitchesOff) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        machine.feed_serial_input("hello, world.");
        const Result result = boot_and_run(machine, {guest("echo"), "", {}});
        EXPECT_EQ(result.end, RunEnd::powered_off);
        EXPECT_EQ(result.console.find("hello, world."), result.console.size() - 13) << result.console;
        EXPECT_THROW(machine.run(machine.now() + 1), std::logic_error);
    });
}

TEST(Machine, WhatTheSerialPortHoldsLeavesWhenTheGuestEndsTheRun) {
    struct Way {
        const char* argument;
        RunEnd end;
    };
    for (const Way& way :
         {Way{"h", RunEnd::halted_for_ever}, Way{"d", RunEnd::debug_exit}, Way{"p", RunEnd::powered_off}})
        in_child([&way] {
            Machine machine{test_machine(), nullptr};
            const Result result = boot_and_run(machine, {guest("ending"), way.argument, {}});
            EXPECT_EQ(result.end, way.end);
            EXPECT_EQ(result.console, "17 bytes: passed\n") << way.argument;
            EXPECT_LT(machine.now(), ps_per_ms) << "no time passes for it";
        });
}

TEST(Machine, ADebugExitLeavesBothSerialPortsEmpty) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        EXPECT_EQ(boot_and_run(machine, {guest("ending"), "d", {}}).end, RunEnd::debug_exit);
        for (int port = 0; port < 2; ++port) {
            EXPECT_EQ(machine.run(machine.now() + ps_per_ms), RunEnd::debug_exit);
            EXPECT_EQ(machine.debug_exit_value() & 0x60, 0x60u);
        }
    });
}

TEST(Machine, ATimeLimitAndAPowerCutLeaveTheSerialPortAlone) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        std::string console;
        machine.set_serial_output([&](char c) { console += c; });
        machine.load({guest("ending"), "w", {}});
        EXPECT_EQ(machine.run(100 * ps_per_us), RunEnd::time_limit);
        EXPECT_LT(console.size(), 3u);
        machine.power_cycle(PowerLoss::lose_cache, 1);
        EXPECT_LT(console.size(), 3u);
    });
}

TEST(Machine, KeysGoInAndComeOneByteAnInterrupt) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        machine.feed_keyboard("Hi \x1B");
        const Result result = boot_and_run(machine, {guest("keys"), "", {}});
        EXPECT_EQ(result.end, RunEnd::powered_off);
        EXPECT_EQ(result.console, "2a 23 a3 aa 17 97 39 b9 01 81 ");
    });
}

TEST(Machine, KeysGoInWhileTheProcessorWaits) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        std::string console;
        machine.set_serial_output([&](char c) { console += c; });
        machine.load({guest("keys"), "", {}});
        EXPECT_EQ(machine.run(ps_per_second), RunEnd::time_limit);
        machine.feed_keyboard("a");
        EXPECT_EQ(machine.run(2 * ps_per_second), RunEnd::time_limit);
        EXPECT_EQ(console, "1e 9e ");
        machine.reset();
        machine.feed_keyboard("\x1B");
        EXPECT_EQ(machine.run(3 * ps_per_second), RunEnd::powered_off);
        EXPECT_EQ(console, "1e 9e 01 81 ");
    });
}

TEST(Machine, AHaltWithInterruptsOffEndsAtOnce) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        const Result result = boot_and_run(machine, {guest("echo"), "halt", {}});
        EXPECT_EQ(result.end, RunEnd::halted_for_ever);
        EXPECT_LT(machine.now(), ps_per_second);
    });
}

TEST(Machine, ATripleFaultEndsTheRun) {
    in_child([] {
        Machine machine{test_machine(), nullptr};
        machine.load({guest("boot"), "", {}});
        // The kernel's first instruction becomes UD2; there is no interrupt table.
        const uint32_t entry = machine.cpu().state().eip;
        machine.memory().data()[entry] = 0x0F;
        machine.memory().data()[entry + 1] = 0x0B;
        EXPECT_EQ(machine.run(ps_per_second), RunEnd::triple_fault);
    });
}

TEST(Machine, ASinkThatThrowsEndsTheRunWithItsException) {
    struct Thrower : models::ProbeSink, models::CpuBus {
        void on_probe(l4::Probe, const models::ProbeArguments&) override {
            throw std::runtime_error("from the sink");
        }
        uint32_t io_read(uint16_t, unsigned) override { return 0; }
        void io_write(uint16_t, unsigned, uint32_t) override {}
        uint32_t mmio_read(uint32_t, unsigned) override { return 0; }
        void mmio_write(uint32_t, unsigned, uint32_t) override {}
        uint8_t acknowledge_interrupt() override { return 0; }
        unsigned io_cycles(uint16_t) override { return 0; }
    };
    in_child([] {
        Machine machine{test_machine(), nullptr};
        Thrower thrower;
        machine.cpu().set_probe_sink(&thrower);
        machine.load({guest("boot"), "", {}});
        // The kernel's first instruction becomes a probe.
        const uint8_t probe[] = {0x0F, 0x1F, 0x80, 0x01, 0x00, 0x58, 0x46};
        std::memcpy(machine.memory().data() + machine.cpu().state().eip, probe, sizeof probe);
        EXPECT_THROW(machine.run(ps_per_second), std::runtime_error);
    });
}

TEST(Machine, StopsAtTheProbeThatAsksForIt) {
    struct Stopper : models::ProbeSink {
        Machine* machine = nullptr;
        models::Picoseconds at = 0;
        void on_probe(l4::Probe, const models::ProbeArguments&) override {
            at = machine->now();
            machine->request_stop();
        }
    };
    in_child([] {
        Machine machine{test_machine(), nullptr};
        Stopper stopper;
        stopper.machine = &machine;
        machine.cpu().set_probe_sink(&stopper);
        machine.load({guest("boot"), "", {}});
        const uint8_t probe[] = {0x0F, 0x1F, 0x80, 0x01, 0x00, 0x58, 0x46};
        std::memcpy(machine.memory().data() + machine.cpu().state().eip, probe, sizeof probe);
        EXPECT_EQ(machine.run(ps_per_second), RunEnd::stop_requested);
        EXPECT_LT(machine.now() - stopper.at, 1 * ps_per_us);
    });
}

// Runs until "written" is on the console, and 10 ms more.
std::string run_until_written(Machine& machine) {
    std::string console;
    machine.set_serial_output([&](char c) { console += c; });
    while (console.find("written") == std::string::npos && machine.now() < 10 * ps_per_second)
        machine.run(machine.now() + 1 * ps_per_ms);
    machine.run(machine.now() + 10 * ps_per_ms);
    machine.set_serial_output(nullptr);
    return console;
}

TEST(MachineDrives, EachHasItsOwnPlaceAndParameters) {
    in_child([] {
        DiskImage first{disk_sectors}, last{1'000};
        MachineDisks disks;
        disks[0] = {test_machine().disk, &first};
        disks[3] = {test_machine_with_mechanics().disk, &last};
        Machine machine{test_machine(), disks};
        EXPECT_EQ(machine.disk(), machine.disk(0));
        EXPECT_EQ(machine.disk(1), nullptr);
        EXPECT_EQ(machine.disk(2), nullptr);
        EXPECT_FALSE(machine.disk(0)->write_cache_enabled());
        EXPECT_TRUE(machine.disk(3)->write_cache_enabled());
        EXPECT_EQ(machine.disk(3)->sector_count(), 1'000u);
        EXPECT_NE(boot_and_run(machine, {guest("disk"), "", {}}).console.find("same 00000001"),
                  std::string::npos);
    });
}

TEST(MachinePower, ACutTakesMemoryAndTheWriteCache) {
    in_child([] {
        DiskImage image{disk_sectors};
        Machine machine{test_machine_with_mechanics(), &image};
        machine.load({guest("power"), "", {}});
        EXPECT_EQ(run_until_written(machine), "memory 00000000\ndisk 00000000\nwritten\n");
        EXPECT_EQ(machine.disk()->unflushed_sectors(), 1u);
        const models::Picoseconds before = machine.now();
        machine.power_cycle(PowerLoss::lose_cache, 1);
        EXPECT_GE(machine.now(), before);
        EXPECT_EQ(run_until_written(machine), "memory 00000000\ndisk 00000000\nwritten\n");
    });
}

TEST(MachinePower, ACutLeavesWhatWasFlushed) {
    in_child([] {
        DiskImage image{disk_sectors};
        Machine machine{test_machine_with_mechanics(), &image};
        machine.load({guest("power"), "flush", {}});
        run_until_written(machine);
        machine.power_cycle(PowerLoss::lose_cache, 1);
        EXPECT_EQ(run_until_written(machine), "memory 00000000\ndisk 0000abcd\nwritten\n");
    });
}

TEST(MachinePower, ADriveThatKeepsItsCacheFinishesTheWrite) {
    in_child([] {
        DiskImage image{disk_sectors};
        Machine machine{test_machine_with_mechanics(), &image};
        machine.load({guest("power"), "", {}});
        run_until_written(machine);
        machine.power_cycle(PowerLoss::keep, 1);
        EXPECT_EQ(run_until_written(machine), "memory 00000000\ndisk 0000abcd\nwritten\n");
    });
}

// Cuts at many instants, the middle of port accesses and of transfers among them; each time the machine comes
// back.
TEST(MachinePower, ComesBackFromACutAtAnyInstant) {
    in_child([] {
        DiskImage image{disk_sectors};
        Machine machine{test_machine_with_mechanics(), &image};
        std::string console;
        machine.set_serial_output([&](char c) { console += c; });
        machine.load({guest("disk"), "", {}});
        for (unsigned i = 0; i < 100; ++i) {
            EXPECT_EQ(machine.run(machine.now() + (i * 234'567 + 1) * ps_per_us / 1'000), RunEnd::time_limit);
            machine.power_cycle(models::all_power_loss_modes[i % 5], i);
        }
        console.clear();
        EXPECT_EQ(machine.run(machine.now() + 20 * ps_per_second), RunEnd::debug_exit);
        EXPECT_NE(console.find("same 00000001"), std::string::npos) << console;
    });
}

TEST(MachinePower, TwoMachinesTreatedAlikeAreAlikeCycleByCycle) {
    const auto run = [](const std::filesystem::path& result) {
        in_child([&] {
            DiskImage image{disk_sectors};
            Machine machine{test_machine_with_mechanics(), &image};
            std::string console;
            machine.set_serial_output([&](char c) { console += c; });
            machine.load({guest("disk"), "", {}});
            machine.run(30 * ps_per_ms);
            machine.power_cycle(PowerLoss::reordered, 7);
            machine.run(20 * ps_per_second);
            FILE* file = std::fopen(result.c_str(), "w");
            ASSERT_NE(file, nullptr);
            std::fprintf(file, "%s%llu %llu %llu\n", console.c_str(),
                         static_cast<unsigned long long>(machine.cpu().cycles()),
                         static_cast<unsigned long long>(machine.cpu().instructions()),
                         static_cast<unsigned long long>(machine.now()));
            std::fclose(file);
        });
        std::string text;
        if (FILE* file = std::fopen(result.c_str(), "r")) {
            for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file))
                text += static_cast<char>(c);
            std::fclose(file);
        }
        std::filesystem::remove(result);
        return text;
    };
    const auto folder = std::filesystem::temp_directory_path();
    const std::string name =
        "machine-test-" + std::to_string(testing::UnitTest::GetInstance()->random_seed());
    const std::string first = run(folder / (name + "a" + std::to_string(time(nullptr))));
    const std::string second = run(folder / (name + "b" + std::to_string(time(nullptr))));
    EXPECT_FALSE(first.empty());
    EXPECT_EQ(first, second);
}

TEST(Machine, RefusesImpossibleParameters) {
    in_child([] {
        MachineParameters parameters = test_machine();
        parameters.memory.bytes = 1000;
        EXPECT_THROW((Machine{parameters, nullptr}), std::invalid_argument);
    });
}

} // namespace
} // namespace fixpoint::sim
