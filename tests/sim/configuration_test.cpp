// Every configuration error is one message: file, line, column, key, what was expected, what was found, and
// the nearest valid key.
#include "sim/config/configuration_error.hpp"
#include "sim/config/experiment.hpp"
#include "sim/config/toml_file.hpp"

#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <unistd.h>

namespace fixpoint::sim {
namespace {

// A folder with a small machine and disk beside an experiment.
class Configuration : public testing::Test {
protected:
    Configuration() {
        std::filesystem::create_directories(folder_);
        write("machine.toml", machine);
        write("disk.toml", disk);
    }
    ~Configuration() override { std::filesystem::remove_all(folder_); }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ / name) << text;
    }

    static std::string replaced(std::string text, const std::string& from, const std::string& to) {
        const size_t at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return text.replace(at, from.size(), to);
    }

    [[nodiscard]] Experiment read(const std::string& text, const std::vector<std::string>& set = {}) const {
        write("experiment.toml", text);
        std::vector<Override> overrides;
        overrides.reserve(set.size());
        for (const std::string& item : set)
            overrides.push_back(parse_override(item));
        return read_experiment(read_configuration(folder_ / "experiment.toml", overrides));
    }

    // The message without the folder's name.
    [[nodiscard]] std::string error_of(const std::string& text,
                                       const std::vector<std::string>& set = {}) const {
        try {
            (void)read(text, set);
        } catch (const ConfigurationError& error) {
            std::string message = error.what();
            const std::string prefix = folder_.string() + '/';
            for (size_t at = 0; (at = message.find(prefix)) != std::string::npos;)
                message.erase(at, prefix.size());
            return message;
        }
        return "no error";
    }

    std::filesystem::path folder_ =
        std::filesystem::temp_directory_path() / ("fixpoint_configuration_test_" + std::to_string(getpid()));

    static constexpr const char* experiment = R"([experiment]
name = "small"
machine = "machine.toml"
[disk]
model = "disk.toml"
size_mib = 64
[pager]
interval_ms = 50
[[workload]]
program = "ledger"
accounts = 100
[run]
until = "workload"
[[crash]]
at_ms = 700
)";
    static constexpr const char* disk = R"(kind = "ideal"
model = "ideal"
command_overhead_us = 10
interface_bytes_per_second = 100_000_000
[ideal]
read_latency_ns = 0
write_latency_ns = 0
flush_latency_ns = 0
sector_ns = 100
)";
    static constexpr const char* machine = R"([cpu]
frequency_hz = 500_000_000
retire_width = 3
memory_latency_cycles = 50
memory_stream_cycles = 30
memory_streams = 4
writeback_cycles = 5
page_walk_cycles = 5
multiply_cycles = 4
divide_cycles = 30
branch_mispredict_cycles = 12
interrupt_cycles = 50
iret_cycles = 40
privilege_change_cycles = 20
sysenter_cycles = 20
sysexit_cycles = 20
cr3_load_cycles = 40
invlpg_cycles = 30
rdtsc_cycles = 30
cpuid_cycles = 100
segment_load_cycles = 10
other_system_cycles = 20
string_iteration_cycles = 1
locked_cycles = 20
x87_divide_cycles = 37
x87_square_root_cycles = 68
x87_transcendental_cycles = 60
branch_history_entries = 512
branch_history_bits = 4
cpuid_signature = 0x673
[cpu.l1_instruction]
size_bytes = 16384
ways = 4
line_bytes = 32
latency_cycles = 0
[cpu.l1_data]
size_bytes = 16384
ways = 4
line_bytes = 32
latency_cycles = 0
[cpu.l2]
size_bytes = 524288
ways = 4
line_bytes = 32
latency_cycles = 12
[cpu.instruction_tlb_4k]
entries = 32
ways = 4
[cpu.instruction_tlb_4m]
entries = 2
ways = 2
[cpu.data_tlb_4k]
entries = 64
ways = 4
[cpu.data_tlb_4m]
entries = 8
ways = 4
[memory]
bytes = 67_108_864
[chipset]
isa_access_ns = 700
pci_access_ns = 200
ide_bytes_per_second = 33_300_000
ide_errors = "qemu"
uart_instant = true
rtc_start_unix_seconds = 0
)";
};

