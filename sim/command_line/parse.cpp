#include "sim/command_line/parse.hpp"

#include "sim/command_line/commands.hpp"

#include <CLI/CLI.hpp>

namespace fixpoint::sim {

int run_command_line(int count, char** arguments) {
    CLI::App app{
        "fixpoint simulates a PC whose user-level pager checkpoints the whole system, cuts its power, and "
        "reports what the checkpoints cost and whether they held."};
    app.name("fixpoint");
    app.require_subcommand(1);

    constexpr const char* gdb_explanation = "wait for gdb on this port of 127.0.0.1 (0: any free one)";
    constexpr const char* profile_explanation =
        "write what the guest's code costs to this file (callgrind format)";
    RunOptions run;
    CLI::App* run_app = app.add_subcommand("run", "run an experiment and write its results into a folder");
    run_app->add_option("CONFIG", run.configuration, "experiment (TOML)")->required();
    run_app->add_option("--set", run.set, "override a key: KEY=VALUE")->allow_extra_args(false);
    run_app->add_option("--seed", run.seed, "override experiment.seed");
    run_app->add_option("--out", run.out, "folder of the results (default: results/local/NAME)");
    run_app->add_flag("--quiet", run.quiet, "no progress line");
    run_app->add_option("--gdb", run.gdb, gdb_explanation);
    run_app->add_option("--profile", run.profile, profile_explanation);
    run_app->add_option("--write-faults", run.write_faults,
                        "write what each write to a frozen page costs, part by part, to this file (CSV)");

    SweepOptions sweep;
    CLI::App* sweep_app =
        app.add_subcommand("sweep", "run an experiment for all combinations of its [sweep] table");
    sweep_app->add_option("CONFIG", sweep.configuration, "experiment with a [sweep] table (TOML)")
        ->required();
    sweep_app->add_option("--set", sweep.set, "override a key: KEY=VALUE")->allow_extra_args(false);
    sweep_app->add_option("--jobs", sweep.jobs, "simulations side by side (default: one a processor)")
        ->check(CLI::Range(1u, 1024u));
    sweep_app->add_option("--out", sweep.out, "folder of the results (default: results/local/NAME)");
    sweep_app->add_flag("--quiet", sweep.quiet, "no progress line");

    BootOptions boot;
    CLI::App* boot_app = app.add_subcommand("boot", "boot a Multiboot kernel or a BIOS on the machine");
    CLI::Option_group* start = boot_app->add_option_group("start", "what the machine starts from");
    CLI::Option* kernel = start->add_option("--kernel", boot.kernel, "Multiboot kernel (ELF)");
    start->add_option("--bios", boot.bios, "BIOS ROM image, or seabios for the installed one");
    start->require_option(1);
    boot_app->add_option("--append", boot.append, "the kernel's arguments")->needs(kernel);
    boot_app->add_option("--module", boot.modules, "a module: \"FILE ARGUMENTS\"")
        ->allow_extra_args(false)
        ->needs(kernel);
    boot_app
        ->add_option(
            "--disk", boot.disks,
            "raw disk image, up to four: "
            "IMG[,unit=0..3][,model=FILE][,access=read-write|overlay|read-only][,overlay=true][,key=value]")
        ->allow_extra_args(false);
    boot_app->add_option("--machine", boot.machine, "machine (TOML)")->capture_default_str();
    boot_app->add_option("--memory", boot.memory_mib, "main memory in MiB")->check(CLI::Range(2, 3072));
    boot_app->add_option("--serial", boot.serial, "stdio, null or a file")->capture_default_str();
    boot_app->add_flag("--vga", boot.vga, "print the screen when it has changed");
    boot_app->add_option("--keyboard", boot.keyboard,
                         "stdio: type what comes from standard input (the serial line then only writes)");
    boot_app->add_option("--max-seconds", boot.max_seconds, "simulated seconds after which to stop")
        ->check(CLI::Range(1e-6, 1e6))
        ->check(CLI::Validator( // nan passes every comparison of a range
            [](const std::string& text) { return text.find_first_of("nN") == text.npos ? "" : "no number"; },
            "", "number"));
    boot_app->add_option("--set", boot.set, "override a key of the machine: KEY=VALUE")
        ->allow_extra_args(false);
    boot_app->add_option("--gdb", boot.gdb, gdb_explanation);
    boot_app->add_option("--profile", boot.profile, profile_explanation);

    BenchOptions bench;
    CLI::App* bench_app = app.add_subcommand("bench", "measure the simulator's own speed");
    bench_app->add_option("NAME", bench.names, "loops to run (default: all)");
    bench_app->add_option("--machine", bench.machine, "machine (TOML)")->capture_default_str();
    bench_app->add_option("--rounds", bench.percent, "length of the loops in percent of the usual")
        ->check(CLI::Range(1u, 10'000u));
    bench_app->add_option("--set", bench.set, "override a key of the machine: KEY=VALUE")
        ->allow_extra_args(false);

    std::string image, other_image;
    CLI::App* disk_app = app.add_subcommand("disk", "look at a checkpoint disk");
    disk_app->require_subcommand(1);
    CLI::App* disk_info_app = disk_app->add_subcommand("info", "what the disk holds");
    CLI::App* disk_verify_app =
        disk_app->add_subcommand("verify", "check everything that the newest checkpoint needs");
    CLI::App* disk_diff_app = disk_app->add_subcommand("diff", "compare the newest checkpoints of two disks");
    for (CLI::App* command : {disk_info_app, disk_verify_app, disk_diff_app})
        command->add_option("IMG", image, "raw disk image")->required();
    disk_diff_app->add_option("OTHER", other_image, "raw disk image")->required();

    std::vector<std::string> to_validate;
    CLI::App* validate_app = app.add_subcommand("validate", "check configurations without running them");
    validate_app->add_option("CONFIG", to_validate, "experiments, machines or disks (TOML)")->required();

    std::string what;
    CLI::App* list_app = app.add_subcommand("list", "list what there is");
    list_app->add_option("WHAT", what, "workloads, machines, disks or metrics")
        ->required()
        ->check(CLI::IsMember({"workloads", "machines", "disks", "metrics"}));

    try {
        app.parse(count, arguments);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? exit_fine : exit_bad_usage; // says what is wrong; 0: help was asked for
    }
    if (run_app->parsed())
        return run_command(run);
    if (sweep_app->parsed())
        return sweep_command(sweep);
    if (boot_app->parsed())
        return boot_command(boot);
    if (bench_app->parsed())
        return bench_command(bench);
    if (disk_info_app->parsed())
        return disk_info_command(image);
    if (disk_verify_app->parsed())
        return disk_verify_command(image);
    if (disk_diff_app->parsed())
        return disk_diff_command(image, other_image);
    if (validate_app->parsed())
        return validate_command(to_validate);
    return list_command(what);
}

} // namespace fixpoint::sim
