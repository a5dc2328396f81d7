#include "tests/machine/machine_fixtures.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <exception>

#include <sys/wait.h>
#include <unistd.h>

namespace fixpoint::sim::test {

MachineParameters test_machine() {
    const models::CacheParameters l1{.size_bytes = 16'384, .ways = 4, .line_bytes = 32, .latency_cycles = 0};
    return {.cpu = {.frequency_hz = 500'000'000,
                    .l1_instruction = l1,
                    .l1_data = l1,
                    .l2 = {.size_bytes = 524'288, .ways = 4, .line_bytes = 32, .latency_cycles = 20},
                    .memory_latency_cycles = 60,
                    .memory_stream_cycles = 30,
                    .memory_streams = 4,
                    .writeback_cycles = 8,
                    .instruction_tlb_4k = {32, 4},
                    .instruction_tlb_4m = {2, 2},
                    .data_tlb_4k = {64, 4},
                    .data_tlb_4m = {8, 4},
                    .page_walk_cycles = 5,
                    .retire_width = 3,
                    .multiply_cycles = 4,
                    .divide_cycles = 40,
                    .branch_mispredict_cycles = 12,
                    .branch_history_entries = 512,
                    .branch_history_bits = 4,
                    .interrupt_cycles = 55,
                    .iret_cycles = 40,
                    .privilege_change_cycles = 35,
                    .sysenter_cycles = 30,
                    .sysexit_cycles = 30,
                    .cr3_load_cycles = 40,
                    .invlpg_cycles = 25,
                    .rdtsc_cycles = 30,
                    .cpuid_cycles = 100,
                    .segment_load_cycles = 8,
                    .other_system_cycles = 20,
                    .string_iteration_cycles = 1,
                    .locked_cycles = 20,
                    .x87_divide_cycles = 37,
                    .x87_square_root_cycles = 68,
                    .x87_transcendental_cycles = 60,
                    .cpuid_signature = 0x673,
                    .disabled_features = 0},
            .memory = {.bytes = 64 << 20},
            .chipset = {.isa_access_ns = 700,
                        .pci_access_ns = 400,
                        .ide_bytes_per_second = 33'300'000,
                        .ide_errors = models::AtaErrors::drive,
                        .apic_bus_hz = 100'000'000,
                        .post_port = 0x80,
                        .uart_instant = false,
                        .uart_out2_gates_interrupt = false,
                        .rtc_start_unix_seconds = 968'227'200},
            .disk = {.kind = models::DiskKind::ideal,
                     .model = "TEST",
                     .command_overhead_us = 100,
                     .interface_bytes_per_second = 100'000'000,
                     .mechanical = {},
                     .ideal = {.read_latency_ns = 1'000'000,
                               .write_latency_ns = 1'000'000,
                               .flush_latency_ns = 1'000'000,
                               .sector_ns = 10'000}}};
}

MachineParameters test_machine_with_mechanics() {
    MachineParameters parameters = test_machine();
    parameters.disk.kind = models::DiskKind::mechanical;
    parameters.disk.mechanical = {.rotation_rpm = 7'200,
                                  .cylinders = 1'000,
                                  .heads = 2,
                                  .zones = {{0, 600, 160, 160}},
                                  .seek = {{1, 1'200}, {999, 15'000}},
                                  .head_switch_us = 1'200,
                                  .write_settle_us = 1'000,
                                  .read_segments = 4,
                                  .read_segment_sectors = 512,
                                  .read_ahead_sectors = 256,
                                  .write_cache_sectors = 2'048,
                                  .write_cache_enabled = true,
                                  .destage_delay_us = 100'000};
    return parameters;
}

std::filesystem::path guest(const std::string& program) {
    return std::filesystem::path{GUEST_IMAGE_DIR} / ("machine_" + program + ".elf");
}

void in_child(const std::function<void()>& body) {
    std::fflush(nullptr);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        try {
            body();
        } catch (const std::exception& error) { // else the child would go on with the parent's other tests
            ADD_FAILURE() << error.what();
        }
        std::fflush(nullptr);
        _exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the machine's process failed, see above";
}

Result boot_and_run(Machine& machine, const BootImage& image) {
    Result result{};
    machine.set_serial_output([&](char c) { result.console += c; });
    machine.load(image);
    result.end = machine.run(machine.now() + 20 * models::ps_per_second);
    machine.set_serial_output(nullptr);
    return result;
}

} // namespace fixpoint::sim::test