TEST_F(Configuration, ReadsEveryPartAndFillsInTheDefaults) {
    const Experiment read_back = read(experiment);
    EXPECT_EQ(read_back.name, "small");
    EXPECT_EQ(read_back.seed, 1u);
    EXPECT_EQ(read_back.machine.cpu.l2.size_bytes, 524'288u);
    EXPECT_EQ(read_back.machine.disk.ideal.sector_ns, 100u);
    EXPECT_EQ(read_back.pager.interval_us, 50'000u);
    EXPECT_EQ(read_back.pager.copy, "on-write");
    ASSERT_EQ(read_back.workloads.size(), 1u);
    EXPECT_TRUE(read_back.workloads[0].arguments.starts_with("accounts=100 clients=4 "));
    ASSERT_EQ(read_back.crashes.size(), 1u);
    EXPECT_EQ(read_back.crashes[0].at, 700 * models::ps_per_ms);
    EXPECT_EQ(read_back.crashes[0].disk, models::PowerLoss::lose_cache);
}

TEST_F(Configuration, TheResolvedConfigurationReadsBackAsTheSameExperiment) {
    const std::string resolved = to_toml(read(experiment).resolved);
    std::filesystem::remove(folder_ / "machine.toml"); // it stands on its own
    std::filesystem::remove(folder_ / "disk.toml");
    EXPECT_EQ(to_toml(read(resolved).resolved), resolved);
}

TEST_F(Configuration, OverridesReachEveryKeyAlsoInsideTheFilesThatAreNamed) {
    const Experiment changed = read(experiment, {"pager.interval_ms=2.5", "workload[0].accounts=7",
                                                 "experiment.machine.cpu.retire_width=1",
                                                 "disk.model.model=other name", "crash[1].at_ms=900"});
    EXPECT_EQ(changed.pager.interval_us, 2'500u);
    EXPECT_TRUE(changed.workloads[0].arguments.starts_with("accounts=7 "));
    EXPECT_EQ(changed.machine.cpu.retire_width, 1u);
    EXPECT_EQ(changed.machine.disk.model, "other name");
    EXPECT_EQ(changed.crashes.size(), 2u);
}

TEST_F(Configuration, UnknownKey) {
    const std::string error = error_of(replaced(experiment, "interval_ms", "intervall_ms"));
    EXPECT_TRUE(error.starts_with("experiment.toml:8:1: pager.intervall_ms: expected a key of [pager] "
                                  "(interval_ms, copy, tracking, store, drain_order, "))
        << error;
    EXPECT_TRUE(error.ends_with("), found an unknown key; did you mean interval_ms?")) << error;
}

TEST_F(Configuration, MisspeltRequiredKey) {
    EXPECT_EQ(
        error_of(replaced(experiment, "machine =", "machin =")),
        "experiment.toml:1:1: experiment.machine: expected the machine: a file of configs/machines (a "
        "table), "
        "found the unknown key experiment.machin at experiment.toml:3:1; did you mean experiment.machine?");
}

TEST_F(Configuration, WrongType) {
    EXPECT_EQ(error_of(replaced(experiment, "interval_ms = 50", "interval_ms = \"fast\"")),
              "experiment.toml:8:15: pager.interval_ms: expected ms between checkpoints, 0: none (a number "
              "from 0 to "
              "4000000), found \"fast\"");
}

TEST_F(Configuration, ValueOutOfRange) {
    EXPECT_EQ(error_of(replaced(experiment, "size_mib = 64", "size_mib = 1")),
              "experiment.toml:6:12: disk.size_mib: expected size of the disk in MiB (an integer from 16 to "
              "131072), "
              "found 1");
}

TEST_F(Configuration, ValueOutOfRangeInTheMachineFile) {
    write("machine.toml", replaced(machine, "retire_width = 3", "retire_width = 0"));
    EXPECT_EQ(error_of(experiment),
              "machine.toml:3:16: experiment.machine.cpu.retire_width: expected micro-operations "
              "retired a cycle (an integer from 1 to 16), found 0");
}

TEST_F(Configuration, AProcessorWithFewerFeatures) {
    EXPECT_EQ(read(experiment).machine.cpu.disabled_features, 0u);
    write("machine.toml", replaced(machine, "retire_width = 3",
                                   "retire_width = 3\ndisabled_features = [\"pae\", \"pse36\"]"));
    EXPECT_EQ(read(experiment).machine.cpu.disabled_features, 1u << 6 | 1u << 17);
}

TEST_F(Configuration, TheSerialInterruptIsConnectedUnlessOut2IsToGateIt) {
    EXPECT_FALSE(read(experiment).machine.chipset.uart_out2_gates_interrupt);
    write("machine.toml",
          replaced(machine, "uart_instant = true", "uart_instant = true\nuart_out2_gates_interrupt = true"));
    EXPECT_TRUE(read(experiment).machine.chipset.uart_out2_gates_interrupt);
}

TEST_F(Configuration, AFeatureThatIsNone) {
    write("machine.toml",
          replaced(machine, "retire_width = 3", "retire_width = 3\ndisabled_features = [\"mttr\"]"));
    EXPECT_EQ(error_of(experiment),
              "machine.toml:4:21: experiment.machine.cpu.disabled_features: expected names of CPUID "
              "features, found \"mttr\"; did you mean \"mtrr\"?");
}

TEST_F(Configuration, ChoiceThatDoesNotExist) {
    EXPECT_EQ(error_of(replaced(experiment, "interval_ms = 50", "store = \"tape\"")),
              "experiment.toml:8:9: pager.store: expected the layout on disk (one of \"ab\", \"log\"), found "
              "\"tape\"; did you mean \"ab\"?");
}

TEST_F(Configuration, MisspeltChoice) {
    EXPECT_EQ(error_of(replaced(experiment, "\"ledger\"", "\"leger\"")),
              "experiment.toml:10:11: workload[0].program: expected a workload program (one of \"ledger\", "
              "\"writer\", \"churn\", \"crowd\"), "
              "found \"leger\"; did you mean \"ledger\"?");
}

TEST_F(Configuration, ArgumentOfAnotherProgram) {
    EXPECT_TRUE(
        error_of(replaced(experiment, "accounts = 100", "pages = 100"))
            .starts_with("experiment.toml:11:1: workload[0].pages: expected a key of [workload[0]] ("));
}

TEST_F(Configuration, EveryConductorHasAChild) {
    const std::string churn = replaced(experiment, "\"ledger\"\naccounts = 100", "\"churn\"\nchildren = 3");
    EXPECT_EQ(error_of(churn), "no error");
    EXPECT_EQ(error_of(replaced(churn, "children = 3", "children = 3\nconductors = 4")),
              "experiment.toml:12:14: workload[0].conductors: expected threads that direct them (an integer "
              "from 1 to 3), found 4");
}

TEST_F(Configuration, ACrowdFitsIntoItsTasks) {
    const std::string crowd = replaced(experiment, "\"ledger\"\naccounts = 100", "\"crowd\"\ntasks = 32");
    EXPECT_EQ(error_of(replaced(crowd, "tasks = 32", "tasks = 32\nthreads = 2000\nactive = 10\ntokens = 9")),
              "no error");
    EXPECT_EQ(
        error_of(replaced(crowd, "tasks = 32", "tasks = 32\nthreads = 2049")),
        "experiment.toml:12:11: workload[0].threads: expected threads in all tasks together (an integer "
        "from 32 to 2048), found 2049");
    EXPECT_EQ(error_of(replaced(crowd, "tasks = 32", "tasks = 32\nactive = 10\ntokens = 10")),
              "experiment.toml:13:10: workload[0].tokens: expected messages on the way at a time (an integer "
              "from 1 to 9), found 10");
}

TEST_F(Configuration, MissingMachineFile) {
    EXPECT_TRUE(error_of(replaced(experiment, "machine.toml", "pentium9.toml"))
                    .starts_with("experiment.toml:3:11: experiment.machine: expected a file, found no "
                                 "\"pentium9.toml\" in "));
}

TEST_F(Configuration, BrokenToml) {
    const std::string message = error_of(replaced(experiment, "[disk]", "[disk"));
    EXPECT_TRUE(message.starts_with("experiment.toml:4:")) << message;
    EXPECT_NE(message.find("expected valid TOML, found: "), std::string::npos) << message;
}

TEST_F(Configuration, EmptyFile) {
    EXPECT_EQ(error_of(""), "experiment.toml:1:1: expected a configuration, found an empty file");
}

TEST_F(Configuration, MissingFile) {
    EXPECT_THROW((void)read_configuration(folder_ / "nothing.toml", {}), ConfigurationError);
}

TEST_F(Configuration, WrongOverrideNamesTheCommandLine) {
    EXPECT_EQ(error_of(experiment, {"pager.interval_ms=fast"}),
              "--set: pager.interval_ms: expected ms between checkpoints, 0: none (a number from 0 to "
              "4000000), found "
              "\"fast\"");
    EXPECT_EQ(
        error_of(experiment, {"workload[3].accounts=1"}),
        "--set: workload[3].accounts: expected a key as pager.interval_ms or workload[0].accounts, found an "
        "index beyond the 1 elements of workload");
    EXPECT_EQ(error_of(experiment, {"pager"}), "--set: expected KEY=VALUE, found \"pager\"");
}

TEST_F(Configuration, EndIsGivenExactlyOnce) {
    EXPECT_EQ(error_of(replaced(experiment, "until = \"workload\"", "until = \"workload\"\nseconds = 1.0")),
              "experiment.toml:14:11: run.seconds: expected either until or seconds, found both");
    EXPECT_EQ(error_of(replaced(experiment, "until = \"workload\"", "")),
              "experiment.toml:12:1: run.until: expected until = \"workload\" or seconds = a number, found "
              "neither");
}

TEST_F(Configuration, CrashesAreOrderedAndWithinTheRun) {
    const std::string two = std::string(experiment) + "[[crash]]\nat_ms = 100\ndisk = \"torn\"\n";
    const Experiment ordered = read(two);
    EXPECT_EQ(ordered.crashes[0].at, 100 * models::ps_per_ms);
    EXPECT_EQ(ordered.crashes[0].disk, models::PowerLoss::torn);
    EXPECT_EQ(ordered.crashes[0].number, 1u) << "its place in the file";
    EXPECT_FALSE(read(replaced(two, "torn", "shutdown")).crashes[0].disk) << "the power button";
    EXPECT_NE(
        error_of(replaced(two, "until = \"workload\"", "seconds = 0.5")).find("before the end of the run"),
        std::string::npos);
}

TEST_F(Configuration, TheBaselineIsTheSameForExperimentsThatDifferInThePagerOnly) {
    const Experiment one = read(experiment),
                     other = read(experiment, {"pager.interval_ms=10", "pager.copy=stop"});
    EXPECT_EQ(to_toml(without_checkpoints(one).resolved), to_toml(without_checkpoints(other).resolved));
    EXPECT_EQ(without_checkpoints(other).pager.interval_us, 0u);
    EXPECT_NE(to_toml(without_crashes(one).resolved), to_toml(without_crashes(other).resolved));
    EXPECT_TRUE(without_crashes(one).crashes.empty());
}

} // namespace
} // namespace fixpoint::sim
